import { expect, test } from 'vitest';
import { VirtualClock } from '../../../test/support/virtual-clock.ts';
import { placeOf } from './open-prompts.ts';
import { Statuses } from './statuses.ts';

const scope = { deployment: 'd', environment: 'production', caller: null };

function crowd(size: number) {
  const clock = new VirtualClock();
  let count = 0;
  const statuses = new Statuses({ clock, message: () => String(count) });
  const heard = Array.from({ length: size }, (): [string, number][] => []);
  const leave = heard.map((list) => statuses.enter(scope, { send: (message) => list.push([message, clock.now()]) }));
  const change = (): void => {
    count++;
    statuses.changed(placeOf(scope));
  };
  return { clock, heard, leave, change };
}

test.each([1, 30, 1_000])('%d readers are told in turns, none more often than every 100 ms, and all of them the latest', async (size) => {
  const { clock, heard, change } = crowd(size);
  change();
  expect(heard.filter((list) => list.length > 0)).toHaveLength(Math.min(10, size));
  for (let n = 0; n < 200; n++) {
    await clock.runFor(10);
    change();
  }
  await clock.runFor(2_000);
  for (const list of heard) {
    expect(list.length).toBeGreaterThan(2);
    expect(list.at(-1)![0]).toBe('201');
    for (const [index, [, at]] of list.entries()) if (index > 0) expect(at - list[index - 1]![1]).toBeGreaterThanOrEqual(100);
  }
  const told = heard.flat().length;
  await clock.runFor(1_000);
  expect(heard.flat()).toHaveLength(told);
});

test('who leaves is told no more, and keeps nobody waiting', async () => {
  const { clock, heard, leave, change } = crowd(50);
  change();
  for (const index of [25, 26]) leave[index]!();
  await clock.runFor(50);
  expect(heard.flatMap((list, index) => (list.length === 1 ? [] : [index]))).toEqual([25, 26]);
  for (const go of leave) go();
  change();
  await clock.runFor(1_000);
  expect(heard.flat()).toHaveLength(48);
});
