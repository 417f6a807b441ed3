import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DecisionRecord } from '../store/store.ts';
import { canonicalJson, hashDecision, replayDecision } from './decisions.ts';

const recordOf = (data: Record<string, unknown>): DecisionRecord => ({
  seq: 1,
  at: 5,
  deployment: 'collage',
  environment: 'production',
  kind: 'scale',
  reason: 'why',
  data,
  hash: hashDecision(data),
});

describe('canonical JSON', () => {
  test('the order in which fields were written makes no difference, that of lists does', () => {
    expect(canonicalJson({ b: [2, 1], a: { d: null, c: 'x' } })).toBe('{"a":{"c":"x","d":null},"b":[2,1]}');
    expect(canonicalJson({ a: 1, gone: undefined })).toBe(canonicalJson({ a: 1 }));
  });

  test('it reads back as the same value, and equal values have equal bytes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const bytes = canonicalJson(value);
        expect(canonicalJson(JSON.parse(bytes))).toBe(bytes);
        expect(JSON.parse(bytes)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test.each([[Infinity], [Number.NaN], [new Date(0)], [new Map()], [[undefined]], [() => 1]])(
    '%s is refused, since it would not come back the same',
    (value) => {
      expect(() => canonicalJson({ value })).toThrow('JSON cannot carry');
    },
  );
});

describe('replay', () => {
  const policy = (data: DecisionRecord['data']) => ({ decision: { start: (data['summary'] as { queued: number }).queued } });
  const data = { summary: { queued: 3 }, decision: { start: 3 } };

  test('the same policy gives the same bytes', () => {
    expect(replayDecision(recordOf(data), policy)).toEqual({ same: true, intact: true, differences: [] });
  });

  test('a record that came back from a store, its fields in another order, replays too', () => {
    const stored = { ...recordOf(data), data: { decision: { start: 3 }, summary: { queued: 3 } } };
    expect(replayDecision(stored, policy).same).toBe(true);
  });

  test('another policy is told apart, with both answers', () => {
    const replay = replayDecision(recordOf(data), () => ({ decision: { start: 4 } }));
    expect(replay).toEqual({
      same: false,
      intact: true,
      differences: [{ field: 'decision', recorded: '{"start":3}', recomputed: '{"start":4}' }],
    });
  });

  test('a record that was changed afterwards is not intact', () => {
    const forged = { ...recordOf(data), data: { summary: { queued: 4 }, decision: { start: 4 } } };
    expect(replayDecision(forged, policy)).toEqual({ same: false, intact: false, differences: [] });
  });
});
