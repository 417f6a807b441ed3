import { wholeChange } from '../config/flat-scaling.ts';
import { isApplicable, type Plan } from '../planning/plan/planner.ts';
import type { Slo } from '../planning/summary.ts';
import { UsageError } from './failure.ts';
import { changedRows } from './scale.ts';
import type { DeploymentWire, List } from './shapes.ts';
import { table, type Palette } from './terminal.ts';
import type { Session } from './verb.ts';

/** What `--apply` did. */
export interface Applied {
  readonly deployment: string;
  readonly before: DeploymentWire['scaling'];
  readonly now: DeploymentWire['scaling'];
  readonly text: (paint: Palette) => string;
}

/**
 * The deployment that `--apply` is for; null: nothing is to be applied. Without a name it is the one that serves POST /, which is told before
 * anything is simulated: what is drawn is about none in particular, so that there a name is needed. Error: `UsageError`.
 */
export async function targetOf({ client, options, terminal }: Session): Promise<string | null> {
  const given = options['apply'] as string | true | undefined;
  if (given !== true) return given ?? null;
  if (options['trace'] === undefined) throw new UsageError('Say which deployment these settings are for: --apply DEPLOYMENT');
  const name = await defaultDeployment(client);
  terminal.err.write(`What is recommended will be applied to ${name}, which serves POST /\n`);
  return name;
}

/** Writes the recommended settings to a deployment. Error: `UsageError`, where nothing is recommended. */
export async function applyPlan(
  { client }: Session,
  plan: Plan,
  { deployment: name, slo }: { deployment: string; slo: Slo },
): Promise<Applied> {
  const { recommended, says } = plan;
  if (!recommended || !isApplicable(plan)) throw new UsageError(`Nothing was applied: ${says.join(' ')}`);
  const path = `/fleet/v1/deployments/${encodeURIComponent(name)}`;
  const before = await client.call<DeploymentWire>('GET', path);
  const change = wholeChange(recommended.policy, recommended.settings, slo);
  const { scaling } = await client.call<DeploymentWire>('PATCH', `${path}/scaling`, change);
  return { deployment: name, before: before.scaling, now: scaling, text: (paint) => textOf(name, before.scaling, scaling, paint) };
}

async function defaultDeployment(client: Session['client']): Promise<string> {
  const { items } = await client.call<List<DeploymentWire>>('GET', '/fleet/v1/deployments?limit=200');
  const found = items.find((item) => item.default);
  if (!found) throw new UsageError('No deployment serves POST /; name one: --apply DEPLOYMENT');
  return `${found.name}@${found.environment}`;
}

function textOf(name: string, before: Applied['before'], now: Applied['now'], paint: Palette): string {
  const changed = changedRows(before, now);
  const head = `\n${paint.bold(`Applied to ${name}`)}\n`;
  return head + (changed.length === 0 ? 'nothing changed\n' : table(['setting', 'before', 'now'], changed, paint));
}
