import path from 'node:path';
import type { z } from 'zod';
import { ComfleetError } from '../errors.ts';
import { fixMark } from './fields.ts';
import type { Origin } from './sources.ts';
import type { YamlFile } from './yaml.ts';

/** One thing that is wrong with the configuration. */
export interface Complaint {
  /** Place in the configuration, with dots; null for errors of the file as such. */
  readonly key: string | null;
  /** Line of the file, from 1; null when a flag or variable is at fault. */
  readonly line: number | null;
  /** The whole sentence, its place first. */
  readonly message: string;
}

/** Gathers everything that is wrong with the configuration, each with its place, so that one run reports it all. */
export class Complaints {
  /** Who set which path, when it was not the file. */
  origins: ReadonlyMap<string, Origin> = new Map();
  readonly #found: Complaint[] = [];
  readonly #file: string | null;
  readonly #name: string;
  readonly #yaml: YamlFile;

  constructor(file: string | null, cwd: string, yaml: YamlFile) {
    this.#file = file;
    this.#yaml = yaml;
    const relative = file === null ? 'defaults' : path.relative(cwd, file);
    this.#name = relative.startsWith('..') && file !== null ? file : relative;
  }

  /** `comfleet.yaml:12` */
  place(keys: readonly PropertyKey[]): string {
    return `${this.#name}:${this.#yaml.lineOf(keys)}`;
  }

  atLine(line: number, message: string): void {
    this.#found.push({ key: null, line, message: `${this.#name}:${line}: ${message}` });
  }

  from(origin: Origin, message: string): void {
    const [wrong] = message.split(fixMark);
    this.#found.push({
      key: null,
      line: null,
      message: `${origin.name}: ${wrong}${fixMark}${origin.example}${kubernetesHint(origin, message)}`,
    });
  }

  /** Something wrong at a path, whoever set it. */
  at(keys: readonly PropertyKey[], message: string): void {
    const key = keys.map(String).join('.');
    const origin = this.origins.get(key);
    if (origin !== undefined) return this.from(origin, message);
    const line = this.#file === null ? null : this.#yaml.lineOf(keys);
    const subject = key === '' ? '' : `${key}: `;
    this.#found.push({ key, line, message: line === null ? `${subject}${message}` : `${this.#name}:${line}: ${subject}${message}` });
  }

  issues(issues: readonly z.core.$ZodIssue[]): void {
    for (const issue of issues) {
      if (issue.code === 'unrecognized_keys') {
        const lines = issue.message.split('\n');
        issue.keys.forEach((key, index) => this.at([...issue.path, key], lines[index] ?? issue.message));
      } else {
        this.at(issue.path, issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message);
      }
    }
  }

  /** Throws `invalid_config` when anything was found, in the order of the file. */
  throwIfAny(): void {
    if (this.#found.length === 0) return;
    const errors = this.#found.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
    throw new ComfleetError('invalid_config', errors.map(({ message }) => message).join('\n'), { errors });
  }
}

/** Kubernetes gives every pod `NAME_PORT=tcp://...` for a service called NAME. */
const kubernetesHint = (origin: Origin, message: string): string =>
  origin.name === 'COMFLEET_PORT' && message.includes('tcp://')
    ? ' (Kubernetes sets it for a service named comfleet: set enableServiceLinks: false)'
    : '';
