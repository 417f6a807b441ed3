import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Json } from '../../support/comfy-client.ts';
import { runs, type Client, type Library, type Place } from './client.ts';

/** Clients in Python: a script each, which is asked for one thing a line. `python/talk.py` is the other end. */

/** The Python that has the packages of `python/requirements.txt`. */
export const python = process.env['TEST_PYTHON'];

export const simplified: Library = library('comfy-api-simplified', 'simplified.py', {
  takesPath: false,
  takesKey: false,
  takesPreviews: false,
});
export const example: Library = library('websocket-client and requests', 'example.py', {
  takesPath: true,
  takesKey: true,
  takesPreviews: true,
});

function library(name: string, script: string, takes: Omit<Library, 'name' | 'connect'>): Library {
  return { name, ...takes, connect: async (place) => connect(script, place) };
}

async function connect(script: string, { url, key }: Place): Promise<Client> {
  const file = fileURLToPath(new URL(`python/${script}`, import.meta.url));
  const child = spawn(python!, ['-B', file, url, ...(key === undefined ? [] : [key])], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (what: string, ...args: Json[]): Promise<Json> => {
    child.stdin.write(`${JSON.stringify([what, ...args])}\n`);
    const { value } = await lines.next();
    if (value === undefined) throw new Error(`${script} ended when it was asked for ${what}`);
    const { result, error } = JSON.parse(value);
    if (error !== undefined) throw new Error(`${script}: ${error}`);
    return result;
  };
  return {
    upload: (picture, name) => ask('upload', picture.toString('base64'), name),
    async run(graph) {
      const { id, steps, pictures } = await ask('run', graph);
      return { id, steps, pictures: pictures.map((picture: string) => Buffer.from(picture, 'base64')) };
    },
    async interrupt(graph) {
      const id: string = await ask('start', graph);
      await runs(id, () => ask('running'));
      await ask('interrupt');
      await ask('wait', id);
      return id;
    },
    queue: () => ask('queue'),
    history: (id) => ask('history', id),
    nodeInfo: (name) => ask('node_info', name),
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}
