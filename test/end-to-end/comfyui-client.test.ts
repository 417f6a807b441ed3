import { afterEach, describe, expect, test } from 'vitest';
import { colored, ComfyClient, sampled } from '../support/comfy-client.ts';
import { isPng } from './caller.ts';
import { drawWith, Program, type UpOptions } from './program.ts';

/** ComfyUI's own example of a client, against the program; and what becomes of such a client when the gateway dies. */

const programs: Program[] = [];
const clients: ComfyClient[] = [];

async function up(options: UpOptions = {}): Promise<Program> {
  const program = await Program.up({ config: drawWith({ scaling: { max_containers: 3 } }), ...options });
  programs.push(program);
  return program;
}

async function connect({ url }: Program, clientId: string): Promise<ComfyClient> {
  const client = await ComfyClient.connect(url, { clientId });
  clients.push(client);
  return client;
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.drop();
  for (const program of programs.splice(0)) await program.remove();
});

describe('a client of ComfyUI', () => {
  test('queues a prompt, follows it, and gets its pictures', async () => {
    const client = await connect(await up(), 'example');
    const id = await client.submit(colored(0xff8800, 'mine/x', 2));
    await client.ended(id);
    expect(client.told(id)).toEqual([
      'execution_start',
      'execution_cached',
      'executing 1',
      'executing 2',
      'executed',
      'execution_success',
      'executing null',
    ]);
    const entry = await client.history(id);
    expect(entry).toMatchObject({
      prompt: [0, id, colored(0xff8800, 'mine/x', 2), { client_id: 'example' }, ['2']],
      outputs: { 2: { images: [{ filename: 'x_00001_.png', subfolder: 'mine' }, { filename: 'x_00002_.png' }] } },
      status: { status_str: 'success', completed: true },
    });
    const pictures = await client.pictures(entry);
    expect(pictures.map(isPng)).toEqual([true, true]);
    expect(await client.get('/queue')).toEqual({ queue_running: [], queue_pending: [] });
  });

  test('without a socket: history is asked until it is there', async () => {
    const client = await connect(await up(), 'other');
    const { json } = await client.post('/prompt', { prompt: colored(1) });
    let entry;
    while (entry === undefined) entry = await client.history(json.prompt_id);
    expect(entry.status.status_str).toBe('success');
    expect(client.messages.filter(({ type }) => type === 'executed')).toEqual([]);
  });
});

describe('kill -9 of the gateway while a prompt runs', () => {
  test('the client that comes back hears the end, with what was made', async () => {
    const first = await up();
    const client = await connect(first, 'stays');
    const id = await client.submit(sampled(150));
    await client.until(({ type, data }) => type === 'progress' && data.prompt_id === id);
    await first.kill();
    programs.splice(programs.indexOf(first), 1);

    const again = await connect(await up({ folder: first.folder }), 'stays');
    await again.ended(id);
    expect(again.told(id)).toEqual(['executed', 'execution_success', 'executing null']);
    const [picture] = await again.pictures(await again.history(id));
    expect(isPng(picture!)).toBe(true);
    expect(await again.get('/prompt')).toEqual({ exec_info: { queue_remaining: 0 } });
  });

  test('an end of just before is told again', async () => {
    const first = await up();
    const client = await connect(first, 'returns');
    const id = await client.submit(colored(7));
    await client.ended(id);
    await first.kill();
    programs.splice(programs.indexOf(first), 1);

    const second = await up({ folder: first.folder });
    const again = await connect(second, 'returns');
    await again.ended(id);
    expect(again.told(id)).toEqual(['executed', 'execution_success', 'executing null']);
    const stranger = await connect(second, 'stranger');
    const next = await stranger.submit(colored(8));
    await stranger.ended(next);
    expect(stranger.told(id)).toEqual([]);
    // Numbers of files go on where they were.
    expect((await stranger.history(next)).outputs[2].images[0].filename).toBe('colored_00002_.png');
  });
});
