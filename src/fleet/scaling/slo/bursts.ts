/** Seconds over which bursts are remembered, and for how long it is doubted whether there are any. */
const memorySeconds = Number(process.env['SLO_BT'] ?? 3600);
const doubtSeconds = 60;

/**
 * Learns how many containers bursts need that begin sooner than containers start. k containers end k x latency / service jobs within the
 * target; so many jobs as arrived in that time need as many containers. Whatever exceeds those that the rate of arrivals alone had asked
 * for when a start would still have helped is counted, level by level.
 */
export class Bursts {
  readonly #since: number;
  readonly #recent: number[] = [];
  #head = 0;
  readonly #counts: number[] = [];
  #at: number;
  #bases: { at: number; containers: number; rate: number }[] = [];

  constructor(now: number) {
    this.#since = now;
    this.#at = now;
  }

  based(now: number, containers: number, rate: number): void {
    const last = this.#bases.at(-1);
    if (last?.containers !== containers || Math.abs(rate - last.rate) > 0.05 * last.rate) this.#bases.push({ at: now, containers, rate });
  }

  arrived(now: number, latencyMs: number, serviceMs: number, startMs: number): void {
    this.#decay(now);
    this.#recent.push(now);
    while ((this.#recent[this.#head] as number) <= now - latencyMs) this.#head++;
    if (this.#head > 1000) this.#recent.splice(0, this.#head), (this.#head = 0);
    const count = this.#recent.length - this.#head;
    const decidedAt = now - startMs + Math.max(0, latencyMs - serviceMs);
    while (this.#bases.length > 1 && (this.#bases[1] as { at: number }).at <= decidedAt) this.#bases.shift();
    const known = this.#bases[0] && this.#bases[0].at <= decidedAt ? this.#bases[0] : { containers: 0, rate: 0 };
    const noise = Number(process.env['SLO_BS'] ?? 1.6) * Math.sqrt((known.rate * latencyMs) / 1000);
    const needed = Math.ceil(((count - noise) * serviceMs) / latencyMs);
    const base = known.containers;
    for (let level = base + 1; level <= needed; level++) this.#counts[level - 1] = (this.#counts[level - 1] ?? 0) + 1;
  }

  rates(now: number): number[] {
    this.#decay(now);
    const span = memorySeconds * (1 - Math.exp(-(now - this.#since) / 1000 / memorySeconds)) + doubtSeconds;
    return Array.from(this.#counts, (count) => (count ?? 0) / span);
  }

  #decay(now: number): void {
    const factor = Math.exp(-(now - this.#at) / 1000 / memorySeconds);
    for (let n = 0; n < this.#counts.length; n++) this.#counts[n] = (this.#counts[n] ?? 0) * factor;
    this.#at = now;
  }
}
