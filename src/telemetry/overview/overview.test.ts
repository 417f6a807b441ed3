import { describe, expect, it } from 'vitest';
import { busyWorld, manySlots, quietWorld } from '../../../test/browser/overview-scenes.ts';
import { OverviewWorld } from '../../../test/browser/overview-world.ts';
import type { Slot } from '../../fleet/container.ts';
import type { OverviewDocument, Segment } from './document.ts';

const gpu = (index: number, host = 'ash'): Slot => ({ host, device: `gpu${index}`, gpu: 'A10G', share: 1 });

/** One container on the first slot, ready after 10 s. */
function oneContainer(usdPerHour: number | null = 3.6): { world: OverviewWorld; id: string } {
  const world = new OverviewWorld({
    slots: [gpu(0), gpu(1)],
    usdPerHour,
    deployments: { collage: {}, other: { slo: { p: 0.95, latencyMs: 60_000, windowMs: 300_000 } } },
  });
  const id = world.start('collage', 0);
  world.after(10).ready(id);
  return { world, id };
}

const blocks = (document: OverviewDocument, slot: string): [Segment['state'], number][] =>
  document.segments.filter((segment) => segment.slot === slot).map((segment) => [segment.state, (segment.to - segment.from) / 1000]);

describe('life lines', () => {
  it('follow a container from its start to its end, with one block a job', () => {
    const { world, id } = oneContainer();
    world.after(1);
    const first = world.run(world.submit('collage'), id);
    world.after(4).finish(first);
    world.after(2);
    const second = world.run(world.submit('collage'), id);
    world.after(3).finish(second);
    world.container(id, { type: 'drain', reason: 'idle' });
    world.after(5).container(id, { type: 'stopped', at: world.now, reason: 'idle' });
    world.after(7);
    const document = world.document();
    expect(blocks(document, 'ash/gpu0')).toEqual([
      ['starting', 10],
      ['ready', 1],
      ['busy', 4],
      ['idle', 2],
      ['busy', 3],
      ['draining', 5],
    ]);
    expect(document.segments.filter((segment) => segment.state === 'busy').map((segment) => segment.job)).toEqual([first.id, second.id]);
    expect(document.slots.map((slot) => slot.state)).toEqual(['free', 'free']);
  });

  it('show the GPU that a server by URL tells once it is up, and go on showing it when its container is gone', () => {
    const device = 'http://box:8188';
    const world = new OverviewWorld({
      slots: [{ host: 'box:8188', device, gpu: null, share: 0 }],
      usdPerHour: 3.6,
      deployments: { collage: {} },
    });
    const id = world.start('collage', 0);
    const found = { gpu: 'H100', share: 1, usdPerHour: 3.6 };
    world.after(1).container(id, { type: 'ready', at: world.now, endpoint: { url: device }, found });
    expect(world.document().slots).toMatchObject([{ gpu: 'H100', state: 'ready' }]);
    world.after(1).container(id, { type: 'stopped', at: world.now, reason: 'idle' });
    expect(world.document().slots).toMatchObject([{ gpu: 'H100', state: 'free' }]);
  });

  it('begin a new block with the next job of a container that takes several', () => {
    const { world, id } = oneContainer();
    const [first, second] = [world.run(world.submit('collage'), id), world.run(world.submit('collage'), id)];
    world.after(2).finish(first);
    world.after(3).finish(second);
    const busy = world.document().segments.filter((segment) => segment.state === 'busy');
    expect(busy.map(({ job, from, to }) => [job, to - from])).toEqual([
      [first.id, 2000],
      [second.id, 3000],
    ]);
  });

  it('mark a failed start with its reason and free the slot for the next container', () => {
    const world = new OverviewWorld({ slots: [gpu(0)], usdPerHour: null, deployments: { collage: {} } });
    const id = world.start('collage', 0);
    world.after(2).container(id, { type: 'failed', at: world.now, code: 'start_failed', message: 'no memory' });
    world.after(1);
    world.start('collage', 0);
    const document = world.after(1).document();
    expect(document.segments.find((segment) => segment.state === 'failed')).toMatchObject({
      slot: 'ash/gpu0',
      container: id,
      reason: 'no memory',
    });
    expect(document.slots).toMatchObject([{ id: 'ash/gpu0', state: 'starting' }]);
  });

  it('give containers that share a device a lane each', () => {
    const half = { ...gpu(0), share: 0.5 };
    const world = new OverviewWorld({ slots: [half, half], usdPerHour: null, deployments: { collage: {} } });
    world.start('collage', 0);
    world.start('collage', 1);
    expect(world.document().slots.map((slot) => [slot.id, slot.state])).toEqual([
      ['ash/gpu0', 'starting'],
      ['ash/gpu0#2', 'starting'],
    ]);
  });

  it('show a container that ran before the gateway came back', () => {
    const { world, id } = oneContainer();
    const later = new OverviewWorld({ slots: [gpu(0)], usdPerHour: null, deployments: { collage: {} } });
    later.containers.set(id, world.containers.get(id)!);
    later.now = world.after(20).now;
    expect(blocks(later.document(), 'ash/gpu0')).toEqual([
      ['starting', 10],
      ['ready', 20],
    ]);
  });

  it('show only slots that were used where there are many, and hosts as one line beyond 60', () => {
    const slots = Array.from({ length: 100 }, (_, index) => gpu(index));
    const world = new OverviewWorld({ slots, usdPerHour: null, deployments: { collage: {} } });
    world.start('collage', 3);
    expect(world.document().slots.map((slot) => slot.id)).toEqual(['ash/gpu3']);
    expect(world.document().hosts).toEqual([]);
    const full = manySlots(100).document();
    expect(full.hosts).toHaveLength(1);
    expect(full.hosts[0]).toMatchObject({ host: 'local', slots: 100 });
    // Rounds of 4 s of work and 2 s of rest.
    const middle = full.hosts[0]!.series.slice(-20, -4);
    const mean = middle.reduce((sum, point) => sum + point.busy, 0) / middle.length;
    expect(mean).toBeCloseTo(4 / 6, 1);
  });
});

describe('cost', () => {
  it('adds up container time by what it was used for', () => {
    const { world, id } = oneContainer(3.6);
    const job = world.run(world.submit('collage'), id);
    world.after(20).finish(job);
    world.after(30);
    const { cost, deployments } = world.document();
    // 3.6 dollars an hour are 0.001 a second: 10 s starting, 20 s busy, 30 s idle.
    expect(cost.usd_window).toBeCloseTo(0.06, 9);
    expect(cost.note).toBe('10 min: $0.060 = busy 33.3 %, starting 16.7 %, idle 50 %');
    expect(cost.usd_per_min).toBeCloseTo(0.06, 9);
    const perColumn = (use: 'busy' | 'starting' | 'idle'): number => cost.series.reduce((sum, point) => sum + (point[use] * 5) / 60, 0);
    expect([perColumn('starting'), perColumn('busy')]).toEqual([expect.closeTo(0.01, 4), expect.closeTo(0.02, 4)]);
    expect(deployments[0]).toMatchObject({ name: 'collage', usd_per_1000: expect.closeTo(60, 6) });
  });

  it('says that no price is set and counts containers', () => {
    const { world } = oneContainer(null);
    expect(world.after(20).document().cost).toMatchObject({
      usd_per_min: null,
      usd_window: null,
      unit: 'containers',
      note: 'no price set, so containers are counted',
    });
  });

  it('is zero, not unknown, with a price and nothing running', () => {
    const document = quietWorld().document();
    expect(document.cost.usd_per_min).toBe(0);
    expect(document.deployments.map((row) => row.usd_per_min)).toEqual([0, 0]);
  });
});

describe('jobs', () => {
  it('are judged by the promise of their own deployment', () => {
    const { world, id } = oneContainer();
    const run = (deployment: string, seconds: number): void => {
      const job = world.run(world.submit(deployment), id);
      world.after(seconds).finish(job);
    };
    run('collage', 5);
    run('collage', 7);
    run('other', 7);
    const { slo, deployments, latency } = world.document();
    expect(slo).toMatchObject({ latency_s: null, p: 0.95, jobs: 3, late: 1 });
    expect(deployments.map((row) => [row.name, row.attainment])).toEqual([
      ['collage', 0.5],
      ['other', 1],
    ]);
    expect(latency).toMatchObject({ p50: 7, p95: 7, n: 3 });
  });

  it('that were cancelled count neither way, failed ones as not kept', () => {
    const { world, id } = oneContainer();
    world.finish(world.submit('collage'), { state: 'canceled' });
    world.finish(world.run(world.submit('collage'), id), { state: 'failed', error: { code: 'workflow_error', message: 'no' } });
    const { slo, failed, jobs } = world.document();
    expect(slo).toMatchObject({ jobs: 1, late: 1 });
    expect(failed).toMatchObject({ jobs: 1, of: 1, top: 'workflow_error' });
    expect(jobs.items.map((dot) => dot.outcome)).toEqual(['canceled', 'failed']);
  });

  it('leave the window after ten minutes', () => {
    const { world, id } = oneContainer();
    world.finish(world.run(world.submit('collage'), id));
    expect(world.after(599).document().jobs).toMatchObject({ n: 1, seen: 1 });
    expect(world.after(2).document().jobs).toMatchObject({ n: 0, seen: 1, items: [] });
  });

  it('that wait are counted, with the longest wait', () => {
    const { world, id } = oneContainer();
    const [first] = [world.submit('collage'), world.submit('collage')];
    world.after(8);
    expect(world.document().queue).toMatchObject({ length: 2, oldest_wait_s: 8 });
    world.run(first, id);
    const { queue } = world.document();
    expect(queue).toMatchObject({ length: 1, longest_wait_s: 8 });
    expect(Math.max(...queue.series.map((point) => point.v ?? 0))).toBe(2);
  });

  it('stay within bounds however many there are', () => {
    const { world, id } = oneContainer();
    for (let n = 0; n < 33_000; n++) {
      const job = world.run(world.submit('collage'), id);
      world.after(0.005).finish(job);
      world.after(0.003);
    }
    const { jobs, segments, events } = world.document();
    expect(jobs.n).toBeLessThanOrEqual(30_000);
    expect(jobs.items.length).toBeLessThanOrEqual(2_000);
    expect(segments.length).toBeLessThanOrEqual(4_000);
    expect(events.length).toBeLessThanOrEqual(100);
  });
});

describe('the document', () => {
  it('covers the time since the gateway began, from two minutes to ten', () => {
    const world = quietWorld();
    const covered = (): number => {
      const { window } = world.document();
      return (window.to - window.from) / 1000;
    };
    const lengths = [30, 270, 900].map((seconds) => {
      world.after(seconds);
      return covered();
    });
    expect(lengths).toEqual([120, 300, 600]);
  });

  it('tells what happened in words, newest first', () => {
    const { world, id } = oneContainer();
    world.scaled('collage', 2, 0, '3 jobs wait');
    world.container(id, { type: 'failed', at: world.now, code: 'container_lost', message: 'it is gone' });
    const said = world.document().events.map((event) => `${event.kind}: ${event.subject} ${event.sentence} (${event.why})`);
    const name = `c-${id.slice(-4)}`;
    expect(said).toEqual([
      `failed: ${name} was lost on ash gpu0 (it is gone)`,
      'scale: collage starts 2 containers (3 jobs wait)',
      `ready: ${name} ready on ash gpu0 after 10 s (null)`,
      `starting: ${name} starts on ash gpu0 (1 job waits)`,
    ]);
  });

  it('gives a request that the default deployment takes', () => {
    expect(quietWorld().document().example).toEqual({ path: '/', body: { prompt: 'a regal phoenix' }, file: 'phoenix.png' });
  });

  it('of a working fleet agrees with itself', () => {
    const document = busyWorld().document();
    expect(document.verdict).toMatchObject({ code: 'flow/healthy', severity: 'good' });
    expect(document.verdict.sentence).toContain(`of ${document.slo.jobs} jobs came within 6 s`);
    expect(document.jobs.items).toHaveLength(document.jobs.n);
    const late = document.jobs.items.filter((dot) => dot.total_s > 6).length;
    expect(document.slo.late).toBe(late);
    expect(document.slo.attainment).toBeCloseTo(1 - late / document.jobs.n, 9);
    const alive = Object.values(document.containers.by_state).reduce((sum, n) => sum + n, 0);
    expect(alive).toBe(document.slots.filter((slot) => slot.container !== null).length);
    expect(document.deployments[0]?.containers).toBe(alive);
  });

  it('has a tag that changes with events and, while something moves, with time', () => {
    const world = quietWorld();
    const tag = world.overview.tag();
    world.after(1);
    expect(world.overview.tag()).toBe(tag);
    world.start('collage', 0);
    const started = world.overview.tag();
    expect(started).not.toBe(tag);
    world.after(3);
    expect(world.overview.tag()).not.toBe(started);
  });
});
