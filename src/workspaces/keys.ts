/** An API key as it is stored: never the secret, only its hash. */
export interface Key {
  readonly id: string;
  readonly workspace: string;
  readonly name: string;
  /** SHA-256 of the secret, hex. */
  readonly hash: string;
  /** Last four characters, to recognise it by. */
  readonly tail: string;
  readonly role: 'admin' | 'invoke';
  readonly createdAt: number;
  readonly revokedAt: number | null;
  readonly lastUsedAt: number | null;
}

/** The API keys of this gateway. */
export interface Keys {
  /** True while at least one key is not revoked. */
  any(): boolean;
  /** A new key; its secret (`cfk_...`) exists only in this answer. */
  create(name: string, role: Key['role']): Promise<{ key: Key; secret: string }>;
  /** Oldest first, revoked ones included. */
  list(): readonly Key[];
  /** Takes effect at once. Error: `not_found`. */
  revoke(id: string): Promise<Key>;
  /** Calls `listener` once when the key is revoked; at once if it has been, or is unknown. Returns the function that forgets it. */
  onRevoked(id: string, listener: () => void): () => void;
  /** The key of a secret; null when there is none, or it was revoked. From memory. */
  verify(secret: string): Key | null;
}
