import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { aContainer, createApiWorld, listen, type ApiWorld } from '../../../test/support/api.ts';
import { fleetTopic, jobTopic } from '../../bus/events.ts';

let world: ApiWorld;
let base: string;
const stop: AbortController[] = [];

const create = async (options: Parameters<typeof createApiWorld>[0] = {}): Promise<void> => {
  world = await createApiWorld(options);
  base = `http://127.0.0.1:${await listen(world.app)}`;
};
beforeEach(() => create());
afterEach(async () => {
  for (const controller of stop.splice(0)) controller.abort();
  await world.app.close();
});

interface Seen {
  readonly id?: string;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

/** Reads events from a stream, one at a time; null when it ended. */
async function open(path: string, headers: Record<string, string> = {}) {
  const controller = new AbortController();
  stop.push(controller);
  const response = await fetch(base + path, { headers, signal: controller.signal });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const next = async (): Promise<Seen | null> => {
    for (;;) {
      const end = text.indexOf('\n\n');
      if (end >= 0) {
        const lines = text.slice(0, end).split('\n');
        text = text.slice(end + 2);
        const fields = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
        if (fields['event']) return { ...fields, event: fields['event'], data: JSON.parse(fields['data'] ?? '{}') };
        continue;
      }
      const chunk = await reader?.read();
      if (!chunk || chunk.done) return null;
      text += chunk.value;
    }
  };
  const rest = async (): Promise<Seen[]> => {
    const seen: Seen[] = [];
    for (let event = await next(); event; event = await next()) seen.push(event);
    return seen;
  };
  return { response, next, rest, leave: () => controller.abort() };
}

const submit = async (): Promise<string> =>
  (await world.app.inject({ method: 'POST', url: '/fleet/v1/jobs', payload: { inputs: { prompt: 'x' } } })).json().id;

describe('events of a job', () => {
  test('durable ones are numbered, live ones between them are not, and the last one ends the stream', async () => {
    const id = await submit();
    const stream = await open(`/fleet/v1/jobs/${id}/events`);
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream');
    expect(stream.response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await stream.next()).toMatchObject({ id: '1', event: 'queued', data: { job: id } });
    await world.start(id);
    expect(await stream.next()).toMatchObject({ id: '2', event: 'started', data: { container: 'container-1' } });
    world.context.bus.publish(jobTopic(id), { kind: 'executing', node: '3', classType: 'KSampler' });
    world.context.bus.publish(jobTopic(id), { kind: 'progress', node: '3', value: 2, max: 20 });
    world.context.bus.publish(jobTopic(id), { kind: 'preview', mime: 'image/jpeg', image: Buffer.from('abc'), node: '3' });
    expect(await stream.next()).toEqual({ event: 'executing', data: { node: '3', class_type: 'KSampler' } });
    expect(await stream.next()).toEqual({ event: 'progress', data: { node: '3', value: 2, max: 20 } });
    expect(await stream.next()).toEqual({ event: 'preview', data: { node: '3', url: 'data:image/jpeg;base64,YWJj' } });
    await world.finish(id);
    expect(await stream.rest()).toMatchObject([{ id: '3', event: 'succeeded' }]);
  });

  test('resumes after Last-Event-ID, and by ?after=', async () => {
    const id = await submit();
    await world.finish(id);
    const path = `/fleet/v1/jobs/${id}/events`;
    const names = async (stream: ReturnType<typeof open>) => (await (await stream).rest()).map(({ id, event }) => `${id} ${event}`);
    expect(await names(open(path))).toEqual(['1 queued', '2 started', '3 succeeded']);
    expect(await names(open(path, { 'last-event-id': '1' }))).toEqual(['2 started', '3 succeeded']);
    expect(await names(open(`${path}?after=2`))).toEqual(['3 succeeded']);
  });

  test('whoever has seen the end gets 204, so that it does not come again', async () => {
    const id = await submit();
    await world.finish(id);
    const { response } = await open(`/fleet/v1/jobs/${id}/events`, { 'last-event-id': '3' });
    expect(response.status).toBe(204);
  });

  test('an event whose word on the bus was lost comes all the same', async () => {
    const id = await submit();
    const stream = await open(`/fleet/v1/jobs/${id}/events`);
    await stream.next();
    await world.context.store.endQueued({ job: id, state: 'expired', at: world.clock.now(), error: null });
    const rest = stream.rest();
    await world.clock.runFor(10_000);
    expect(await rest).toMatchObject([{ id: '2', event: 'expired' }]);
  });

  test('a wrong number and an unknown job are told', async () => {
    const id = await submit();
    expect((await open(`/fleet/v1/jobs/${id}/events`, { 'last-event-id': 'x' })).response.status).toBe(400);
    expect((await open('/fleet/v1/jobs/nonsense/events')).response.status).toBe(404);
  });

  test('a reader that goes away leaves nothing behind', async () => {
    const left = Promise.withResolvers<string>();
    await world.app.close();
    await create({
      change: ({ bus }) => ({
        bus: {
          ...bus,
          subscribe: (topic, listener) => {
            const end = bus.subscribe(topic, listener);
            return () => {
              end();
              left.resolve(topic);
            };
          },
        },
      }),
    });
    const id = await submit();
    const stream = await open(`/fleet/v1/jobs/${id}/events`);
    await stream.next();
    stream.leave();
    expect(await left.promise).toBe(jobTopic(id));
  });

  test('a reader that is too far behind is sent away', async () => {
    await world.app.close();
    await create({ limits: { streamBacklogBytes: 100_000 } });
    const id = await submit();
    const stream = await open(`/fleet/v1/jobs/${id}/events`);
    await stream.next();
    const image = Buffer.alloc(200_000);
    world.context.bus.publish(jobTopic(id), { kind: 'preview', mime: 'image/png', image, node: null });
    await expect(stream.rest()).rejects.toThrow();
  });

  test('a silent stream shows that it lives', async () => {
    await world.app.close();
    await create({ limits: { heartbeatMs: 10 } });
    const id = await submit();
    const response = await fetch(`${base}/fleet/v1/jobs/${id}/events`);
    let text = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (text.includes(': alive\n\n')) break;
    }
    expect(text).toContain('event: queued');
  });
});

describe('events of the fleet', () => {
  test('begin with reset, then tell what happens', async () => {
    const stream = await open('/fleet/v1/events');
    expect(await stream.next()).toMatchObject({ event: 'reset' });
    const id = await submit();
    expect(await stream.next()).toMatchObject({ event: 'job', data: { id, state: 'queued', change: 'queued', inputs: null } });
    world.context.bus.publish(fleetTopic, { kind: 'container', container: aContainer(), inFlight: 2 });
    expect(await stream.next()).toMatchObject({ event: 'container', data: { id: 'container-1', state: 'ready', in_flight: 2 } });
    const decision = {
      seq: 4,
      at: world.clock.now(),
      deployment: 'collage',
      environment: 'production',
      kind: 'scale',
      reason: 'jobs wait',
      data: {},
      hash: 'h',
    };
    world.context.bus.publish(fleetTopic, { kind: 'decision', decision });
    expect(await stream.next()).toMatchObject({ event: 'decision', data: { seq: 4, reason: 'jobs wait' } });
    world.context.bus.publish(fleetTopic, { kind: 'deployment', deployment: world.deployments.get(null), before: null });
    expect(await stream.next()).toMatchObject({ event: 'deployment', data: { name: 'collage', default: true } });
  });

  test('resume without a gap, or say reset', async () => {
    const first = await open('/fleet/v1/events');
    await first.next();
    const a = await submit();
    const { id: seen } = (await first.next())!;
    first.leave();
    const b = await submit();
    const again = await open('/fleet/v1/events', { 'last-event-id': seen! });
    expect(await again.next()).toMatchObject({ event: 'job', data: { id: b } });
    expect(a).not.toBe(b);
    const foreign = await open('/fleet/v1/events', { 'last-event-id': `ffff${seen!.slice(4)}` });
    expect(await foreign.next()).toMatchObject({ event: 'reset' });
    for (let count = 0; count < 120; count++) await submit();
    const late = await open('/fleet/v1/events', { 'last-event-id': seen! });
    expect(await late.next()).toMatchObject({ event: 'reset' });
  });
});

describe('logs of a container', () => {
  test('as text, as NDJSON, and followed until the reader leaves', async () => {
    world.containers.push(aContainer());
    const url = '/fleet/v1/containers/container-1/logs';
    const text = await world.app.inject(url);
    expect(text.headers).toMatchObject({ 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' });
    expect(text.body).toMatch(/^\S+Z stdout Starting server\n\S+Z stderr <b>warning<\/b>\n$/);
    const ndjson = await world.app.inject({ url, headers: { accept: 'application/x-ndjson' } });
    expect(ndjson.headers['content-type']).toBe('application/x-ndjson');
    expect(
      ndjson.body
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).stream),
    ).toEqual(['stdout', 'stderr']);
    expect((await world.app.inject('/fleet/v1/containers/nonsense/logs')).json()).toMatchObject({ status: 404, code: 'unknown_container' });
  });

  test('following ends with the reader', async () => {
    const ended = Promise.withResolvers<boolean>();
    await world.app.close();
    await create({
      change: () => ({
        logs: async function* (_id, { follow, signal }) {
          yield { at: 0, stream: 'stdout', text: `follow ${follow}` };
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          ended.resolve(signal.aborted);
        },
      }),
    });
    world.containers.push(aContainer());
    const controller = new AbortController();
    const response = await fetch(`${base}/fleet/v1/containers/container-1/logs?follow=1`, { signal: controller.signal });
    const { value } = await response.body!.getReader().read();
    expect(Buffer.from(value ?? []).toString()).toContain('follow true');
    controller.abort();
    expect(await ended.promise).toBe(true);
  });
});

describe('a key that is revoked', () => {
  test('ends what is followed with it, and nothing else', async () => {
    await world.app.close();
    const followed = Promise.withResolvers<void>();
    await create({
      change: () => ({
        logs: async function* (_id, { signal }) {
          yield { at: 0, stream: 'stdout', text: 'first' };
          followed.resolve();
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
        },
      }),
    });
    world.containers.push(aContainer());
    const { key, secret } = await world.context.keys.create('one', 'admin');
    const headers = { 'x-api-key': secret };
    const id = await submit();
    const [job, fleet, other] = await Promise.all([
      open(`/fleet/v1/jobs/${id}/events`, headers),
      open(`/fleet/v1/events?token=${secret}`),
      open(`/fleet/v1/jobs/${id}/events`),
    ]);
    const logs = await fetch(`${base}/fleet/v1/containers/container-1/logs?follow=1`, { headers });
    for (const stream of [job, fleet, other]) await stream.next();
    await followed.promise;
    await world.context.keys.revoke(key.id);
    await world.start(id);
    expect(await job.rest()).toEqual([]);
    expect(await fleet.rest()).toEqual([]);
    expect(await logs.text()).toContain('first');
    expect(await other.next()).toMatchObject({ event: 'started' });
  });

  test('waits for no result any longer', async () => {
    const { key, secret } = await world.context.keys.create('one', 'invoke');
    const queued = Promise.withResolvers<void>();
    world.context.bus.subscribe(fleetTopic, () => queued.resolve());
    const answer = fetch(`${base}/`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/json', 'x-api-key': secret },
      body: JSON.stringify({ prompt: 'x' }),
    });
    await queued.promise;
    await world.context.keys.revoke(key.id);
    expect((await answer).status).toBe(303);
  });

  test('while its stream is being opened gets none', async () => {
    await world.app.close();
    await create({
      change: ({ keys, store }) => ({
        store: {
          ...store,
          async jobEvents(query) {
            for (const { id } of keys.list()) await keys.revoke(id);
            return store.jobEvents(query);
          },
        },
      }),
    });
    const { secret } = await world.context.keys.create('one', 'admin');
    const stream = await open(`/fleet/v1/jobs/${await submit()}/events`, { 'x-api-key': secret });
    expect(await stream.rest()).toEqual([]);
  });
});
