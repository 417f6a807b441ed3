import { afterEach, beforeEach, expect, test } from 'vitest';
import { createApiWorld, listen, type ApiWorld } from '../support/api.ts';
import { expectAsGateway } from './gateway-differences.ts';
import { replay } from './replay.ts';
import { loadTranscript, type Event } from './transcript.ts';

/** What clients of a recorded ComfyUI sent for files, sent to the gateway. Prompts of the recordings are not run: what they made is put there. */

let world: ApiWorld;
let url: string;
beforeEach(async () => {
  world = await createApiWorld();
  url = `http://127.0.0.1:${await listen(world.app)}`;
});
afterEach(() => world.app.close());

/** Pictures that prompts of the recording made, under their names. */
async function putOutputs(events: readonly Event[]): Promise<void> {
  const { store, assets, clock } = world.context;
  for (const event of events) {
    if (event.kind !== 'http' || event.request.path !== '/view' || event.response.status !== 200) continue;
    const { filename = '', type = 'output', subfolder = '', preview, channel } = event.request.query ?? {};
    if (type === 'input' || preview !== undefined || channel !== undefined || filename.endsWith(']')) continue;
    const { id, bytes } = await assets.put(Buffer.from(event.response.base64 ?? '', 'base64'));
    if (bytes === 0) continue;
    const file = { type: type as 'output' | 'temp', subfolder, filename, asset: id, bytes, mime: 'image/png' };
    await store.nameUpload({ caller: { workspace: 'local', key: null }, file, overwrite: true, at: clock.now() });
  }
}

test.each(['upload_image', 'upload_mask', 'view', 'preview_image'])(
  '%s: a recorded ComfyUI and the gateway say the same of files',
  async (name) => {
    const transcript = loadTranscript(name);
    const events = transcript.events.filter((event) => event.kind === 'http' && /^\/(upload|view)/.test(event.request.path));
    await putOutputs(events);
    const sides = await replay(url, { ...transcript, events }, { folder: '/nowhere', tick: () => undefined });
    expect(sides.actual.http.length).toBeGreaterThan(1);
    expectAsGateway(name, sides);
  },
);
