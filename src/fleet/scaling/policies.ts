import { concurrency } from './concurrency.ts';
import { fixed } from './fixed.ts';
import { flash } from './flash.ts';
import { hpa } from './hpa.ts';
import { keda } from './keda.ts';
import { ongoing } from './ongoing.ts';
import { perInput } from './per-input.ts';
import type { Policy } from './policy.ts';
import { queueDelay } from './queue-delay.ts';
import { requestCount } from './request-count.ts';
import { slo } from './slo.ts';
import type { PolicyName } from './settings.ts';

/** Every policy, by name. A new one is one file and one line here. */
export const policies: Readonly<Record<PolicyName, Policy>> = {
  'per-input': perInput,
  concurrency,
  hpa,
  keda,
  ongoing,
  flash,
  'request-count': requestCount,
  'queue-delay': queueDelay,
  fixed,
  slo,
};
