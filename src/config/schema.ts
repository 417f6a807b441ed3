import { isIP } from 'node:net';
import type { ScalingSettings } from '../fleet/scaling/settings.ts';

/** The configuration as the program uses it: made once by `loadConfig`, passed as a value, never a global. */
export interface Config {
  /** Absolute path; holds the database, assets, logs and the supervisor's socket. */
  readonly dataDir: string;
  readonly network: {
    readonly host: string;
    readonly port: number;
    /** Host names beside loopback that requests may carry. */
    readonly hosts: readonly string[];
    /** CIDR blocks that outgoing URLs may reach though they are private. */
    readonly allowPrivate: readonly string[];
  };
  readonly runtime: 'auto' | 'emulated' | 'process' | 'remote';
  readonly comfyui: {
    /** Folder of a ComfyUI checkout, absolute; null: none. */
    readonly path: string | null;
    /** Servers that already run. */
    readonly urls: readonly string[];
    readonly python: string | null;
    /** Further arguments of main.py. */
    readonly args: readonly string[];
    /** True runs ComfyUI with --cpu even where a GPU is. */
    readonly cpu: boolean;
  };
  /** Timing profile of emulated containers, by name. */
  readonly profile: string;
  /** Containers that fit, when it is not to be found out; null: GPUs found, 1 on CPU, 100 emulated. */
  readonly capacity: number | null;
  readonly workspace: { readonly name: string; /** GPUs at once; null: no limit. */ readonly gpuLimit: number | null };
  /** Prices by GPU model. */
  readonly gpus: Readonly<Record<string, { readonly usdPerHour: number }>>;
  /** ComfyUI's own page: the folder of its files, or null; whether containers serve what the folder lacks. Neither: there is none. */
  readonly page: { readonly folder: string | null; readonly container: boolean; readonly port: number };
  readonly retention: { readonly jobsMs: number; readonly outputsMs: number; readonly uploadsMs: number };
  /** Replays of what came lately; `everyMs` null: none. */
  readonly shadow: { readonly everyMs: number | null; readonly windowMs: number };
  /** Null: on loopback without keys. */
  readonly openGraphs: boolean | null;
  readonly deployments: readonly DeploymentConfig[];
  /** The file it came from; null: defaults only. */
  readonly file: string | null;
}

export interface DeploymentConfig {
  readonly name: string;
  readonly environment: string;
  readonly default: boolean;
  /** Path of the API-format graph, absolute. */
  readonly workflow: string;
  /** Declared inputs as the file has them, by name; null: inferred from the graph. */
  readonly inputs: Readonly<Record<string, InputConfig>> | null;
  /** Node ids in order; null: inferred. */
  readonly outputs: readonly string[] | null;
  /** Absolute paths of files that ship with the workflow, by the name that the graph uses. */
  readonly files: Readonly<Record<string, string>>;
  readonly scaling: Partial<ScalingSettings>;
  readonly executionTimeoutMs: number;
  readonly native: { /** Routes of node packs that pass to containers. */ readonly allow: readonly NativeAllowance[] };
}

/** A path and all below it; GET stands for HEAD as well. */
export interface NativeAllowance {
  readonly method: 'GET' | 'POST';
  readonly path: string;
}

export interface InputConfig {
  /** `node.field`, or several. */
  readonly target: readonly string[];
  readonly type?: 'string' | 'int' | 'float' | 'boolean' | 'enum' | 'image' | 'file';
  readonly description?: string;
  readonly required?: boolean;
  readonly default?: unknown;
  readonly min?: number;
  readonly max?: number;
  readonly step?: number;
  readonly choices?: readonly unknown[];
  readonly random?: boolean;
}

/** Is this a block of addresses as `10.0.0.0/8` or `fd00::/8`? */
export function isAddressBlock(text: string): boolean {
  const [, address = '', bits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const version = isIP(address);
  return version !== 0 && Number(bits) <= (version === 4 ? 32 : 128);
}
