import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { claimPort, type ClaimedPort } from './port.ts';

const claims: ClaimedPort[] = [];
const claim = async (): Promise<number> => {
  const claimed = await claimPort();
  claims.push(claimed);
  return claimed.port;
};
afterEach(() => {
  for (const { release } of claims.splice(0)) release();
});

test('a port is claimed once, however many ask at the same time, though nobody listens on it', async () => {
  const ports = await Promise.all([claim(), claim(), claim()]);
  expect(new Set(ports).size).toBe(3);
  expect(Math.min(...ports)).toBeGreaterThanOrEqual(8400);
});

test('a container can listen on its claimed port, and one that somebody listens on is passed over', async () => {
  const port = await claim();
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  claims.pop()!.release();
  expect(await claim()).not.toBe(port);
  server.close();
});

test('another process has its claim until it is killed', async () => {
  const module = new URL('port.ts', import.meta.url).href;
  const script = `import(${JSON.stringify(module)}).then(({ claimPort }) => claimPort()).then(({ port }) => process.send(port));`;
  const other = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [port] = (await once(other, 'message')) as [number];
  const own = await claim();
  expect(own).not.toBe(port);
  other.kill('SIGKILL');
  await once(other, 'exit');
  // The lowest that is free: others on this machine may have left some below it meanwhile.
  const seen: number[] = [];
  while (!seen.includes(port) && seen.length < 100) seen.push(await claim());
  expect(seen).toContain(port);
});
