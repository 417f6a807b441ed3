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
let catalogued: number;
let tellCatalogue: () => Promise<typeof catalogue>;
let learnt: number;
let problems: unknown[];
let ready: Endpoint | null;
let known: NodeDefinitions | null;
let learner: Learner;

beforeEach(() => {
  clock = new VirtualClock();
  asked = [];
  learnt = 0;
  catalogued = 0;
  tellCatalogue = async () => catalogue;
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
      catalogue: () => tellCatalogue(),
    },
    deployments: {
      list: () => [{ problems } as unknown as Deployment],
      learnDefinitions: async () => void learnt++,
      learnCatalogue: async () => void catalogued++,
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

test('for readers a ready container is asked for everything, at most every few seconds; without one nobody is', async () => {
  known = {};
  await learner.refresh();
  expect([learnt, catalogued]).toEqual([0, 0]);
  ready = endpoint;
  await Promise.all([learner.refresh(), learner.refresh()]);
  await learner.refresh();
  expect([learnt, catalogued]).toEqual([1, 1]);
  await clock.runFor(3_000);
  await learner.refresh();
  expect([learnt, catalogued]).toEqual([2, 2]);
});

test('what a refusal or a new container has asked for is not asked for again, but for the catalogue that a refusal leaves out', async () => {
  await learner.containerReady(endpoint);
  ready = endpoint;
  await learner.refresh();
  expect([learnt, catalogued]).toEqual([1, 1]);
  await clock.runFor(3_000);
  await Promise.all([learner.learnNow(), learner.refresh()]);
  expect([learnt, catalogued]).toEqual([2, 2]);
});

test('a container that answers slowly or not at all is not asked at every reading', async () => {
  ready = endpoint;
  let tell = (): void => undefined;
  tellCatalogue = () => new Promise((resolve) => (tell = () => resolve(catalogue)));
  const slow = learner.refresh();
  await clock.runFor(10_000);
  await Promise.race([learner.refresh(), clock.runFor(1)]);
  expect(asked).toHaveLength(1);
  tell();
  await slow;
  await clock.runFor(3_000);
  ready = { url: 'http://broken' };
  await learner.refresh();
  await learner.refresh();
  expect(asked).toEqual(['http://a', 'http://broken']);
});
