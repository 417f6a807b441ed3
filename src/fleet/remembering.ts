import type { Json } from '../comfyui/protocol.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import type { ContainerRecord } from './container.ts';
import type { Pool } from './pool.ts';
import { policies } from './scaling/policies.ts';

/** What outlives the gateway of what pools know: what policies that learn remember, and what budgets have spent. */

const hourMs = 3_600_000;

interface Remembered {
  readonly policy: string;
  readonly memory: Json;
}

const documentOf = ({ key }: Pool): string => `policy_memory:${key}`;

const learns = ({ deployment }: Pool): boolean => policies[deployment.scaling.policy].aimsAtTarget === true;

/** Keeps what the policies remember now. */
export async function saveMemories(store: Pick<Store, 'saveDocument'>, pools: Iterable<Pool>, at: number): Promise<void> {
  for (const pool of pools) {
    if (!learns(pool) || pool.memory === null) continue;
    const value: Remembered = { policy: pool.deployment.scaling.policy, memory: pool.memory };
    await store.saveDocument({ name: documentOf(pool), value, at });
  }
}

/** Gives a pool back what its policy remembered, and takes what its containers cost within the last hour off its budget. */
export async function remember(
  { store, clock }: { store: Pick<Store, 'document' | 'containers'>; clock: Clock },
  pool: Pool,
): Promise<void> {
  const { name: deployment, environment, scaling } = pool.deployment;
  if (scaling.budget.usdPerHour !== null) {
    // Newest first: those that lived within the hour are among them.
    const containers = (await store.containers({ deployment, limit: 1_000 })).filter((container) => container.environment === environment);
    pool.spending.spentBefore(containers.reduce((sum, container) => sum + costWithin(container, clock.now()), 0));
  }
  if (!learns(pool)) return;
  const kept = (await store.document(documentOf(pool))) as Remembered | null;
  if (kept?.policy === scaling.policy) pool.memory = kept.memory;
}

/** USD of a container within the hour before `now`. */
function costWithin({ startedAt, stoppedAt, usdPerHour, share }: ContainerRecord, now: number): number {
  const lived = Math.max(0, (stoppedAt ?? now) - Math.max(startedAt, now - hourMs));
  return ((usdPerHour ?? 0) * share * lived) / hourMs;
}
