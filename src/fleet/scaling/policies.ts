import { concurrency } from './concurrency.ts';
import { fixed } from './fixed.ts';
import { perInput } from './per-input.ts';
import type { Policy } from './policy.ts';
import type { PolicyName } from './settings.ts';

/** Every policy, by name. A new one is one file and one line here. */
export const policies: Readonly<Record<PolicyName, Policy>> = { 'per-input': perInput, concurrency, fixed };
