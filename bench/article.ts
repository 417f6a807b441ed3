import { join } from 'node:path';
import { startGateway, temporaryFolder, writeSetting } from './lib/gateway.ts';
import { failed, load, why, type LoadResult } from './lib/load.ts';
import type { Bench, Figure } from './lib/report.ts';
import { median } from './lib/statistics.ts';

/** The experiment of the article, in real time: 10 users, each with its next prompt 1 to 5 s after its last picture. */
const users = 10;
const pauseMs = [1_000, 5_000] as const;
const seconds = 120;
/** After the last cold start of a container. */
const steadyAfterMs = 40_000;
/** Of profile a10g-collage: exclusively on the GPU, and beside it. */
const onGpu = 3.5;
const beside = 0.9;

const prompts = [
  'a regal phoenix',
  'a paper boat in a storm',
  'a fox in the snow',
  'a lighthouse at dawn',
  'an astronaut on a bicycle',
  'a city under glass',
  'a walrus in a library',
  'a field of blue tulips',
  'a clockwork owl',
  'a mountain made of sugar',
];

interface Observed extends LoadResult {
  readonly containers: number;
}

async function experiment(scaling: Readonly<Record<string, unknown>>): Promise<Observed> {
  const folder = temporaryFolder();
  const args = writeSetting({ folder, profile: 'a10g-collage', workflow: 'collage', capacity: 100, scaling });
  const gateway = await startGateway({ args, dataDir: join(folder, 'data') });
  const warm = typeof scaling['min_containers'] === 'number' ? scaling['min_containers'] : 0;
  let most = 0;
  const containers = async (): Promise<number> => {
    const answer = await fetch(`${gateway.url}/fleet/v1/containers`);
    const { items } = (await answer.json()) as { items: { state: string }[] };
    most = Math.max(most, items.length);
    return items.filter(({ state }) => state === 'ready' || state === 'busy').length;
  };
  while ((await containers()) < warm) await new Promise((resolve) => setTimeout(resolve, 200));
  const watch = setInterval(() => void containers(), 1_000);
  const result = await load({ kind: 'simple', urls: [gateway.url], pacing: { clients: users, pauseMs }, jobs: 10_000, seconds, prompts });
  clearInterval(watch);
  await gateway.stop();
  return { ...result, containers: most };
}

const steady = ({ answers }: LoadResult): number => median(answers.filter(({ at }) => at >= steadyAfterMs).map(({ ms }) => ms / 1_000));

/** The users' first pictures, the last of them. */
const firstAnswers = ({ answers }: LoadResult): number => {
  const first = answers.toSorted((a, b) => a.at - b.at).slice(0, users);
  return Math.max(...first.map(({ at, ms }) => at + ms)) / 1_000;
};

function steadyFigure(
  what: string,
  observed: Observed,
  expected: { latency: number; article: string; form: string; containers: number },
): Figure {
  const latency = steady(observed);
  const { length } = observed.answers;
  return {
    what,
    value: `median ${latency.toFixed(1)} s, ${observed.containers} container${observed.containers === 1 ? '' : 's'}, ${length} jobs${failed(observed) > 0 ? `; failed: ${why(observed)}` : ''}`,
    reference: `the article: ${expected.article}; closed form ${expected.form}`,
    target: `${expected.latency} s within 10 %, ${expected.containers} container${expected.containers === 1 ? '' : 's'}`,
    holds: Math.abs(latency / expected.latency - 1) <= 0.1 && observed.containers === expected.containers && failed(observed) === 0,
  };
}

async function run(say: (line: string) => void): Promise<Figure[]> {
  say(`options 1, 2 and 3 at the same time, ${seconds} s`);
  const limit = { max_containers: 10 };
  const [one, two, three] = await Promise.all([
    experiment(limit),
    experiment({ max_inputs: 10, max_containers: 1 }),
    experiment({ ...limit, min_containers: 5 }),
  ]);
  const cold = firstAnswers(one);
  const warm = firstAnswers(three);
  return [
    steadyFigure('option 1: one container per input, 10 users', one, {
      latency: 4.4,
      article: '4.4 s, 10 GPUs',
      form: `${onGpu} + ${beside} = ${(onGpu + beside).toFixed(1)} s`,
      containers: 10,
    }),
    steadyFigure('option 2: ten inputs in one container, 10 users', two, {
      latency: 32,
      article: '32 s, 1 GPU',
      form: `N x S - Z = ${users} x ${onGpu} - 3 = ${(users * onGpu - 3).toFixed(0)} s`,
      containers: 1,
    }),
    {
      what: 'option 3: five warm containers; first answers of all 10 users',
      value: `after ${warm.toFixed(1)} s; steady median ${steady(three).toFixed(1)} s, ${three.containers} containers${failed(three) > 0 ? `; failed: ${why(three)}` : ''}`,
      reference: `${cold.toFixed(1)} s without warm ones: ${(cold - warm).toFixed(1)} s earlier; the article: about 10 s`,
      target: 'about 10 s earlier (8 to 14)',
      holds: cold - warm >= 8 && cold - warm <= 14 && failed(three) === 0,
    },
  ];
}

export const articleBench: Bench = {
  name: 'article',
  what: "the article's options 1, 2 and 3 in real time (with --full)",
  run: ({ say, full }) => (full ? run(say) : Promise.resolve([])),
};
