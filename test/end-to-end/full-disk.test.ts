import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Caller, isPng } from './caller.ts';
import { Program, temporaryFolder } from './program.ts';

/** A data folder on a small disk of its own, which only root can make. */

/** A small disk at `place`; false where this user may not make one. */
function mount(place: string): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  mkdirSync(place);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', place], { stdio: 'ignore' });
    return true;
  } catch {
    // A container without the right to mount.
    return false;
  }
}

/** Threads of a killed process may hold it for a moment more. */
const unmount = (place: string): unknown => execFileSync('umount', ['--lazy', place]);

function canMount(): boolean {
  const { path, remove } = temporaryFolder();
  const place = join(path, 'disk');
  const done = mount(place);
  if (done) unmount(place);
  remove();
  return done;
}

const noSmallDisk = !canMount();

test.skipIf(noSmallDisk)('a full disk refuses jobs, loses none that was accepted, and is forgiven once there is room again', async () => {
  const { path: folder, remove } = temporaryFolder();
  const disk = join(folder, 'disk');
  mount(disk);
  const program = await Program.up({ folder, dataDir: join(disk, 'data') });
  try {
    const caller = new Caller(program);
    expect((await caller.ask('POST', '/', { body: {} })).status).toBe(200);
    const running = await caller.submit({ steps: 100 });
    await caller.works(running);

    const filler = join(disk, 'filler');
    // More than fits: what a job writes meanwhile must not decide whether the disk is full.
    expect(() => writeFileSync(filler, Buffer.alloc(24 * 1024 * 1024))).toThrow('ENOSPC');
    // The log of the database has a little room of its own before it must grow.
    const answers = [];
    for (let number = 0; number < 60; number++) {
      answers.push(
        await caller.ask('POST', '/', { body: { prompt: `${number} ${'x'.repeat(20_000)}` }, headers: { prefer: 'respond-async' } }),
      );
    }
    const refused = answers.filter(({ status }) => status !== 202);
    expect(refused.length).toBeGreaterThan(0);
    for (const { json, headers } of refused) {
      expect(json).toMatchObject({ status: 503, code: 'store_failed' });
      expect(json.next).toMatch(/disk space/);
      expect(headers.get('retry-after')).toMatch(/^\d+$/);
    }
    const upload = await caller.ask('POST', '/fleet/v1/uploads', {
      body: Buffer.alloc(1_000_000),
      headers: { 'content-type': 'image/png' },
    });
    expect(upload.json).toMatchObject({ status: 503, code: 'store_failed' });

    const ready = await caller.ask('GET', '/readyz');
    expect([ready.status, ready.body.toString()]).toEqual([503, expect.stringContaining('[-]store failed: The database: ')]);
    expect((await caller.ask('GET', '/fleet/v1/health')).json).toMatchObject({ code: 'flow/store_failed', severity: 'bad' });

    rmSync(filler);
    expect((await caller.ask('GET', '/readyz')).status).toBe(200);
    expect((await caller.ask('GET', '/fleet/v1/health')).json).not.toMatchObject({ code: 'flow/store_failed' });
    const accepted = answers.filter(({ status }) => status === 202).map(({ json }) => json.id as string);
    for (const id of [running, ...accepted]) expect(await caller.ended(id)).toMatchObject({ state: 'succeeded', error: null });
    expect((await caller.jobs()).length).toBe(accepted.length + 2);
    const after = await caller.ask('POST', '/', { body: {} });
    expect([after.status, isPng(after.body)]).toEqual([200, true]);
  } finally {
    await program.end();
    unmount(disk);
    remove();
  }
});
