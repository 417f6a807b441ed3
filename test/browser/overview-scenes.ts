import type { Slot } from '../../src/fleet/container.ts';
import type { Job } from '../../src/jobs/job.ts';
import { OverviewWorld } from './overview-world.ts';

const hosts = { ash: 4, birch: 4, cedar: 2 };
const slots: Slot[] = Object.entries(hosts).flatMap(([host, gpus]) =>
  Array.from({ length: gpus }, (_, index) => ({ host, device: `gpu${index}`, gpu: 'A10G', share: 1 })),
);

/** Nothing has happened yet. */
export const quietWorld = (): OverviewWorld =>
  new OverviewWorld({ slots, usdPerHour: 1.1, deployments: { collage: {}, 'upscale-4x': {} } });

/** A fleet without a price, with many slots of one host. */
export function manySlots(count: number): OverviewWorld {
  const many = Array.from({ length: count }, (_, index) => ({ host: 'local', device: `gpu${index}`, gpu: 'A10G', share: 1 }));
  const world = new OverviewWorld({ slots: many, usdPerHour: null, comfyuiPage: '/page/', deployments: { collage: {} } });
  const ids = many.map((_, slot) => world.start('collage', slot));
  world.after(15);
  for (const id of ids) world.ready(id);
  for (let round = 0; round < 20; round++) {
    const jobs = ids.map((id) => world.run(world.submit('collage'), id));
    world.after(4);
    for (const job of jobs.slice(0, 5 + round * 3)) world.finish(job);
    for (const job of jobs.slice(5 + round * 3)) world.finish(job);
    world.after(2);
  }
  return world;
}

/**
 * Ten minutes of a working fleet: four users, then ten, each sending the next prompt a while after the last picture. Containers start
 * when jobs wait and go when they have been idle for a minute; one start fails. The same on every run.
 */
export function busyWorld(): OverviewWorld {
  const world = quietWorld();
  const agenda: { at: number; act: () => void }[] = [];
  const at = (time: number, act: () => void): void => void agenda.push({ at: time, act });
  const random = seeded(7);
  const waiting: { job: Job; next: () => void; since: number }[] = [];
  const free: string[] = [];
  const readyAt = new Map<string, number>();
  const slotOf = new Map<string, number>();
  let failNext = false;

  const start = (): void => {
    const slot = slots.findIndex((_, index) => ![...slotOf.values()].includes(index));
    if (slot < 0) return;
    const id = world.start('collage', slot, `${waiting.length} waiting, none free`);
    slotOf.set(id, slot);
    const fails = failNext;
    failNext = false;
    at(world.now + (fails ? 2_000 : slot >= 8 ? 15_600 : 3_000 + random() * 600), () => {
      if (fails) {
        slotOf.delete(id);
        world.container(id, {
          type: 'failed',
          at: world.now,
          code: 'start_failed',
          message: 'GPU memory: 9.1 of 24 GiB held by another process',
        });
        return start();
      }
      world.ready(id);
      readyAt.set(id, world.now);
      free.push(id);
      assign();
    });
  };
  const assign = (): void => {
    while (free.length > 0 && waiting.length > 0) {
      const [id, entry] = [free.pop()!, waiting.shift()!];
      const cold = Math.max(0, Math.min(world.now - entry.since, (readyAt.get(id) ?? 0) - entry.since));
      const job = world.run(entry.job, id);
      at(world.now + 3_400 + random() * 500 + (random() < 0.02 ? 2_500 : 0), () => {
        world.finish(job, { coldMs: cold });
        free.push(id);
        const idleFrom = world.now;
        at(idleFrom + 60_000, () => retire(id, idleFrom));
        entry.next();
        assign();
      });
    }
    const starting = [...world.containers.values()].filter((one) => one.state === 'starting').length;
    const short = Math.min(waiting.length, 10 - world.containers.size) - starting;
    if (short > 0) world.scaled('collage', short, 0, `${waiting.length} jobs wait, ${starting} containers are starting`);
    for (let n = 0; n < short; n++) start();
  };
  const retire = (id: string, idleFrom: number): void => {
    const container = world.containers.get(id);
    if (container?.idleSince !== idleFrom || container.inFlight > 0 || world.containers.size < 4) return;
    free.splice(free.indexOf(id), 1);
    slotOf.delete(id);
    world.container(id, { type: 'drain', reason: 'idle 60 s' });
    at(world.now + 4_000, () => world.container(id, { type: 'stopped', at: world.now, reason: 'idle 60 s' }));
  };
  const user = (): void => {
    const send = (): void => {
      waiting.push({ job: world.submit('collage'), next: () => at(world.now + 200 + random() * 5_500, send), since: world.now });
      assign();
    };
    send();
  };

  const begin = world.now;
  for (let n = 0; n < 4; n++) at(begin + n * 900, user);
  at(begin + 250_000, () => void (failNext = true));
  for (let n = 0; n < 6; n++) at(begin + 250_000 + n * 20, user);
  while (agenda.length > 0) {
    agenda.sort((a, b) => a.at - b.at);
    const next = agenda.shift()!;
    if (next.at > begin + 598_500) break;
    world.now = next.at;
    next.act();
  }
  world.now = begin + 598_500;
  return world;
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
