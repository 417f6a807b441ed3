import type { Readable } from 'node:stream';

/** A file by content. */
export interface Asset {
  /** `blake3:<64 hex digits>` of the bytes. */
  readonly id: string;
  readonly bytes: number;
}

/**
 * Files by content. `put` returns only when the bytes are safe: written, synced and renamed into place, so that a
 * transaction which names the asset can never name a file that is not there. Putting the same bytes twice is one file.
 *
 * Nor can it name one that goes just then. The store says which files nobody names, and somebody may put the same bytes between that answer
 * and the removal; so whoever puts or keeps a file has `namingMs` to name it in the store, and for so long nothing removes it.
 */
export interface Assets {
  /** Errors: `body_too_large` over `maxBytes`; the file system's own when the disk is full (nothing is left behind). */
  put(content: Buffer | Readable, options?: { maxBytes?: number }): Promise<Asset>;
  /** Does what putting its bytes again would do, for whoever has only the id; false when there is no such file. */
  keep(id: string): Promise<boolean>;
  /** Throws `not_found` when it is not there. `range` is inclusive, in bytes. */
  read(id: string, range?: { start: number; end: number }): Promise<{ stream: Readable; bytes: number }>;
  /**
   * Hands the bytes of a range that lies in the file to `take`, piece by piece and in order; rejects with what `take` rejects with. A piece
   * is only valid until `take` has settled: its memory is used again, which for large files is most of the work. Throws `not_found` before
   * the first piece.
   */
  pour(id: string, range: { start: number; end: number }, take: (piece: Buffer) => Promise<void>): Promise<void>;
  /** The whole file in memory, for small ones. Others may be given the same bytes: read only. */
  bytes(id: string): Promise<Buffer>;
  /**
   * Removes the files of these ids, which nobody names; unknown ids are ignored. The answer is those that stay, because they were put or kept
   * within `namingMs`: nobody may come to name them, so they have to be given an age anew.
   */
  remove(ids: readonly string[]): Promise<Asset[]>;
}

export const namingMs = 600_000;
