import type { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import type { KeyWire, List } from '../api/wire.ts';
import type { Key, Keys } from '../workspaces/keys.ts';
import { RefusedError, UsageError, type ExitCode } from './failure.ts';
import { flagsOf } from './flags.ts';
import { table } from './terminal.ts';
import { addVerb, type Machine, type Session, type VerbSpec } from './verb.ts';

/** `comfleet keys create|list|revoke`: by the gateway when one runs, else in the data folder itself. */

/** What one does with keys, wherever they are. */
export interface KeyDesk {
  create(name: string, role: Key['role']): Promise<{ key: Key; secret: string }>;
  list(): Promise<readonly Key[]> | ReturnType<Keys['list']>;
  revoke(id: string): Promise<Key>;
}
