import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Graph } from '../src/comfyui/protocol.ts';
import type { JobRequest } from '../src/jobs/job.ts';
import { openSqliteStore } from '../src/store/sqlite.ts';
import { temporaryFolder } from './lib/gateway.ts';
import type { Bench, Figure } from './lib/report.ts';
import { median, quantile } from './lib/statistics.ts';

const rounds = 3;
const submitters = [1, 8, 32, 128];
const roundMs = 1_000;

const graph: Graph = {
  3: {
    class_type: 'KSampler',
    inputs: {
      seed: 156680208700286,
      steps: 20,
      cfg: 8,
      sampler_name: 'euler',
      scheduler: 'normal',
      denoise: 1,
      model: ['4', 0],
      positive: ['6', 0],
      negative: ['7', 0],
      latent_image: ['5', 0],
    },
    _meta: { title: 'KSampler' },
  },
  4: {
    class_type: 'CheckpointLoaderSimple',
    inputs: { ckpt_name: 'v1-5-pruned-emaonly-fp16.safetensors' },
    _meta: { title: 'Load Checkpoint' },
  },
  5: { class_type: 'EmptyLatentImage', inputs: { width: 512, height: 512, batch_size: 1 }, _meta: { title: 'Empty Latent Image' } },
  6: {
    class_type: 'CLIPTextEncode',
    inputs: { text: 'a regal phoenix over a lake at dawn, feathers of light, long exposure', clip: ['4', 1] },
    _meta: { title: 'CLIP Text Encode (positive)' },
  },
  7: {
    class_type: 'CLIPTextEncode',
    inputs: { text: 'text, watermark, blurry', clip: ['4', 1] },
    _meta: { title: 'CLIP Text Encode (negative)' },
  },
  8: { class_type: 'VAEDecode', inputs: { samples: ['3', 0], vae: ['4', 2] }, _meta: { title: 'VAE Decode' } },
  9: { class_type: 'SaveImage', inputs: { filename_prefix: 'ComfyUI', images: ['10', 0] }, _meta: { title: 'Save Image' } },
  10: {
    class_type: 'ImageScale',
    inputs: { upscale_method: 'lanczos', width: 1024, height: 1024, crop: 'disabled', image: ['8', 0] },
    _meta: { title: 'Upscale Image' },
  },
};

const request: JobRequest = {
  workspace: 'default',
  environment: 'production',
  deployment: 'text-to-image',
  revision: '01890000-0000-7000-8000-000000000000',
  source: 'simple',
  key: null,
  priority: 0,
  number: 0,
  prompt: null,
  inputs: { prompt: 'a regal phoenix over a lake at dawn, feathers of light, long exposure', seed: 156680208700286 },
  graph,
  files: [],
  outputNodes: ['9'],
  modelKey: 'v1-5-pruned-emaonly-fp16.safetensors',
  deadlineAt: null,
  executionTimeoutMs: 600_000,
  idempotency: null,
  webhook: null,
};

let count = 0;
/** Shaped like a UUIDv7 and rising like one. */
const nextId = (): string => `01890000-0000-7000-8000-${String(++count).padStart(12, '0')}`;

/** Appends of `group` payloads with one sync each, for a round; payloads per second. */
function rawRate(folder: string, group: number): number {
  const payload = Buffer.from(JSON.stringify(request).repeat(group));
  const file = openSync(join(folder, 'raw'), 'w');
  const started = performance.now();
  let written = 0;
  while (performance.now() - started < roundMs) {
    writeSync(file, payload);
    fdatasyncSync(file);
    written += group;
  }
  const rate = (written * 1000) / (performance.now() - started);
  closeSync(file);
  return rate;
}

interface Measured {
  rate: number;
  p50: number;
  p99: number;
}

/** `concurrent` submitters, each with the next job when its last one is on disk. */
async function submissions(folder: string, concurrent: number): Promise<Measured> {
  const file = join(folder, `${nextId()}.db`);
  const store = await openSqliteStore({ file });
  const latencies: number[] = [];
  const started = performance.now();
  const submitter = async (): Promise<void> => {
    while (performance.now() - started < roundMs) {
      const at = performance.now();
      await store.submit({ id: nextId(), at, request });
      latencies.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: concurrent }, submitter));
  const elapsed = performance.now() - started;
  await store.close();
  return { rate: (latencies.length * 1000) / elapsed, p50: median(latencies), p99: quantile(latencies, 0.99) };
}

async function figure(folder: string, concurrent: number): Promise<Figure> {
  const measured: Measured[] = [];
  const single: number[] = [];
  const grouped: number[] = [];
  for (let round = 0; round < rounds; round++) {
    single.push(rawRate(folder, 1));
    grouped.push(rawRate(folder, concurrent));
    measured.push(await submissions(folder, concurrent));
  }
  const whole = (values: number[]): string => Math.round(median(values)).toLocaleString('en');
  const ms = (values: number[]): string => median(values).toFixed(1);
  return {
    what: `durable submissions of ${Buffer.byteLength(JSON.stringify(request))} bytes, ${concurrent} at once`,
    value: `${whole(measured.map(({ rate }) => rate))}/s, p50 ${ms(measured.map(({ p50 }) => p50))} ms, p99 ${ms(measured.map(({ p99 }) => p99))} ms`,
    reference: `append and sync of the same bytes: ${whole(single)}/s one by one, ${whole(grouped)}/s in groups of ${concurrent}`,
    target: '',
    holds: null,
  };
}

/** Beside what the disk itself can do in the same run: appending the same bytes and syncing them, one by one and as many at once. */
export const storeBench: Bench = {
  name: 'store',
  what: 'durable submissions into the store alone',
  async run({ say }) {
    const folder = temporaryFolder();
    const figures: Figure[] = [];
    for (const concurrent of submitters) {
      say(`${concurrent} submitters`);
      figures.push(await figure(folder, concurrent));
    }
    return figures;
  },
};
