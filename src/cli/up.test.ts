import { describe, expect, test } from 'vitest';
import type { Loaded } from '../config/load.ts';
import { ComfleetError } from '../errors.ts';
import type { WorkflowInput } from '../deployments/workflow.ts';
import { bannerText, curlLine, runtimeText, type BannerInfo } from './banner.ts';
import { palette } from './terminal.ts';
import type { RunningApp } from './machine.ts';
import { up } from './up.ts';

const banner: BannerInfo = {
  version: '1.2.3',
  url: 'http://127.0.0.1:8288',
  dashboard: 'http://127.0.0.1:8288/dashboard/',
  comfyuiPage: 'http://127.0.0.1:8288/page/',
  dataDir: '/data',
  runtime: { name: 'emulated', capacity: 100, profile: 'a10g-collage', chosen: false },
  deployments: [
    { name: 'collage', default: true, problems: [] },
    { name: 'portrait', default: false, problems: ['models/checkpoints/sd15.safetensors is missing'] },
  ],
  curl: "curl -sL http://127.0.0.1:8288/ -d '{}'",
  notes: ['the app has a note'],
};

/** An app whose drain the test ends. */
function fakeApp(jobs = 2) {
  const closed = Promise.withResolvers<void>();
  const draining = Promise.withResolvers<void>();
  const drained = Promise.withResolvers<void>();
  const calls: string[] = [];
  const app: RunningApp = {
    banner,
    runningJobs: () => jobs,
    drain: async () => {
      calls.push('drain');
      draining.resolve();
      await drained.promise;
      closed.resolve();
    },
    stopNow: async () => {
      calls.push('stop');
      closed.resolve();
    },
    closed: closed.promise,
  };
  return { app, calls, closed, draining: draining.promise, drained };
}

function start(app: RunningApp, options: { json?: boolean; tty?: boolean } = {}) {
  const screen = { text: '', isTTY: options.tty, write: (text: string) => void (screen.text += text) };
  const errors = { text: '', isTTY: options.tty, write: (text: string) => void (errors.text += text) };
  const listeners = new Set<() => void>();
  const started = Promise.withResolvers<void>();
  const code = up(
    { env: {}, cwd: '/', out: { ...screen, write: (text) => (screen.write(text), started.resolve()) }, err: errors },
    {
      flags: {},
      json: options.json ?? false,
      startApp: async () => app,
      signals: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      load: () => ({ config: {} as Loaded['config'], notes: ['the configuration has a note'] }),
    },
  );
  const signal = (): void => {
    for (const listener of listeners) listener();
  };
  return { code, screen, errors, signal, listeners, started: started.promise };
}

describe('up', () => {
  test('prints the banner; Ctrl-C drains and says what it waits for', async () => {
    const fake = fakeApp();
    const running = start(fake.app);
    await running.started;
    running.signal();
    await fake.draining;
    expect(running.errors.text).toBe('waiting for 2 jobs, Ctrl-C again to stop at once\n');
    fake.drained.resolve();
    expect(await running.code).toBe(0);
    expect(fake.calls).toEqual(['drain']);
    expect(running.listeners.size).toBe(0);
    expect(running.screen.text).toContain('the configuration has a note');
  });

  test('a second Ctrl-C stops at once', async () => {
    const fake = fakeApp();
    const running = start(fake.app, { tty: true });
    await running.started;
    running.signal();
    await fake.draining;
    running.signal();
    expect(await running.code).toBe(0);
    expect(fake.calls).toEqual(['drain', 'stop']);
    expect(running.errors.text).toMatch(/waiting for 2 jobs.*stopping at once\n$/s);
  });

  test('a Ctrl-C before it is ready drains as soon as it is', async () => {
    const fake = fakeApp(0);
    fake.drained.resolve();
    const running = start(fake.app);
    running.signal();
    expect(await running.code).toBe(0);
    expect(fake.calls).toEqual(['drain']);
    expect(running.errors.text).toBe('stopping the containers, Ctrl-C again to stop at once\n');
  });

  test('ends when the app ends, and fails when it breaks', async () => {
    const fake = fakeApp();
    const running = start(fake.app);
    fake.closed.resolve();
    expect(await running.code).toBe(0);
    expect(fake.calls).toEqual([]);
    const broken = fakeApp();
    const failing = start(broken.app);
    broken.closed.reject(new ComfleetError('store_failed', 'the disk is gone'));
    await expect(failing.code).rejects.toThrow('the disk is gone');
  });

  test('--json is one line for programs', async () => {
    const fake = fakeApp();
    const running = start(fake.app, { json: true });
    await running.started;
    fake.closed.resolve();
    await running.code;
    expect(running.screen.text.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(running.screen.text)).toEqual({
      url: banner.url,
      dashboard: banner.dashboard,
      comfyui_page: banner.comfyuiPage,
      pid: process.pid,
      runtime: 'emulated',
      deployments: banner.deployments,
      data_dir: '/data',
      notes: ['the configuration has a note', 'the app has a note'],
    });
  });
});

describe('the banner', () => {
  test('says it all', () => {
    const text = bannerText(banner, palette({ write: () => true }, {}));
    expect(text).toContain('comfleet 1.2.3');
    expect(text).toContain(
      'emulated containers: no ComfyUI was found, pictures are drawn by an emulator, timing a10g-collage; 100 fit here',
    );
    expect(text).toContain('● collage (default), ✗ portrait');
    expect(text).toContain('portrait: models/checkpoints/sd15.safetensors is missing');
    expect(text).toContain(`try  ${banner.curl}`);
    expect(text).toContain('the app has a note');
    expect(text).not.toContain('\u001B');
    expect(bannerText({ ...banner, deployments: [], curl: null }, palette({ write: () => true }, {}))).toContain(
      'none; make one with: comfleet deploy',
    );
  });

  test('names the other runtimes and their dangers', () => {
    expect(runtimeText({ name: 'process', capacity: 2, path: '/ComfyUI', device: 'gpu0, gpu1' })).toContain(
      "node packs run with this user's rights",
    );
    expect(runtimeText({ name: 'remote', capacity: 1, urls: ['http://a:8188'] })).toContain(
      'http://a:8188; never started or stopped from here',
    );
    expect(runtimeText({ name: 'emulated', capacity: 1, profile: 'x', chosen: true })).not.toContain('no ComfyUI was found');
  });
});

describe('the curl line', () => {
  const input = (change: Partial<WorkflowInput>): WorkflowInput => ({
    name: 'prompt',
    type: 'string',
    targets: [],
    required: true,
    ...change,
  });

  test.each([
    [
      'the prompt',
      [input({ name: 'negative', required: false }), input({})],
      `-d '{"prompt":"a regal phoenix"}' -H 'content-type: application/json'`,
    ],
    ['the first text', [input({ name: 'title', required: false, default: 'x' })], `-d '{"title":"a regal phoenix"}'`],
    ['what must be given', [input({}), input({ name: 'steps', type: 'int', min: 4 })], `-d '{"prompt":"a regal phoenix","steps":4}'`],
    ['not what is drawn', [input({}), input({ name: 'seed', type: 'int', random: true })], `-d '{"prompt":"a regal phoenix"}'`],
    ['files as a form', [input({}), input({ name: 'photo', type: 'image' })], `-F 'prompt=a regal phoenix' -F 'photo=@photo.png'`],
    ['a file that the graph names and nobody has', [input({ name: 'photo', type: 'image', default: 'me.png' })], `-F 'photo=@photo.png'`],
    ['nothing', [], `-d '{}'`],
    ['an enum', [input({ name: "it's", type: 'enum', choices: ['a'] })], `-d '{"it'\\''s":"a"}'`],
  ])('gives %s', (_, inputs, expected) => {
    expect(curlLine('http://127.0.0.1:8288', inputs, false)).toContain(`curl -sL http://127.0.0.1:8288/ ${expected}`);
    const withKey = `curl -sL http://127.0.0.1:8288/ -H 'authorization: Bearer YOUR_KEY' ${expected}`;
    expect(curlLine('http://127.0.0.1:8288', inputs, true)).toContain(withKey);
  });
});
