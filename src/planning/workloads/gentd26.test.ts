import { describe, expect, test } from 'vitest';
import { apart, counts, cv, dispersion, intervals, mean, quantile } from '../../../test/support/arrivals.ts';
import { Draw } from '../random.ts';
import { gentd26Jobs } from './gentd26.ts';
import { baseModelLoadSeconds, controlNetLoadSeconds, loraLoadSeconds } from './model-loads.ts';

/** As long as the trace: 23 days. */
const seconds = 23 * 86_400;
const traces = [1, 2, 3, 4, 5].map((seed) => gentd26Jobs(new Draw(seed), seconds, 1));
const each = (of: (jobs: (typeof traces)[number]) => number): number => mean(traces.map(of));

describe('drawn for as long as the trace, in the mean over five seeds, beside the trace', () => {
  const dispersionOf = (window: number): number =>
    each((jobs) =>
      dispersion(
        counts(
          jobs.map(({ at }) => at),
          seconds,
          window,
        ),
      ),
    );
  const hourly = traces.map((jobs) =>
    counts(
      jobs.map(({ at }) => at),
      seconds,
      3_600,
    ),
  );

  test('requests, and how they crowd together', () => {
    expect(
      apart(
        each((jobs) => jobs.length),
        26_823,
      ),
    ).toBeLessThan(0.06);
    expect(apart(dispersionOf(600), 27)).toBeLessThan(0.15);
    expect(apart(dispersionOf(60), 3.8)).toBeLessThan(0.15);
    expect(apart(mean(hourly.map((hours) => quantile(hours, 0.99))), 319)).toBeLessThan(0.15);
    expect(apart(mean(hourly.map((hours) => Math.max(...hours))), 446)).toBeLessThan(0.3);
    // The product of an hour's and a weekday's factor leaves fewer hours empty than the trace has, 33 %.
    expect(mean(hourly.map((hours) => hours.filter((count) => count === 0).length / hours.length))).toBeGreaterThan(0.17);
  });

  test('within busy hours intervals are nearly those of a Poisson process: CV 1.09, p10 0.92, p90 1.74', () => {
    const busy = traces.flatMap((jobs) => {
      const byHour = Map.groupBy(jobs, ({ at }) => Math.floor(at / 3_600));
      return [...byHour.values()].filter(({ length }) => length >= 100).map((of) => cv(intervals(of.map(({ at }) => at))));
    });
    expect(apart(quantile(busy, 0.5), 1.09)).toBeLessThan(0.25);
    expect(apart(quantile(busy, 0.1), 0.92)).toBeLessThan(0.15);
    expect(apart(quantile(busy, 0.9), 1.74)).toBeLessThan(0.25);
  });

  test('hours and weekdays', () => {
    const share = (of: (at: number) => boolean): number => each((jobs) => jobs.filter(({ at }) => of(at)).length / jobs.length);
    // Four hours of the evening and the one after midnight have most of the requests, four of the morning none.
    expect(
      apart(
        share((at) => [21, 22, 23, 0].includes(Math.floor(at / 3_600) % 24)),
        12.53 / 24,
      ),
    ).toBeLessThan(0.1);
    expect(share((at) => [11, 12, 13, 14].includes(Math.floor(at / 3_600) % 24))).toBe(0);
    const fullWeeks = (at: number): boolean => at < 21 * 86_400;
    const thursdays = share((at) => fullWeeks(at) && Math.floor(at / 86_400) % 7 === 3) / share(fullWeeks);
    expect(apart(thursdays, 1.58 / 7)).toBeLessThan(0.15);
  });

  test('service times: 0.6 of those recorded, which are 24 s in the median, 49 s with a LoRA', () => {
    const recorded = traces.flat().map(({ service, workflow }) => ({ took: service / 0.6, lora: workflow === 'lora' }));
    const took = recorded.map(({ took }) => took);
    const lora = recorded.filter(({ lora }) => lora).map(({ took }) => took);
    expect(apart(quantile(took, 0.5), 24)).toBeLessThan(0.05);
    expect(apart(mean(took), 28.9)).toBeLessThan(0.05);
    expect(apart(quantile(took, 0.95), 70)).toBeLessThan(0.1);
    expect(apart(quantile(took, 0.99), 106)).toBeLessThan(0.12);
    expect(apart(lora.length / took.length, 0.17)).toBeLessThan(0.05);
    expect(apart(quantile(lora, 0.5), 49)).toBeLessThan(0.05);
  });

  test('models: the shares of the first ones, and how often the next request is for the same', () => {
    const total = (top: number): number =>
      each((jobs) => {
        const sizes = [...Map.groupBy(jobs, ({ model }) => model).values()].map(({ length }) => length).toSorted((a, b) => b - a);
        return sizes.slice(0, top).reduce((sum, size) => sum + size, 0) / jobs.length;
      });
    for (const [top, share] of [
      [1, 0.31],
      [3, 0.55],
      [5, 0.7],
      [10, 0.87],
      [20, 0.94],
    ] as const) {
      expect(apart(total(top), share), `the first ${top}`).toBeLessThan(0.05);
    }
    const same = each((jobs) => jobs.filter(({ model }, index) => model === jobs[index - 1]?.model).length / jobs.length);
    expect(apart(same, 0.253)).toBeLessThan(0.04);
  });

  test('a random one of six workers would have the wrong model about as often as in the trace: 74.7 %', () => {
    const draw = new Draw(1);
    const wrong = each((jobs) => {
      const loaded = Array.from({ length: 6 }, () => '');
      return (
        jobs.filter(({ model = '' }) => {
          const worker = Math.floor(draw.uniform() * 6);
          const switched = loaded[worker] !== model;
          loaded[worker] = model;
          return switched;
        }).length / jobs.length
      );
    });
    expect(apart(wrong, 0.747)).toBeLessThan(0.03);
  });

  test('users: the 50 that ask most make 29.5 %', () => {
    const share = each((jobs) => {
      const sizes = [...Map.groupBy(jobs, ({ user }) => user).values()].map(({ length }) => length).toSorted((a, b) => b - a);
      return sizes.slice(0, 50).reduce((sum, size) => sum + size, 0) / jobs.length;
    });
    expect(apart(share, 0.295)).toBeLessThan(0.05);
  });

  test('the load multiplies the requests', () => {
    expect(apart(gentd26Jobs(new Draw(1), seconds, 4).length, 4 * 26_823)).toBeLessThan(0.1);
  });
});

describe('model loads', () => {
  const loads = (of: (draw: Draw) => number): number[] => {
    const draw = new Draw(8);
    return Array.from({ length: 50_000 }, () => of(draw));
  };

  test.each([
    ['base models', baseModelLoadSeconds, { p50: 22.7, p90: 42, p99: 51.8 }],
    ['LoRAs', loraLoadSeconds, { p50: 4.4, p99: 8.2 }],
    ['ControlNets', controlNetLoadSeconds, { p50: 3.9, p90: 8.2, p99: 16.7 }],
  ])('%s take as long as in production', (_, of, published) => {
    const drawn = loads(of);
    for (const [name, value] of Object.entries(published)) {
      expect(apart(quantile(drawn, Number(name.slice(1)) / 100), value), name).toBeLessThan(0.13);
    }
  });

  test('base models have two modes', () => {
    const drawn = loads(baseModelLoadSeconds);
    expect(apart(drawn.filter((load) => load < 8).length / drawn.length, 0.35)).toBeLessThan(0.05);
    expect(apart(mean(drawn), 22)).toBeLessThan(0.02);
  });
});
