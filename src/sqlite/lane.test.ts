import { expect, test } from 'vitest';
import { Lane } from './lane.ts';

const workerOf = (code: string): URL =>
  new URL(`data:text/javascript,${encodeURIComponent(`import { parentPort as port } from 'node:worker_threads'; ${code}`)}`);

/** Opens, answers each batch with its sizes, and closes. */
const answering = workerOf(`port.on('message', (message) => {
  if (message.type === 'open') port.postMessage({ type: 'ready', sqliteVersion: '1.2.3' });
  else if (message.type === 'close') port.close();
  else if (message.inputs.includes('die')) process.exit(3);
  else port.postMessage({ type: 'batch', results: message.inputs.map(() => message.inputs.length), failures: [] });
});`);

test('calls of one turn cross together, those during a batch with the next', async () => {
  const lane = new Lane(answering, 'the store');
  expect(await lane.open('')).toBe('1.2.3');
  const sizes: unknown[] = [];
  const call = async (): Promise<void> => void sizes.push(await lane.call('document', 'a'));
  const first = [call(), call(), call()];
  await new Promise((resolve) => setImmediate(resolve));
  const second = Array.from({ length: 1_500 }, call);
  await Promise.all([...first, ...second]);
  expect(new Map(sizes.map((size) => [size, sizes.filter((other) => other === size).length]))).toEqual(
    new Map([
      [3, 3],
      [1_000, 1_000],
      [500, 500],
    ]),
  );
  await lane.close();
});

test('a thread that dies rejects what is under way and what comes after', async () => {
  const lane = new Lane(answering, 'the store');
  await lane.open('');
  const gone = { code: 'store_failed', message: expect.stringContaining('code 3') as string };
  const deadly = lane.call('document', 'die');
  await expect(deadly).rejects.toMatchObject(gone);
  await expect(lane.call('document', 'a')).rejects.toMatchObject(gone);
  await lane.close();
});

test('a thread that dies before it is open rejects open', async () => {
  const lane = new Lane(workerOf('throw new Error("no sqlite here")'), 'the store');
  await expect(lane.open('')).rejects.toMatchObject({
    code: 'database_unusable',
    message: expect.stringContaining('no sqlite here') as string,
  });
});
