import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ComfleetError } from '../errors.ts';
import { hashGraph, hashJson, parseGraph, readGraph } from './graph.ts';
import { prepareGraph } from './prepare.ts';
import type { Graph } from './protocol.ts';

const errorOf = (fn: () => unknown): ComfleetError => {
  try {
    fn();
  } catch (error) {
    return error as ComfleetError;
  }
  throw new Error('nothing was thrown');
};

const node = (inputs: Record<string, unknown> = {}, class_type = 'A') => ({ class_type, inputs });

describe('readGraph', () => {
  it('takes a graph in API format and drops what is not part of it', () => {
    const value = {
      '1': { ...node({ text: 'x', list: { __value__: [1, 2] } }), _meta: { title: 'T', more: 1 }, is_changed: [1] },
      '2': node({ in: ['1', 0] }),
    };
    expect(readGraph(value)).toEqual({
      '1': { ...node({ text: 'x', list: { __value__: [1, 2] } }), _meta: { title: 'T' } },
      '2': node({ in: ['1', 0] }),
    });
  });

  it('recognises a workflow of the page and says what to do', () => {
    const error = errorOf(() => readGraph({ nodes: [{ type: 'KSampler' }, { type: 'KSampler' }, { type: 'VAEDecode' }], links: [] }));
    expect(error).toMatchObject({ code: 'ui_workflow', details: { nodes: ['KSampler', 'VAEDecode'] } });
    expect(error.message).toContain('3 nodes: KSampler, VAEDecode');
    expect(error.message).toContain('Export (API)');
  });

  it.each([
    [null, /not null/],
    [[], /not a list/],
    ['x', /not a string/],
    [{}, /no nodes/],
    [{ prompt: { '1': node() } }, /under its key "prompt"/],
    [{ '1': 5 }, /Node 1 is a number/],
    [{ '1': { inputs: {} } }, /Node 1 has no class_type/],
    [{ '1': { class_type: 'A' } }, /Node 1 \(A\): inputs is missing/],
    [{ '1': node({ x: [1, 2, 3] }) }, /Node 1 \(A\): x is a list/],
    [{ '1': node({ x: ['2', 0] }) }, /Node 1 \(A\): x is linked to node 2, which is not in the graph/],
    [{ '1': node({ x: ['constructor', 0] }) }, /linked to node constructor/],
    [{ '1': node({ x: ['2', 0] }), '2': node({ y: ['1', 0] }) }, /nodes 1 <- 2 <- 1 form a cycle/],
    [{ '1': node({ x: ['1', 0] }) }, /form a cycle/],
    [Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [index, node()])), /10001 nodes; 10000 are allowed/],
  ])('refuses %j', (value, message) => {
    const error = errorOf(() => readGraph(value));
    expect(error).toMatchObject({ code: 'invalid_graph' });
    expect(error.message).toMatch(message);
  });

  it('refuses values that are nested too deep, and does not fall over', () => {
    let value: unknown = 1;
    for (let depth = 0; depth < 100_000; depth += 1) value = { value };
    expect(errorOf(() => readGraph({ '1': node({ x: value }) })).message).toMatch(/nested more than 64 deep/);
  });

  it('takes a chain of thousands of nodes', () => {
    const chain = Object.fromEntries(
      Array.from({ length: 9_000 }, (_, index) => [index, node(index > 0 ? { x: [String(index - 1), 0] } : {})]),
    );
    expect(Object.keys(readGraph(chain))).toHaveLength(9_000);
  });

  it('finds a cycle exactly when there is one', () => {
    const links = fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 12 });
    fc.assert(
      fc.property(links, (edges) => {
        const graph = Object.fromEntries(
          Array.from({ length: 8 }, (_, id) => [
            id,
            node(Object.fromEntries(edges.filter(([from]) => from === id).map(([, to], n) => [`x${n}`, [String(to), 0]]))),
          ]),
        );
        // Taking away nodes without links to others leaves nothing exactly when there is no cycle.
        let left = [0, 1, 2, 3, 4, 5, 6, 7];
        for (let before = -1; before !== left.length;) {
          before = left.length;
          left = left.filter((id) => edges.some(([from, to]) => from === id && left.includes(to)));
        }
        if (left.length === 0) expect(() => readGraph(graph)).not.toThrow();
        else expect(() => readGraph(graph)).toThrow(/cycle/);
      }),
    );
  });
});

describe('parseGraph', () => {
  it('keeps whole numbers that JavaScript cannot hold', () => {
    const text = '{"1": {"class_type": "A", "inputs": {"seed": 18446744073709551615, "small": 5, "big": 1e300, "cfg": 7.5}}}';
    expect(parseGraph(text)['1']?.inputs).toEqual({ seed: '18446744073709551615', small: 5, big: 1e300, cfg: 7.5 });
  });

  it('refuses text that is no JSON, and too much of it', () => {
    expect(errorOf(() => parseGraph('{"1": '))).toMatchObject({
      code: 'invalid_graph',
      message: expect.stringContaining('no JSON') as string,
    });
    expect(errorOf(() => parseGraph(`"${'x'.repeat(10_000_001)}"`)).message).toMatch(/more than 10 MB/);
  });
});

describe('hashing', () => {
  it('does not depend on the order of keys or on titles, but on all else', () => {
    const graph: Graph = { '1': node({ a: 1, b: 'x' }) as Graph[string], '2': node() as Graph[string] };
    expect(hashGraph({ '2': { ...graph['2']!, _meta: { title: 'T' } }, '1': { inputs: { b: 'x', a: 1 }, class_type: 'A' } })).toBe(
      hashGraph(graph),
    );
    expect(hashGraph({ ...graph, '1': node({ a: 2, b: 'x' }) as Graph[string] })).not.toBe(hashGraph(graph));
    expect(hashJson({ a: [1, { c: 1, b: 2 }] })).toBe(hashJson({ a: [1, { b: 2, c: 1 }] }));
    expect(hashJson([1, 2])).not.toBe(hashJson([2, 1]));
  });
});

describe('prepareGraph', () => {
  it('gives each of several saving nodes a name of its own, also where the prefix is a link, and files their names where they are meant', () => {
    const graph = {
      '1': node({ filename_prefix: 'a' }),
      '2:3': node({ filename_prefix: ['9', 0] }),
      '9': node({ text: 'cat.png', image: 'cat.png', mask: 'made.png' }),
      '10': node({ image: 'cat.png' }),
    } as Graph;
    const cat = { name: 'cat.png', asset: 'a', fields: [['9', 'image'] as const] };
    const uploads = [
      { file: cat, as: 'sub/cat.png' },
      { file: { name: 'made.png', asset: 'b' }, as: 'sub/made.png' },
    ];
    expect(prepareGraph(graph, 'job/out', uploads)).toEqual({
      '1': node({ filename_prefix: 'job/out_1' }),
      '2:3': node({ filename_prefix: 'job/out_2-3' }),
      '9': node({ text: 'cat.png', image: 'sub/cat.png', mask: 'sub/made.png' }),
      '10': node({ image: 'cat.png' }),
    });
  });
});
