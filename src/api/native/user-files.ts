import { ComfleetError } from '../../errors.ts';
import type { Clock } from '../../fleet/clock.ts';
import type { Caller, Store } from '../../store/store.ts';

export interface UserFile {
  readonly path: string;
  readonly size: number;
  /** Epoch milliseconds. */
  readonly created: number;
  readonly modified: number;
}

/** Of one caller: this is for workflows and settings of ComfyUI's page, not a disk. */
export const userLimits = { fileBytes: 5_000_000, files: 1_000, totalBytes: 50_000_000 };

/**
 * Small files and settings that ComfyUI's page keeps for its user, as documents of the store: one list and one document for each file.
 * Changes of one caller run one after the other.
 */
export class UserFiles {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor({ store, clock }: { store: Store; clock: Clock }) {
    this.#store = store;
    this.#clock = clock;
  }

  async list(caller: Caller): Promise<UserFile[]> {
    return ((await this.#store.document(`${nameOf(caller)}/files`)) as UserFile[] | null) ?? [];
  }

  async find(caller: Caller, path: string): Promise<UserFile | null> {
    return (await this.list(caller)).find((file) => file.path === path) ?? null;
  }

  async read(caller: Caller, path: string): Promise<Buffer | null> {
    const kept = (await this.#store.document(contentName(caller, path))) as { base64: string } | null;
    return kept && Buffer.from(kept.base64, 'base64');
  }

  /** Null: it is there already and shall not be overwritten. Error: `body_too_large` when the caller has too much. */
  write(caller: Caller, path: string, content: Buffer, { overwrite }: { overwrite: boolean }): Promise<UserFile | null> {
    return this.#inTurn(caller, async () => {
      const files = await this.list(caller);
      const before = files.find((file) => file.path === path);
      if (before && !overwrite) return null;
      const at = this.#clock.now();
      const file: UserFile = { path, size: content.length, created: before?.created ?? at, modified: at };
      const changed = [...files.filter((one) => one !== before), file];
      checkLimits(changed);
      await this.#save(contentName(caller, path), { base64: content.toString('base64') });
      await this.#saveList(caller, changed);
      return file;
    });
  }

  /** False: there is no such file. */
  remove(caller: Caller, path: string): Promise<boolean> {
    return this.#inTurn(caller, async () => {
      const files = await this.list(caller);
      if (!files.some((file) => file.path === path)) return false;
      await this.#saveList(
        caller,
        files.filter((file) => file.path !== path),
      );
      await this.#save(contentName(caller, path), null);
      return true;
    });
  }

  /** What came of it: the file under its new name, or why not. */
  move(caller: Caller, from: string, to: string, { overwrite }: { overwrite: boolean }): Promise<UserFile | 'missing' | 'taken'> {
    return this.#inTurn(caller, async () => {
      const files = await this.list(caller);
      const file = files.find(({ path }) => path === from);
      const content = await this.read(caller, from);
      if (!file || !content) return 'missing';
      if (from === to) return file;
      if (files.some(({ path }) => path === to) && !overwrite) return 'taken';
      const moved = { ...file, path: to };
      await this.#save(contentName(caller, to), { base64: content.toString('base64') });
      await this.#saveList(caller, [...files.filter(({ path }) => path !== from && path !== to), moved]);
      await this.#save(contentName(caller, from), null);
      return moved;
    });
  }

  async settings(caller: Caller): Promise<ReadonlyMap<string, unknown>> {
    return new Map(((await this.#store.document(`${nameOf(caller)}/settings`)) as [string, unknown][] | null) ?? []);
  }

  changeSettings(caller: Caller, changes: readonly (readonly [string, unknown])[]): Promise<void> {
    return this.#inTurn(caller, async () => {
      const settings = [...new Map([...(await this.settings(caller)), ...changes])];
      if (Buffer.byteLength(JSON.stringify(settings)) > userLimits.fileBytes) throw tooMuch(`${userLimits.fileBytes} bytes of settings`);
      await this.#save(`${nameOf(caller)}/settings`, settings);
    });
  }

  #saveList(caller: Caller, files: readonly UserFile[]): Promise<void> {
    return this.#save(`${nameOf(caller)}/files`, files);
  }

  #save(name: string, value: unknown): Promise<void> {
    return this.#store.saveDocument({ name, value, at: this.#clock.now() });
  }

  #inTurn<Result>(caller: Caller, change: () => Promise<Result>): Promise<Result> {
    const name = nameOf(caller);
    const result = (this.#turns.get(name) ?? Promise.resolve()).then(change);
    const settled = result.then(
      () => undefined,
      () => undefined,
    );
    this.#turns.set(name, settled);
    void settled.then(() => this.#turns.get(name) === settled && this.#turns.delete(name));
    return result;
  }
}

const nameOf = ({ workspace, key }: Caller): string => `user/${workspace}/${key ?? ''}`;

const contentName = (caller: Caller, path: string): string => `${nameOf(caller)}/file/${path}`;

function checkLimits(files: readonly UserFile[]): void {
  if (files.length > userLimits.files) throw tooMuch(`${userLimits.files} files`);
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  if (bytes > userLimits.totalBytes) throw tooMuch(`${userLimits.totalBytes} bytes in all`);
}

const tooMuch = (limit: string): ComfleetError => new ComfleetError('body_too_large', `A user keeps at most ${limit} here`);
