import { createHash } from 'node:crypto';
import { ComfleetError } from '../errors.ts';
import type { Clock, Random } from '../fleet/clock.ts';
import { enter } from '../map-of-sets.ts';
import type { Store } from '../store/store.ts';
import type { Key, Keys } from './keys.ts';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 43 of 62 letters hold 256 bits. */
const secretLength = 43;
/** `lastUsedAt` is for people; a write for each request would cost more than the request. */
const lastUsedResolutionMs = 60_000;

export interface KeysParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly workspace: string;
  /** Told when noting the last use failed. */
  readonly report: (error: unknown) => void;
}

/** Keys by the SHA-256 of their secret: a look-up by hash tells nothing about the secret by its timing. Reads the store once. */
export async function createKeys({ store, clock, random, workspace, report }: KeysParts): Promise<Keys> {
  const byHash = new Map((await store.keys()).map((key) => [key.hash, key]));

  /** Who wants to know of the end of a key. */
  const listeners = new Map<string, Set<() => void>>();

  const save = async (key: Key): Promise<Key> => {
    await store.saveKey(key);
    byHash.set(key.hash, key);
    return key;
  };

  const list = (): Key[] => [...byHash.values()].sort((a, b) => a.createdAt - b.createdAt);

  const noteUse = (key: Key): void => {
    const now = clock.now();
    if (key.lastUsedAt !== null && now - key.lastUsedAt < lastUsedResolutionMs) return;
    const used = { ...key, lastUsedAt: now };
    byHash.set(key.hash, used);
    store.saveKey(used).catch(report);
  };

  return {
    any: () => [...byHash.values()].some((key) => key.revokedAt === null),
    list,
    async create(name, role) {
      const secret = `cfk_${Array.from({ length: secretLength }, () => alphabet[random.int(alphabet.length)]).join('')}`;
      const key = await save({
        id: random.id(),
        workspace,
        name,
        hash: hashSecret(secret),
        tail: secret.slice(-4),
        role,
        createdAt: clock.now(),
        revokedAt: null,
        lastUsedAt: null,
      });
      return { key, secret };
    },
    async revoke(id) {
      const key = [...byHash.values()].find((key) => key.id === id);
      if (!key) throw new ComfleetError('not_found', `There is no key ${id}`);
      if (key.revokedAt !== null) return key;
      const revoked = { ...key, revokedAt: clock.now() };
      // Before it is stored: a use that is noted meanwhile would bring it back.
      byHash.set(key.hash, revoked);
      try {
        await store.saveKey(revoked);
      } catch (error) {
        byHash.set(key.hash, key);
        throw error;
      }
      const told = listeners.get(id) ?? [];
      listeners.delete(id);
      for (const listener of told) listener();
      return revoked;
    },
    onRevoked(id, listener) {
      if (!list().some((key) => key.id === id && key.revokedAt === null)) {
        listener();
        return () => undefined;
      }
      return enter(listeners, id, listener);
    },
    verify(secret) {
      const key = byHash.get(hashSecret(secret));
      if (!key || key.revokedAt !== null) return null;
      noteUse(key);
      return key;
    },
  };
}

const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');
