const maxFiles = 1_000;
const maxBytes = 8 * 1024 * 1024;

/** The bytes of small files that were put just now: whoever waits for a result asks for them at once. */
export class Recent {
  /** The longest there first. */
  readonly #files = new Map<string, Buffer>();
  #bytes = 0;

  /** Keeps a copy: small buffers share memory, and one that is kept would keep all of that. */
  add(id: string, content: Buffer): void {
    this.delete(id);
    const copy = Buffer.allocUnsafeSlow(content.length);
    content.copy(copy);
    this.#files.set(id, copy);
    this.#bytes += copy.length;
    for (const oldest of this.#files.keys()) {
      if (this.#files.size <= maxFiles && this.#bytes <= maxBytes) return;
      this.delete(oldest);
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
