import { afterEach, describe, expect, test } from 'vitest';
import { readCatalogue } from '../../src/comfyui/catalogue.ts';
import type { Json, NodeDefinitions } from '../../src/comfyui/protocol.ts';
import type { Catalogue } from '../../src/comfyui/runner.ts';
import { Readable } from 'node:stream';
import { aContainer, createApiWorld, listen, type ApiWorld } from '../support/api.ts';
import { expectAsGateway } from './gateway-differences.ts';
import { replay } from './replay.ts';
import { loadTranscript } from './transcript.ts';

/** Lists of a recorded ComfyUI, and the gateway's once that ComfyUI has been one of its containers. */

let world: ApiWorld;
afterEach(() => world.app.close());

/** Of the nodes that were asked for. */
const definitions = Object.assign(
  {},
  ...loadTranscript('object_info_node').events.map((event) => (event.kind === 'http' ? event.response.json : {})),
) as NodeDefinitions;

/** What the recorded server answers, by path. */
function recordedLists(): (path: string) => Promise<Json> {
  const answers = new Map<string, Json>();
  for (const scenario of ['models_and_lists', 'system_stats']) {
    for (const event of loadTranscript(scenario).events) {
      if (event.kind !== 'http' || event.response.status !== 200 || event.request.query) continue;
      answers.set(event.request.path, event.response.json ?? null);
    }
  }
  return async (path) => answers.get(path) ?? null;
}

async function play(name: string, { uploadBytes = 1_000_000_000 } = {}): Promise<void> {
  const catalogue: Catalogue = await readCatalogue(recordedLists());
  world = await createApiWorld({
    limits: { uploadBytes },
    change: ({ deployments }) => ({
      deployments: { ...deployments, definitions: () => definitions, catalogue: () => catalogue },
      containers: {
        // The one thing that a container is asked for when somebody wants it.
        async pass(_endpoint, { path }) {
          expect(path).toBe('/view_metadata/checkpoints?filename=tiny-random.safetensors');
          const headers = { 'content-type': 'application/json' };
          return { status: 200, headers, body: Readable.from([Buffer.from('{"format": "pt"}')]) };
        },
      },
    }),
  });
  world.containers.push(aContainer({ deployment: 'collage' }));
  const url = `http://127.0.0.1:${await listen(world.app)}`;
  const transcript = loadTranscript(name);
  const events = transcript.events.filter((event) => event.kind === 'http' && !['/', '/prompt'].includes(event.request.path));
  expectAsGateway(name, await replay(url, { ...transcript, events }, { folder: '/nowhere', tick: () => undefined }));
}

describe('a recorded ComfyUI and the gateway say the same in lists', () => {
  test.each(['models_and_lists', 'object_info_node', 'feature_flags', 'frontend_routes', 'system_stats'])('%s', async (name) => {
    await play(name);
  });

  test('upload_too_large', async () => {
    await play('upload_too_large', { uploadBytes: 10_486 });
  });
});
