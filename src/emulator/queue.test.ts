import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PromptQueue, SameItem } from './queue.ts';
import type { QueueItem } from './queue.ts';

const item = (number: number, id: string, extra: QueueItem[3] = {}): QueueItem => [number, id, {}, extra, []];
const done = { outputs: {}, status: { status_str: 'success' as const, completed: true, messages: [] }, meta: {} };

function drain(queue: PromptQueue): string[] {
  const ids: string[] = [];
  for (let next = queue.take(); next; next = queue.take()) {
    ids.push(next[1]);
    queue.finish(done);
  }
  return ids;
}

describe('the prompt queue', () => {
  test('gives by number, then by id, whatever was put in and deleted', () => {
    const put = fc.tuple(fc.integer({ min: -3, max: 3 }), fc.uuid());
    fc.assert(
      fc.property(fc.uniqueArray(put, { selector: ([, id]) => id }), fc.array(fc.nat()), (items, deletions) => {
        const queue = new PromptQueue(() => {});
        for (const [number, id] of items) queue.put(item(number, id));
        const left = new Map(items.map(([number, id]) => [id, number]));
        for (const at of deletions) {
          const id = items[at % Math.max(1, items.length)]?.[1] ?? 'none';
          queue.delete(id);
          left.delete(id);
        }
        const wanted = [...left].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1)).map(([id]) => id);
        expect(queue.remaining).toBe(wanted.length);
        expect(drain(queue)).toEqual(wanted);
      }),
    );
  });
  test('tells of every change, of the last deletion twice', () => {
    let changes = 0;
    const queue = new PromptQueue(() => changes++);
    queue.put(item(0, 'a'));
    queue.put(item(1, 'b'));
    queue.delete('unknown');
    expect(changes).toBe(2);
    queue.delete('a');
    expect(changes).toBe(3);
    queue.delete('b');
    expect(changes).toBe(5);
  });
  test('history has no secrets, keeps a thousand, and the newest run of an id', () => {
    const queue = new PromptQueue(() => {});
    for (let i = 0; i < 1010; i++) queue.put(item(i, `p${i}`, { api_key_comfy_org: 'secret', client_id: 'c' }));
    drain(queue);
    expect(queue.history.size).toBe(1000);
    expect([...queue.history.keys()][0]).toBe('p10');
    expect(queue.history.get('p500')?.prompt).toEqual(item(500, 'p500', { client_id: 'c' }));
  });

  test('two prompts of one number and id cannot be ordered, and neither is lost', () => {
    const queue = new PromptQueue(() => {});
    queue.put(item(0, 'a'));
    queue.put(item(1, 'twin'));
    expect(() => queue.put(item(1, 'twin', { client_id: 'c' }))).not.toThrow();
    expect(() => queue.put(item(0, 'a', { client_id: 'c' }))).toThrow(SameItem);
    expect(queue.pending.map(([, id]) => id).sort()).toEqual(['a', 'a', 'twin', 'twin']);
    expect(queue.take()?.[1]).toBe('a');
    expect(() => queue.take()).toThrow(SameItem);
  });
});
