import { createBLAKE3, type IHasher } from 'hash-wasm';

const idle: IHasher[] = [];

/** A hasher that is ready for new bytes. Making one instantiates WebAssembly, so give it back with `giveBack`. */
export async function takeHasher(): Promise<IHasher> {
  const hasher = idle.pop() ?? (await createBLAKE3());
  return hasher.init();
}

export function giveBack(hasher: IHasher): void {
  idle.push(hasher);
}

/** The id of an asset with these bytes. */
export async function assetId(content: Buffer): Promise<string> {
  const hasher = await takeHasher();
  const id = idOf(hasher.update(content));
  giveBack(hasher);
  return id;
}

export const idOf = (hasher: IHasher): string => `blake3:${hasher.digest('hex')}`;

export const isAssetId = (id: string): boolean => /^blake3:[0-9a-f]{64}$/.test(id);
