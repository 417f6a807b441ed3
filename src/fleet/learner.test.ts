import { beforeEach, expect, test } from 'vitest';
import { VirtualClock } from '../../test/support/virtual-clock.ts';
import type { NodeDefinitions } from '../comfyui/protocol.ts';
import type { Endpoint } from '../comfyui/runner.ts';
import type { Deployment } from '../deployments/deployment.ts';
import { Learner } from './learner.ts';

const catalogue = { stats: null, features: null, extensions: [], embeddings: [], models: [] };
const endpoint = { url: 'http://a' };
let clock: VirtualClock;
let asked: string[];
let learnt: number;
let problems: unknown[];
let ready: Endpoint | null;
let known: NodeDefinitions | null;
let learner: Learner;

beforeEach(() => {
  clock = new VirtualClock();
  asked = [];
  learnt = 0;
  problems = [];
  ready = null;
  known = null;
  learner = new Learner({
    clock,
    runner: {
      definitions: async ({ url }) => {
        asked.push(url);
        if (url === 'http://broken') throw new Error('it hung up');
        return {};
      },
      catalogue: async () => catalogue,
    },
    deployments: {
      list: () => [{ problems } as unknown as Deployment],
      learnDefinitions: async () => void learnt++,
      learnCatalogue: async () => undefined,
    },
    ready: () => ready,
    definitions: async () => known,
  });
});

test('of many new containers one a minute is asked, and one every few seconds while a deployment cannot run', async () => {
  await learner.containerReady(endpoint);
  await clock.runFor(5_000);
  await learner.containerReady(endpoint);
  expect(learnt).toBe(1);
  problems = [{}];
  await Promise.all([learner.containerReady(endpoint), learner.containerReady(endpoint)]);
  expect(learnt).toBe(2);
});

test('a ready container is asked before a refusal, at most every few seconds', async () => {
  ready = endpoint;
  expect(await Promise.all([learner.learnNow(), learner.learnNow()])).toEqual([true, true]);
  expect(await learner.learnNow()).toBe(true);
  expect(asked).toEqual(['http://a']);
  await clock.runFor(3_000);
  expect(await learner.learnNow()).toBe(true);
  expect(asked).toHaveLength(2);
});

test('without a ready container the runtime may know; else nobody can tell, nor when the container does not answer', async () => {
  expect(await learner.learnNow()).toBe(false);
  ready = { url: 'http://broken' };
  expect(await learner.learnNow()).toBe(false);
  ready = null;
  known = {};
  expect(await learner.learnNow()).toBe(true);
  expect(learnt).toBe(1);
});
