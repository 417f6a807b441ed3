import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { execFileSync } from 'node:child_process';
import type { Clock } from '../../src/fleet/clock.ts';
import type { Slot } from '../../src/fleet/container.ts';
import { createSystemClock } from '../../src/fleet/system-clock.ts';
import { SupervisorClient } from '../../src/host/client.ts';
import type { Launch } from '../../src/host/protocol.ts';
import type { RuntimeEvent } from '../../src/runtimes/runtime.ts';

export const fakeComfyui = fileURLToPath(new URL('../fixtures/fake-comfyui', import.meta.url));

/** Tests with containers that are processes need what runs the fake ComfyUI. */
export const noPython = ((): boolean => {
  try {
    execFileSync('python3', ['-c', ''], { stdio: 'ignore' });
    return false;
  } catch {
    return true;
  }
})();

export const cpuSlot: Slot = { host: 'here', device: 'cpu0', gpu: null, share: 0 };

export interface TemporaryFolder {
  readonly path: string;
  remove(): void;
}

export function temporaryFolder(): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), 'comfleet-host-'));
  // Containers of a supervisor that was killed may still write.
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 10 }) };
}

/** The system's clock, `factor` times as fast. */
export function hurriedClock(factor: number): Clock {
  const clock = createSystemClock();
  const start = clock.now();
  return {
    now: () => start + (clock.now() - start) * factor,
    at: (at, fn) => clock.at(start + (at - start) / factor, fn),
  };
}

/** A client whose troubles are kept instead of reported. */
export async function connectSupervisor(
  folder: string,
  options: { leaseMs?: number } = {},
): Promise<{ client: SupervisorClient; troubles: unknown[] }> {
  const troubles: unknown[] = [];
  const client = await SupervisorClient.connect({
    folder,
    clock: createSystemClock(),
    report: (error) => troubles.push(error),
    ...options,
  });
  return { client, troubles };
}

/** What was heard so far, and what will be. */
export class Heard<T> {
  readonly all: T[] = [];
  readonly #waiting = new Set<(item: T) => void>();

  readonly add = (item: T): void => {
    this.all.push(item);
    for (const look of this.#waiting) look(item);
  };

  /** The first that fits, past ones included. */
  first<F extends T>(fits: (item: T) => item is F): Promise<F>;
  first(fits: (item: T) => boolean): Promise<T>;
  first(fits: (item: T) => boolean): Promise<T> {
    const found = this.all.find(fits);
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve) => {
      const look = (item: T): void => {
        if (!fits(item)) return;
        this.#waiting.delete(look);
        resolve(item);
      };
      this.#waiting.add(look);
    });
  }
}

/** Every event of a runtime or a client from now on. */
export class Events extends Heard<RuntimeEvent> {
  constructor(source: { subscribe(listener: (event: RuntimeEvent) => void): () => void }) {
    super();
    source.subscribe(this.add);
  }

  of(id: string): RuntimeEvent[] {
    return this.all.filter((event) => 'id' in event && event.id === id);
  }

  /** Rejects when it ends instead: the reason then stands in the test's failure. */
  async ready(id: string): Promise<Extract<RuntimeEvent, { type: 'ready' }>> {
    const event = await this.first((heard) => (heard.type === 'ready' || heard.type === 'exited') && heard.id === id);
    if (event.type === 'ready') return event;
    throw new Error(`${id} did not become ready: ${JSON.stringify(event)}`);
  }

  exited(id: string): Promise<Extract<RuntimeEvent, { type: 'exited' }>> {
    return this.first((event): event is Extract<RuntimeEvent, { type: 'exited' }> => event.type === 'exited' && event.id === id);
  }
}

/** A process of a fake ComfyUI that has told about itself. */
export interface Witnessed {
  readonly role: 'container' | 'grandchild';
  readonly mode: string;
  readonly pid: number;
  readonly port: number;
  readonly env: Readonly<Record<string, string>>;
  readonly argv: readonly string[];
  /** Settles when the process is dead: the kernel then closes its connection. */
  readonly dead: Promise<void>;
}

export interface Witness extends Heard<Witnessed> {
  readonly port: number;
  close(): void;
}

/** Sees every process of fake ComfyUIs live and die, whoever their parent is by then. */
export async function openWitness(): Promise<Witness> {
  const sockets = new Set<Socket>();
  const heard = new Heard<Witnessed>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    const dead = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    createInterface({ input: socket }).once('line', (line) => heard.add({ ...(JSON.parse(line) as Omit<Witnessed, 'dead'>), dead }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return Object.assign(heard, { port, close });
}

/** A container that is a fake ComfyUI. */
export const fakeLaunch = (witness: Witness, mode = 'good'): Launch => ({
  kind: 'process',
  path: fakeComfyui,
  python: 'python3',
  args: ['--fake-mode', mode, '--fake-witness', String(witness.port)],
  device: { kind: 'cpu' },
});

export const instantLaunch: Launch = { kind: 'emulated', profile: 'instant' };
