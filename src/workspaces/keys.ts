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
