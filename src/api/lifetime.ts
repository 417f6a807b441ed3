/** What has to end before the server can: streams, and requests that wait for a job. */
export interface Lifetime {
  /** True once the server began to close. */
  closing(): boolean;
  /** Calls `end` when the server begins to close; at once if it has. Returns the function that forgets it. */
  onClose(end: () => void): () => void;
  close(): void;
}

export function createLifetime(): Lifetime {
  const ends = new Set<() => void>();
  let closed = false;
  return {
    closing: () => closed,
    onClose(end) {
      if (closed) end();
      else ends.add(end);
      return () => ends.delete(end);
    },
    close() {
      closed = true;
      for (const end of ends) end();
      ends.clear();
    },
  };
}
