import { expect, test } from 'vitest';
import { promptOf, submitted } from '../../test/contract/store-samples.ts';
import { createMemoryStore } from '../store/memory.ts';
import { VirtualClock } from '../../test/support/virtual-clock.ts';
import { fleetTopic, publishJob } from './events.ts';
import { createBus } from './memory.ts';

test('what is kept of a job has neither its graph nor what its client sent beside it', async () => {
  const bus = createBus(new VirtualClock(), { kept: [fleetTopic], ring: 10 });
  const long = 'A'.repeat(100_000);
  const graph = { 1: { class_type: 'SaveImage', inputs: { picture: long } } };
  const store = createMemoryStore();
  await submitted(store, 'a', { graph, prompt: promptOf('p', { extraData: { long } }) });
  publishJob(bus, (await store.job('a'))!, 'queued');
  const { events } = bus.since(fleetTopic, 0);
  expect(events).toMatchObject([{ data: { kind: 'job', change: 'queued', job: { id: 'a', prompt: { id: 'p' } } } }]);
  expect(JSON.stringify(events).length).toBeLessThan(5_000);
});
