import { describe, expect, test } from 'vitest';
import { textToImage } from '../../test/protocol/emulated-world.ts';
import { definitionsFor, usualModels } from '../emulator/definitions.ts';
import type { Graph, Json } from './protocol.ts';
import { validatePrompt, type NodeErrors, type Validation } from './validate.ts';

const definitions = definitionsFor(usualModels);
const validate = (graph: Graph): Validation => validatePrompt(graph, definitions, () => undefined);

const empty = (inputs: Record<string, Json> = {}): Graph[string] => ({
  class_type: 'EmptyImage',
  inputs: { width: 8, height: 8, batch_size: 1, color: 1, ...inputs },
});
const invert = (from: string): Graph[string] => ({ class_type: 'ImageInvert', inputs: { image: [from, 0] } });
const save = (from: string): Graph[string] => ({ class_type: 'SaveImage', inputs: { images: [from, 0], filename_prefix: 'x' } });

const seeded = (seed: Json): Graph => {
  const graph = textToImage() as Graph;
  graph[3]!.inputs['seed'] = seed;
  return graph;
};

const errorsOf = (graph: Graph): NodeErrors => validate(graph).nodeErrors;

describe('whole numbers beyond 2^53, as the digits of which they are kept', () => {
  test.each([
    ['18446744073709551616', 'value_bigger_than_max', 'Value 18446744073709551616 bigger than max of 18446744073709551615'],
    [String(2n ** 70n), 'value_bigger_than_max', 'Value 1180591620717411303424 bigger than max of 18446744073709551615'],
    [String(-(2n ** 60n)), 'value_smaller_than_min', 'Value -1152921504606846976 smaller than min of 0'],
    [' +1_8446744073709551616 ', 'value_bigger_than_max', 'Value 18446744073709551616 bigger than max of 18446744073709551615'],
  ])('%s is no seed', (seed, type, message) => {
    expect(errorsOf(seeded(seed))).toMatchObject({ 3: { errors: [{ type, message, details: 'seed' }] } });
  });

  test('all seeds up to 2^64 - 1 are taken, and keep their digits', () => {
    for (const seed of ['18446744073709551615', '18446744073709551614', '9007199254740993']) {
      const graph = seeded(seed);
      expect(validate(graph)).toMatchObject({ refusal: null, nodeErrors: {} });
      expect(graph[3]!.inputs['seed']).toBe(seed);
    }
  });

  test('a number that JavaScript rounded is what it was', () => {
    expect(validate(seeded(2 ** 64))).toMatchObject({ refusal: null });
    expect(errorsOf(seeded(2 ** 70))).toMatchObject({
      3: { errors: [{ message: 'Value 1180591620717411303424 bigger than max of 18446744073709551615' }] },
    });
  });

  test('sizes and colours have their limits, digits that fit become numbers', () => {
    const wide = { 1: empty({ width: '9007199254740993', color: '99999999999999999' }), 2: save('1') };
    expect(errorsOf(wide)[1]?.errors.map(({ type, details }) => [type, details])).toEqual([
      ['value_bigger_than_max', 'width'],
      ['value_bigger_than_max', 'color'],
    ]);
    const narrow = { 1: empty({ width: '12' }), 2: save('1') };
    expect(validate(narrow)).toMatchObject({ refusal: null });
    expect(narrow[1].inputs['width']).toBe(12);
  });

  test('numbers that Python has no int or float for', () => {
    const wrong = (width: Json): string | undefined => errorsOf({ 1: empty({ width }), 2: save('1') })[1]?.errors[0]?.details;
    expect(wrong(Infinity)).toBe('width, inf, cannot convert float infinity to integer');
    expect(wrong('9'.repeat(5_000))).toContain('Exceeds the limit (4300 digits) for integer string conversion');
    const mask = (value: Json): Graph => ({
      1: { class_type: 'SolidMask', inputs: { value, width: 8, height: 8 } },
      2: { class_type: 'MaskToImage', inputs: { mask: ['1', 0] } },
      3: save('2'),
    });
    expect(errorsOf(mask('9'.repeat(20)))[1]?.errors[0]).toMatchObject({ type: 'value_bigger_than_max', details: 'value' });
    expect(errorsOf(mask('9'.repeat(400)))[1]?.errors[0]).toMatchObject({
      type: 'value_bigger_than_max',
      message: 'Value inf bigger than max of 1.0',
    });
  });
});

describe('deep graphs and circles', () => {
  test('as many nodes in a row as a prompt may have', () => {
    const graph: Graph = { 1: empty(), 10000: save('9999') };
    for (let id = 2; id < 10_000; id++) graph[id] = invert(String(id - 1));
    expect(validate(graph)).toEqual({ refusal: null, outputs: ['10000'], nodeErrors: {} });
    graph[1] = empty({ width: 0 });
    expect(Object.keys(errorsOf(graph))).toEqual(['1']);
  });

  test('a circle is told with its nodes, where it closes, once', () => {
    const message = 'The nodes 3 <- 2 <- 3 form a cycle';
    const checked = validate({ 1: empty(), 2: invert('3'), 3: invert('2'), 4: save('3'), 5: save('2') });
    expect(checked).toMatchObject({
      refusal: { type: 'prompt_outputs_failed_validation', details: `Exception when validating inner node: ${message}` },
      nodeErrors: {
        3: {
          errors: [
            {
              type: 'exception_during_inner_validation',
              details: message,
              extra_info: { input_name: 'image', exception_type: 'RecursionError', linked_node: ['3', 0] },
            },
          ],
          class_type: 'ImageInvert',
          dependent_outputs: ['4', '5'],
        },
      },
    });
    expect(Object.keys(checked.nodeErrors)).toEqual(['3']);
  });

  test('what hangs on no circle runs, and what else is wrong in one is told', () => {
    const alone = { 1: empty(), 2: save('1'), 3: invert('3'), 4: save('3') };
    expect(validate(alone)).toMatchObject({ refusal: null, outputs: ['2'], nodeErrors: { 3: {} } });
    const scale: Graph[string] = { class_type: 'ImageScaleBy', inputs: { image: ['2', 0], upscale_method: 'area', scale_by: 99 } };
    const { 1: scaled, 2: inverted } = errorsOf({ 1: scale, 2: invert('1'), 3: save('1') });
    expect(scaled?.errors.map(({ type }) => type)).toEqual(['value_bigger_than_max', 'exception_during_inner_validation']);
    expect(inverted).toBeUndefined();
  });

  test('a long circle is not told whole', () => {
    const graph: Graph = { 1: invert('2000'), 2001: save('2000') };
    for (let id = 2; id <= 2000; id++) graph[id] = invert(String(id - 1));
    expect(errorsOf(graph)[2000]?.errors[0]?.details).toBe(
      'The nodes 2000 <- 1999 <- 1998 <- 1997 <- 1996 <- 1995 <- 1994 <- 1993 <- ... <- 2000 (2000 nodes) form a cycle',
    );
  });
});

test.each<[string, Json, string]>([
  ['a number as the id of a node', [1, 0], '1'],
  ['a fraction as a slot', ['1', 0.5], 'tuple indices must be integers or slices, not float'],
  ['a text as a slot', ['1', '0'], 'tuple indices must be integers or slices, not str'],
  ['nothing as a slot', ['1', null], 'tuple indices must be integers or slices, not NoneType'],
])('%s breaks the check off as it does in Python', (_what, images, message) => {
  const broken = { ...save('1'), inputs: { images, filename_prefix: 'x' } };
  expect(errorsOf({ 1: empty(), 2: broken })).toMatchObject({ 2: { errors: [{ type: 'exception_during_validation', details: message }] } });
});

test.each<Json>([-1, false])('%j is a slot, as Python counts', (slot) => {
  expect(validate({ 1: empty(), 2: { ...save('1'), inputs: { images: ['1', slot], filename_prefix: 'x' } } })).toMatchObject({
    refusal: null,
  });
});

test.each<[Json, string]>([
  [null, 'NoneType'],
  [5, 'int'],
  [1.5, 'float'],
  [true, 'bool'],
  [{ x: 1 }, 'dict'],
])('%j is no name of a file', (image, type) => {
  const graph = { 1: { class_type: 'LoadImage', inputs: { image } }, 2: save('1') };
  const { nodeErrors } = validatePrompt(graph, definitions, (name) =>
    name === 'LoadImage' ? { inputs: ['image'], check: () => true } : undefined,
  );
  const errors = [{ type: 'exception_during_inner_validation', details: `'${type}' object has no attribute 'endswith'` }];
  expect(nodeErrors).toMatchObject({ 1: { errors } });
});
