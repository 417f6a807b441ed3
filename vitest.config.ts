import { defineConfig } from 'vitest/config';

/** Unlike unit tests, whole programs are timed by what else runs: they wait for the others, and run one file at a time. */
const alone = (groupOrder: number) => ({ fileParallelism: false, sequence: { groupOrder } });

const project = (name: string, include: string[], options: object = {}) => ({
  extends: true as const,
  test: { name, include, ...options },
});

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    silent: 'passed-only',
    projects: [
      // They share a process' modules, which saves a minute of loading them 190 times: none replaces a module (vi.mock) or leaves anything behind.
      project('unit', ['src/**/*.test.ts', 'web/**/*.test.{ts,tsx}'], { isolate: false }),
      project('house', ['test/*.test.ts', 'test/{contract,protocol,replay,simulation,tidy,package}/**/*.test.ts']),
      project('end-to-end', ['test/end-to-end/**/*.test.ts'], alone(1)),
      project('browser', ['test/browser/**/*.test.ts'], alone(2)),
    ],
  },
});
