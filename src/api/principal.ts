import type { Key } from '../workspaces/keys.ts';

/** Who sent a request. `key` null: a caller on this machine, who needs none. */
export interface Principal {
  readonly key: string | null;
  readonly role: Key['role'];
}
