import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listProfiles, loadProfile, median, startSeconds } from './profile.ts';
import type { Profile } from './profile.ts';
import { seededDraws } from './seeded.ts';
import { Timing } from './timing.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'comfleet-profile-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const withSeconds = (seconds: Partial<Profile['seconds']>): Profile => {
  const instant = loadProfile('instant');
  return { ...instant, seconds: { ...instant.seconds, ...seconds } };
};
const timing = (seconds: Partial<Profile['seconds']>): Timing => new Timing(withSeconds(seconds), seededDraws('test'));

describe('profiles', () => {
  test('all that ship are readable', () => {
    expect(listProfiles()).toEqual(['a10g-collage', 'h100-sd15', 'h100-sdxl', 'instant']);
    for (const name of listProfiles()) expect(loadProfile(name).name).toBe(name);
  });
  test('a file of one’s own', () => {
    const file = join(folder, 'own.json');
    writeFileSync(file, JSON.stringify({ ...loadProfile('instant'), name: 'own' }));
    expect(loadProfile(file).name).toBe('own');
  });
  test.each([
    ['nothing-like-it', /no profile "nothing-like-it".*a10g-collage/],
    ['missing.json', /cannot be read/],
    ['broken.json', /cannot be read/],
    ['wrong.json', /seconds\.execute/],
  ])('%s is refused with what to mend', (name, message) => {
    writeFileSync(join(folder, 'broken.json'), '{');
    const { execute: _left, ...seconds } = loadProfile('instant').seconds;
    writeFileSync(join(folder, 'wrong.json'), JSON.stringify({ ...loadProfile('instant'), seconds }));
    const wanted = name.endsWith('.json') ? join(folder, name) : name;
    expect(() => loadProfile(wanted)).toThrow(expect.objectContaining({ code: 'invalid_config', message: expect.stringMatching(message) }));
  });
  test('the start is one of the samples, and the same for the same name', () => {
    const profile = loadProfile('h100-sd15');
    const draws = (name: string): number[] => {
      const source = seededDraws(name);
      return Array.from({ length: 20 }, () => startSeconds(profile, source));
    };
    expect(draws('a')).toEqual(draws('a'));
    expect(draws('a')).not.toEqual(draws('b'));
    expect(new Set(draws('a'))).toEqual(new Set(profile.seconds.start_cold));
  });
  test('the median lies in the middle', () => {
    expect(median([3])).toBe(3);
    expect(median([9, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 10])).toBe(3);
  });
});

describe('timing', () => {
  test('a model is loaded once; switching costs what the profile says of it', () => {
    const model = timing({ execute: [1], first_job: [10], execute_after_other_model: [4] });
    expect([model.load('a'), model.load('a'), model.load('b'), model.load('a')]).toEqual([9, 0, 3, 3]);
    model.unload();
    expect(model.load('a')).toBe(9);
  });
  test('without figures for switching it costs a first load', () => {
    const model = timing({ execute: [1], first_job: [10] });
    expect([model.load('a'), model.load('b')]).toEqual([9, 9]);
  });
  test('sampling goes with the steps and, without a table, with the batch', () => {
    const { steps } = loadProfile('instant');
    const sampler = timing({ execute: [2] });
    expect(sampler.sampling(steps, 1)).toBe(2);
    expect(sampler.sampling(steps / 2, 1)).toBe(1);
    expect(sampler.sampling(steps, 3)).toBe(6);
  });
  test('a batch table is followed in straight lines', () => {
    const sampler = timing({ execute: [1], batch: { 1: 2, 2: 3, 4: 9 } });
    const { steps } = loadProfile('instant');
    expect([1, 2, 3, 4, 6].map((batch) => sampler.sampling(steps, batch))).toEqual([1, 1.5, 3, 4.5, 7.5]);
  });
  test('half of the time outside the GPU, each time', () => {
    expect(timing({ outside_gpu: [0.9] }).halfOutside()).toBe(0.45);
  });
  test('no time is negative', () => {
    const seconds = fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(seconds, seconds, seconds, fc.array(fc.constantFrom('a', 'b', 'c')), (execute, first_job, other, models) => {
        const model = timing({ execute, first_job, execute_after_other_model: other });
        for (const name of models) expect(model.load(name)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
