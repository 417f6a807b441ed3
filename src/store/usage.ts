import type { ContainerRecord } from '../fleet/container.ts';
import type { UsageRow } from './store.ts';

type Sum = { -readonly [Name in keyof UsageRow]: UsageRow[Name] };

/**
 * Container-seconds and money by deployment and GPU of the part of each life that lies in [from, to), milliseconds. A living
 * container is taken to live until `to`. Busy seconds are known for the whole life only: a container that reaches over an edge
 * counts them in proportion to its time inside. Money = seconds x share x price per hour / 3600.
 */
export function usageOf(containers: readonly ContainerRecord[], { from, to }: { from: number; to: number }): UsageRow[] {
  const sums = new Map<string, Sum>();
  for (const container of containers) {
    const { deployment, gpu } = container;
    const name = JSON.stringify([deployment, gpu]);
    const sum: Sum = sums.get(name) ?? { deployment, gpu, startingSeconds: 0, busySeconds: 0, idleSeconds: 0, usd: null };
    sums.set(name, sum);
    const seconds = secondsOf(container, from, to);
    sum.startingSeconds += seconds.starting;
    sum.busySeconds += seconds.busy;
    sum.idleSeconds += seconds.idle;
    if (container.usdPerHour === null) continue;
    sum.usd = (sum.usd ?? 0) + ((seconds.starting + seconds.busy + seconds.idle) * container.share * container.usdPerHour) / 3600;
  }
  return [...sums.values()].sort((a, b) => compare(a.deployment, b.deployment) || compare(a.gpu ?? '', b.gpu ?? ''));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function secondsOf(container: ContainerRecord, from: number, to: number): { starting: number; busy: number; idle: number } {
  const end = container.stoppedAt ?? to;
  const readyAt = container.readyAt ?? end;
  const within = (a: number, b: number): number => Math.max(0, Math.min(b, to) - Math.max(a, from)) / 1000;
  const serving = within(readyAt, end);
  const wholeServing = Math.max(0, end - readyAt) / 1000;
  const busyShare = wholeServing === 0 ? 0 : Math.min(1, container.busySeconds / wholeServing);
  return { starting: within(container.startedAt, readyAt), busy: serving * busyShare, idle: serving * (1 - busyShare) };
}
