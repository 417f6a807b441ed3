import type { Assets } from '../assets/assets.ts';
import type { FileReference } from '../comfyui/protocol.ts';
import type { Endpoint, PromptRunner } from '../comfyui/runner.ts';
import { ComfleetError } from '../errors.ts';
import { wholePng } from './whole-png.ts';

/** A container's file, safe in the assets. */
export interface FetchedFile {
  readonly asset: string;
  readonly bytes: number;
  readonly mime: string;
}

/** Brings the files of one attempt from its container into the assets: each once, whoever asks for it and however often. */
export class Fetcher {
  readonly #deps: { readonly assets: Assets; readonly runner: Pick<PromptRunner, 'download'> };
  readonly #endpoint: Endpoint | null;
  readonly #files = new Map<string, Promise<FetchedFile>>();

  constructor(deps: { readonly assets: Assets; readonly runner: Pick<PromptRunner, 'download'> }, endpoint: Endpoint | null) {
    this.#deps = deps;
    this.#endpoint = endpoint;
  }

  /** Settles when every byte is safe. Errors: `container_lost`, also for a picture that was cut short, and the file system's. */
  fetch(file: FileReference): Promise<FetchedFile> {
    const key = [file.type, file.subfolder, file.filename].join('\0');
    const known = this.#files.get(key);
    if (known) return known;
    const fetching = this.#fetch(file);
    this.#files.set(key, fetching);
    fetching.catch(() => this.#files.delete(key));
    return fetching;
  }

  async #fetch(file: FileReference): Promise<FetchedFile> {
    const { assets, runner } = this.#deps;
    if (!this.#endpoint) throw new ComfleetError('container_lost', 'the container has no address');
    const { stream, mime } = await runner.download(this.#endpoint, file);
    const { id, bytes } = await assets.put(mime === 'image/png' ? wholePng(stream) : stream);
    return { asset: id, bytes, mime };
  }
}
