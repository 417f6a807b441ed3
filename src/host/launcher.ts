import type { Endpoint } from '../comfyui/runner.ts';
import type { StartPhase } from '../fleet/container.ts';
import type { LogLine } from '../runtimes/runtime.ts';
import type { StartRequest } from './protocol.ts';

/** What a launcher tells the supervisor about its container. After `exited` nothing more comes. */
export interface Report {
  /** `at` is for phases that are recognised only after they began. */
  phase(phase: StartPhase, options?: { at?: number; detail?: Record<string, number> }): void;
  ready(endpoint: Endpoint): void;
  /** It is gone without having been asked to go. */
  exited(code: 'crashed' | 'start_failed' | 'start_timeout', message: string): void;
  log(stream: LogLine['stream'], text: string): void;
}

export interface Launched {
  /** Ends it: asks, and kills after `graceMs`. Settles when it is gone. */
  stop(graceMs: number): Promise<void>;
}

/** Makes containers of one kind. `folder` is the container's own; it is there, and is removed when the container is gone. */
export interface Launcher {
  launch(request: StartRequest, folder: string, report: Report): Launched;
}
