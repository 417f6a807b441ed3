import type { FileHandle } from 'node:fs/promises';

/** Large enough that going to another thread and back for each piece does not count. */
const pieceBytes = 256 * 1024;
const keptPieces = 32;

/** Memory for pieces, used again: the garbage collector has no work with it. */
const free: Buffer[] = [];

/** Reads the next piece while one is taken. See `Assets.pour`. */
export async function pourFile(
  file: FileHandle,
  { start, end }: { start: number; end: number },
  take: (piece: Buffer) => Promise<void>,
): Promise<void> {
  const [one, other] = [free.pop() ?? Buffer.allocUnsafeSlow(pieceBytes), free.pop() ?? Buffer.allocUnsafeSlow(pieceBytes)];
  const read = async (into: Buffer, at: number): Promise<Buffer> => {
    const wanted = Math.min(pieceBytes, end + 1 - at);
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
  if (free.length < keptPieces) free.push(one, other);
}
