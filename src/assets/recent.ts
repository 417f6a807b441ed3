/** A hundred pictures of 80 KiB. */
const maxBytes = 8 * 1024 * 1024;

/** The bytes of small files that were put just now: whoever waits for a result asks for them at once. */
export class Recent {
  /** The longest there first. */
  readonly #files = new Map<string, Buffer>();
  #bytes = 0;

  add(id: string, content: Buffer): void {
    this.delete(id);
    this.#files.set(id, content);
    this.#bytes += content.length;
    for (const old of this.#files.keys()) {
      if (this.#bytes <= maxBytes) return;
      this.delete(old);
    }
  }

  get(id: string): Buffer | undefined {
    return this.#files.get(id);
  }

  delete(id: string): void {
    this.#bytes -= this.#files.get(id)?.length ?? 0;
    this.#files.delete(id);
  }
}
