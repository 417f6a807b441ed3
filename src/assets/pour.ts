import type { FileHandle } from 'node:fs/promises';

/** Large enough that going to another thread and back for each piece does not count. */
const largeBytes = 256 * 1024;
/** For those who come when many are served already: slow readers must not hold much memory. */
const smallBytes = 32 * 1024;
const manyReaders = 32;

/** Large pieces, used again: the garbage collector has no work with them. */
const free: Buffer[] = [];
let readers = 0;

/** Reads the next piece while one is taken. See `Assets.pour`. */
export async function pourFile(
  file: FileHandle,
  { start, end }: { start: number; end: number },
  take: (piece: Buffer) => Promise<void>,
): Promise<void> {
  const pieceBytes = readers < manyReaders ? largeBytes : smallBytes;
  const piece = (): Buffer => (pieceBytes === largeBytes ? free.pop() : undefined) ?? Buffer.allocUnsafeSlow(pieceBytes);
  const [one, other] = [piece(), piece()];
  readers++;
  try {
    await pourPieces(file, { start, end }, take, [one, other]);
  } finally {
    readers--;
    if (pieceBytes === largeBytes) free.push(one, other);
  }
}

async function pourPieces(
  file: FileHandle,
  { start, end }: { start: number; end: number },
  take: (piece: Buffer) => Promise<void>,
  [one, other]: readonly [Buffer, Buffer],
): Promise<void> {
  const read = async (into: Buffer, at: number): Promise<Buffer> => {
    const wanted = Math.min(into.length, end + 1 - at);
    const { bytesRead } = wanted > 0 ? await file.read(into, 0, wanted, at) : { bytesRead: 0 };
    return into.subarray(0, bytesRead);
  };
  let at = start;
  for (let [piece, next] = [await read(one, at), other]; piece.length > 0;) {
    at += piece.length;
    // Both have settled before anything is used again, also when one fails.
    const [following, taken] = await Promise.allSettled([read(next, at), take(piece)]);
    if (taken.status === 'rejected') throw taken.reason;
    if (following.status === 'rejected') throw following.reason;
    [piece, next] = [following.value, next === other ? one : other];
  }
}
