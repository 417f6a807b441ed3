import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ComfleetError } from '../errors.ts';
import { defaultScaling, type ScalingSettings } from '../fleet/scaling/settings.ts';
import { formatScaling, parseScaling, renameSynonyms, scalingSection, scalingSynonyms } from './scaling.ts';

const problemsOf = (value: unknown, base?: ScalingSettings): string => {
  try {
    parseScaling(value, base);
  } catch (error) {
    if (error instanceof ComfleetError && error.code === 'invalid_parameter') return error.message;
    throw error;
  }
  return 'none';
};

const settings = fc
  .record({
    minContainers: fc.integer({ min: 0, max: 50 }),
    maxContainers: fc.option(fc.integer({ min: 50, max: 10_000 })),
    bufferContainers: fc.integer({ min: 0, max: 100 }),
    scaledownWindowMs: fc.integer({ min: 0, max: 86_400_000 }),
    maxInputs: fc.integer({ min: 10, max: 1_000 }),
    targetInputs: fc.integer({ min: 1, max: 10 }),
    policy: fc.constant('per-input' as const),
    policySettings: fc.constant({}),
    slo: fc.record({
      p: fc.double({ min: 0.5, max: 0.999, noNaN: true }),
      latencyMs: fc.integer({ min: 1, max: 3_600_000 }),
      windowMs: fc.integer({ min: 1_000, max: 3_600_000 }),
    }),
    budget: fc.record({ usdPerHour: fc.option(fc.double({ min: 0, max: 1_000, noNaN: true })), hard: fc.boolean() }),
  })
  .filter(({ budget }) => !budget.hard || budget.usdPerHour !== null);

test('what is formatted is read back to the same', () => {
  fc.assert(
    fc.property(settings, settings, (given, base) => {
      expect(parseScaling(formatScaling(given), base)).toEqual(given);
    }),
  );
});

test('formatted settings have every key of the schema', () => {
  expect(Object.keys(formatScaling(defaultScaling)).toSorted()).toEqual(Object.keys(scalingSection.shape).toSorted());
});

test('an empty change changes nothing', () => {
  expect(parseScaling({})).toEqual({});
});

test.each([
  [{ max_containers: null }, { maxContainers: null }],
  [{ max_containers: 'none' }, { maxContainers: null }],
  [{ max_containers: 0 }, { maxContainers: 0 }],
  [{ scaledown_window: 2 }, { scaledownWindowMs: 2_000 }],
  [{ max_inputs: 4 }, { maxInputs: 4, targetInputs: 4 }],
  [
    { max_inputs: 4, target_inputs: 2 },
    { maxInputs: 4, targetInputs: 2 },
  ],
  [{ slo: { latency: '4s' } }, { slo: { p: 0.95, latencyMs: 4_000, windowMs: 300_000 } }],
  [{ budget: { usd_per_hour: 3 } }, { budget: { usdPerHour: 3, hard: false } }],
])('%j is read as %j', (value, expected) => {
  expect(parseScaling(value)).toEqual(expected);
});

test('a target that was set apart keeps its value as far as it fits', () => {
  const base = { ...defaultScaling, maxInputs: 8, targetInputs: 4 };
  expect(parseScaling({ max_inputs: 6 }, base)).toEqual({ maxInputs: 6, targetInputs: 4 });
  expect(parseScaling({ max_inputs: 2 }, base)).toEqual({ maxInputs: 2, targetInputs: 2 });
});

test.each(Object.entries(scalingSynonyms))('%s means %s', (synonym, name) => {
  expect(parseScaling({ [synonym]: 3 })).toEqual(parseScaling({ [name]: 3 }));
  expect(renameSynonyms({ [synonym]: 3 }).notes).toEqual([`used ${name} for ${synonym}`]);
  expect(problemsOf({ [synonym]: 3, [name]: 3 })).toContain(`${synonym}: is another name of ${name}`);
});

test.each([
  [{ min_containers: 'two' }, 'min_containers: must be a whole number from 0 to 10000, got "two"; write e.g. min_containers: 2'],
  [{ min_containers: -1 }, 'got -1'],
  [{ min_containers: 1.5 }, 'got 1.5'],
  [{ max_containers: -1 }, 'max_containers: must be a whole number from 0 to 10000, got -1'],
  [{ max_containers: 'many' }, 'max_containers: must be a whole number >= 0, or none, got "many"'],
  [{ buffer_containers: null }, 'buffer_containers: must be a whole number'],
  [{ scaledown_window: 'soon' }, 'scaledown_window: must be a duration'],
  [{ max_inputs: 0 }, 'max_inputs: must be a whole number from 1'],
  [{ target_inputs: 2 }, 'target_inputs: 2 is more than max_inputs, which is 1'],
  [{ min_containers: 3, max_containers: 2 }, 'min_containers: 3 is more than max_containers, which is 2'],
  [{ policy: 'magic' }, 'policy: must be one of per-input, '],
  [{ slo: { p: 95 } }, 'slo.p: must be a number from 0.5 to 0.999'],
  [{ slo: { latency: 0 } }, 'slo.latency: must be a duration above 0'],
  [{ slo: { window: 0 } }, 'slo.window: must be a duration above 0'],
  [{ budget: { usd_per_hour: -1 } }, 'budget.usd_per_hour: must be a number >= 0, got -1'],
  [{ budget: { hard: 'yes' } }, 'budget.hard: must be true or false'],
  [{ budget: { hard: true } }, 'budget: a hard budget needs usd_per_hour'],
  [{ max_container: 2 }, 'max_container: is not a known key; did you mean max_containers?'],
  [{ slo: { latancy: 2 } }, 'slo.latancy: is not a known key; did you mean latency?'],
  ['fast', 'scaling: must be a mapping'],
  [null, 'scaling: must be a mapping'],
  [[], 'scaling: must be a mapping'],
])('%j is refused: %s', (value, message) => {
  expect(problemsOf(value)).toContain(message);
});

test('rules between settings hold for the change together with what is there', () => {
  const base = { ...defaultScaling, minContainers: 5 };
  expect(problemsOf({ max_containers: 4 }, base)).toContain('5 is more than max_containers, which is 4');
  expect(parseScaling({ max_containers: 4, min_containers: 1 }, base)).toEqual({ maxContainers: 4, minContainers: 1 });
});

test('every problem is reported at once', () => {
  const message = problemsOf({ min_containers: 'a', max_inputs: 0, foo: 1 });
  expect(message).toContain('min_containers');
  expect(message).toContain('max_inputs');
  expect(message).toContain('foo');
});

const own = { policy: 'concurrency' as const, policySettings: parseScaling({ policy: 'concurrency' }).policySettings ?? {} };
const concurrent: ScalingSettings = { ...defaultScaling, ...own };

test("a policy's own settings stand at its defaults, and are written as configuration writes them", () => {
  expect(own.policySettings).toMatchObject({ target_utilization: 0.7, stable_window: 60_000, target_burst_capacity: 211 });
  expect(formatScaling(concurrent)['policy_settings']).toMatchObject({
    target_utilization: 0.7,
    stable_window: '60s',
    scale_down_delay: '0s',
    target_burst_capacity: 211,
  });
});

test('durations and numbers among them are read, and formatted back to the same', () => {
  const given = { policy: 'concurrency', policy_settings: { stable_window: '2m', scale_down_delay: 90, target_utilization: 0.5 } };
  const read = { ...defaultScaling, ...parseScaling(given) };
  expect(read.policySettings).toEqual({
    ...own.policySettings,
    stable_window: 120_000,
    scale_down_delay: 90_000,
    target_utilization: 0.5,
  });
  expect(parseScaling(formatScaling(read), defaultScaling)).toEqual(read);
});

test('one of them that is changed leaves the others; another policy leaves none', () => {
  const changed = { ...concurrent, ...parseScaling({ policy_settings: { stable_window: '2m' } }, concurrent) };
  const again = { ...changed, ...parseScaling({ policy_settings: { target_utilization: 1 } }, changed) };
  expect(again.policySettings).toEqual({ ...own.policySettings, stable_window: 120_000, target_utilization: 1 });
  expect(parseScaling({ min_containers: 1 }, again)).toEqual({ minContainers: 1 });
  expect(parseScaling({ policy: 'concurrency' }, again).policySettings).toEqual(again.policySettings);
  expect(parseScaling({ policy: 'per-input' }, again).policySettings).toEqual({});
});

test.each([
  [{ stable_windw: '60s' }, 'policy_settings.stable_windw: is not a known key; did you mean stable_window?'],
  [{ target_utilization: 1.5 }, 'policy_settings.target_utilization: must be a number from 0.01 to 1; write e.g. target_utilization: 0.7'],
  [{ target_utilization: '70s' }, 'policy_settings.target_utilization: must be a number from'],
  [{ stable_window: '5s' }, 'policy_settings.stable_window: must be a duration from 6s to 1h; write e.g. stable_window: 60s'],
  [{ stable_window: 'long' }, 'policy_settings.stable_window: must be a duration from'],
])("of a policy's own settings %j is refused: %s", (given, message) => {
  expect(problemsOf({ policy_settings: given }, concurrent)).toContain(message);
});

test('settings of another policy are refused where there are none', () => {
  expect(problemsOf({ policy_settings: { stable_window: '60s' } })).toContain('per-input has no settings of its own');
});
