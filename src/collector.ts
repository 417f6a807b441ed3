import { setFlagsFromString } from 'node:v8';

/**
 * Lets every object begin young. V8 makes objects old from birth where most of those made at the same place in the code lived long, and here
 * the same lines make what is kept for a while (the last events, the journals of prompts) and what is gone at once: previews of 10 kB would
 * stay in memory until the next full collection, and make that come every few seconds. docs/decisions/011 has the figures.
 */
export function tuneCollector(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}
