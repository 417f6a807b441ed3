import { formFor, percentOf, type PlanForm } from './plan-question.ts';
import type { Deployment, PlanResult, WirePlan, WorkloadName } from './shapes.ts';
import { workloadGroups } from './workload-names.ts';

/** Whom and what a plan was made for, as the plan itself tells it: whatever the form says by now. */

/** The deployment whose plan it is; null: that of none, or one that is not deployed any more. */
export const deploymentOf = ({ deployment }: WirePlan, deployments: readonly Deployment[]): Deployment | null =>
  deployments.find(({ name, environment }) => `${name}@${environment}` === deployment) ?? null;

/** The form that asks for the plan again, as far as the plan tells. */
export function formOf(plan: WirePlan, deployments: readonly Deployment[]): PlanForm {
  const form = formFor(deploymentOf(plan, deployments) ?? deployments.find((one) => one.default) ?? deployments[0]);
  const { result } = plan;
  if (!result) return form;
  const text = (value: number | null): string => (value === null ? '' : String(value));
  return {
    ...form,
    ...trafficOf(result, form),
    share: String(percentOf(result.slo.p)),
    latency: `${result.slo.latency_s}s`,
    price: text(result.price_usd_per_hour),
    start: text(result.start_s),
    budget: text(result.budget_usd_per_hour),
  };
}

function trafficOf({ source }: PlanResult, { traffic }: PlanForm): Partial<PlanForm> {
  const [, users] = /^(\d+) users$/.exec(source) ?? [];
  if (users !== undefined) return { traffic: 'users', users };
  return isWorkload(source) ? { traffic: 'workload', workload: source } : { traffic };
}

const isWorkload = (name: string): name is WorkloadName => [...workloadGroups.values()].some((names) => names.some((one) => one === name));

/** What the best settings are called. By too few jobs the server lets nothing be applied: then they are not recommended either. */
export function bestName({ result, change }: WirePlan): string {
  if (!result?.recommended) return 'nearest';
  return change ? 'recommended' : 'cheapest in time';
}

export const sameForm = (one: PlanForm, other: PlanForm): boolean =>
  (Object.keys(one) as (keyof PlanForm)[]).every((key) => one[key] === other[key]);

/** `t2i: 95 % of the jobs within 6 s`. */
export function madeFor(plan: WirePlan, { slo, source }: PlanResult): string {
  const whom = plan.deployment === null ? source : plan.deployment.replace(/@production$/, '');
  return `${whom}: ${percentOf(slo.p)} % of the jobs within ${slo.latency_s} s`;
}
