import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'vitest';
import { fleetTopic } from '../../src/bus/events.ts';
import { main } from '../../src/cli/main.ts';
import type { Machine } from '../../src/cli/machine.ts';
import type { OverviewDocument } from '../../src/telemetry/overview/document.ts';
import type { ApiContext } from '../../src/api/context.ts';
import { createApiWorld, listen, type ApiWorld } from './api.ts';

/** The command line, run in this process against the real HTTP API over services in memory. */

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface CliWorld {
  readonly world: ApiWorld;
  readonly url: string;
  /** The working folder of every command. */
  readonly folder: string;
  comfleet(args: readonly string[], change?: { env?: Record<string, string>; machine?: Partial<Machine> }): Promise<Ran>;
  /** The answer of a command with --json that must succeed quietly. */
  json(...args: string[]): Promise<Record<string, never> & { items: Record<string, never>[] }>;
  /** From now on every job ends as soon as it is accepted. */
  serve(change?: Parameters<ApiWorld['finish']>[1]): void;
  /** A new job's id. */
  submit(): Promise<string>;
  close(): Promise<void>;
}

export const screenOf = (): { write(text: string): void; text: string } => ({
  text: '',
  write(text) {
    this.text += text;
  },
});

export async function openCli(own: Partial<ApiContext> = {}): Promise<CliWorld> {
  const world = await createApiWorld({ change: () => ({ overview: () => overview, ...own }) });
  const url = `http://127.0.0.1:${await listen(world.app)}`;
  const folder = mkdtempSync(path.join(os.tmpdir(), 'comfleet-cli-'));

  const comfleet: CliWorld['comfleet'] = async (args, change = {}) => {
    const [out, err] = [screenOf(), screenOf()];
    const code = await main(args, {
      terminal: { env: { COMFLEET_URL: url, ...change.env }, cwd: folder, out, err },
      version: '1.2.3',
      signals: () => () => undefined,
      startApp: async () => {
        throw new Error('no test here starts the app');
      },
      openKeys: async () => {
        throw new Error('no test here opens the data folder');
      },
      ...change.machine,
    });
    return { code, out: out.text, err: err.text };
  };

  return {
    world,
    url,
    folder,
    comfleet,
    async json(...args) {
      const { out, code, err } = await comfleet([...args, '--json']);
      expect(err).toBe('');
      expect(code).toBe(0);
      return JSON.parse(out) as never;
    },
    serve(change = {}) {
      world.context.bus.subscribe(fleetTopic, ({ data }) => {
        const event = data as { kind: string; change?: string; job?: { id: string } };
        if (event.kind === 'job' && event.change === 'queued' && event.job) void world.finish(event.job.id, change);
      });
    },
    async submit() {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${url}/fleet/v1/jobs`, { method: 'POST', headers, body: '{"inputs":{"prompt":"x"}}' });
      return ((await response.json()) as { id: string }).id;
    },
    async close() {
      await world.app.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** A port on which nobody listens. */
export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

const overview = {
  as_of: 0,
  verdict: {
    code: 'flow/at_max_containers',
    severity: 'warn',
    sentence: 'Jobs wait: max_containers is reached.',
    evidence: ['3 jobs wait.'],
    ruled_out: [],
    as_of: 0,
  },
  queue: { length: 3, oldest_wait_s: 5, longest_wait_s: 5, series: [] },
  latency: { p50: 4.4, p95: 6.1, p95_ci: null, n: 9, series: [] },
  containers: { by_state: {}, on_gpu: 2, capacity: 4 },
  cost: { usd_per_min: 0.0367 },
  runtime: { name: 'emulated', emulated: true, profile: 'a10g-collage', ready: true, note: null },
  deployments: [
    {
      name: 'collage',
      environment: 'production',
      default: true,
      state: 'serving',
      queued: 3,
      containers: 2,
      p95: 6.1,
      attainment: 0.875,
      usd_per_min: null,
      held_by: 'max_containers',
    },
  ],
} as unknown as OverviewDocument;
