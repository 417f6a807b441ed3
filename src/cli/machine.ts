import type { Config } from '../config/schema.ts';
import type { Key } from '../workspaces/keys.ts';
import type { BannerInfo } from './banner.ts';
import type { Terminal } from './terminal.ts';

/** What the verbs stand on; replaced as a whole by tests. */
export interface Machine {
  readonly terminal: Terminal;
  readonly signals: Signals;
  readonly startApp: StartApp;
  /** Keys straight from the data folder, for when no gateway runs. Errors: `data_folder_in_use`. */
  readonly openKeys: (config: Config) => Promise<KeyDesk & { close(): Promise<void> }>;
  readonly version: string;
}

/** SIGINT and SIGTERM, or what stands in for them. The function ends the subscription. */
export type Signals = (listener: () => void) => () => void;

export type StartApp = (config: Config, options: { log: (line: string) => void }) => Promise<RunningApp>;

/** What `startApp` of src/app.ts gives back once jobs can be taken. */
export interface RunningApp {
  readonly banner: BannerInfo;
  /** Jobs that run now; a drain waits for them. */
  runningJobs(): number;
  /** Takes no more jobs, waits for the running ones, stops what it started. Settles when all is down. */
  drain(): Promise<void>;
  /** Stops at once; running jobs go on at the next start. */
  stopNow(): Promise<void>;
  /** Settles when the app is down, for whatever reason; rejects when it broke. */
  readonly closed: Promise<void>;
}

/** The part of `Keys` that works on a data folder without a gateway. */
export interface KeyDesk {
  create(name: string, role: Key['role']): Promise<{ key: Key; secret: string }>;
  list(): readonly Key[];
  revoke(id: string): Promise<Key>;
}
