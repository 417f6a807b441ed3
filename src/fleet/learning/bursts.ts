/** Seconds over which bursts are remembered. */
const memorySeconds = 3_600;
/** Seconds without bursts that the memory is taken to begin with. */
const doubtSeconds = 300;
/** Counts below this are forgotten: no job is worth enough to be helped so seldom. */
const forgotten = 1e-3;
/** What is told holds for so long, unless a container is missed meanwhile: it changes by a part in thousands. Milliseconds. */
const toldForMs = 1_000;
/** Standard deviations of a Poisson count that are no burst. */
const noise = 3;

/** Containers that were wanted for the rate of arrivals alone, from `at` on. */
interface Standing {
  readonly at: number;
  readonly containers: number;
  /** Arrivals per second. */
  readonly rate: number;
}

/**
 * Learns how many containers it takes for bursts that begin sooner than containers start. k containers end k x latency / service jobs within
 * the target, so as many jobs as have come within the target need their number x service / latency. Where that is more than the rate of
 * arrivals had asked for when a start would still have helped, each container above is counted as missed by one job more. A burst that came
 * once says nothing of another, and a batch of hundreds would have as many containers stand for hours: of each container, the burst that
 * missed it most is left out.
 */
export class Bursts {
  readonly #since: number;
  readonly #arrivals: number[] = [];
  #first = 0;
  /** Jobs by the number (less one) of the container that they missed: all; those of the burst that had most; those of the burst now. */
  readonly #missed: number[] = [];
  readonly #most: number[] = [];
  readonly #now: number[] = [];
  readonly #counts = [this.#missed, this.#most, this.#now];
  #missedAt = -Infinity;
  readonly #standing: Standing[] = [];
  #at: number;
  #told: { readonly at: number; readonly rates: readonly number[] } | null = null;

  constructor(now: number) {
    this.#since = now;
    this.#at = now;
  }

  stands(now: number, containers: number, rate: number): void {
    const last = this.#standing.at(-1);
    if (last?.containers === containers && Math.abs(rate - last.rate) <= 0.05 * last.rate) return;
    this.#standing.push({ at: now, containers, rate });
    // Without this they would become ever more where no job is ever short of time.
    this.#forgetBefore(now - 1000 * memorySeconds);
  }

  /** A job has come. `slackMs`: how long it can wait; a container that is started now is ready only after `startMs`. */
  arrived(now: number, { latencyMs, slackMs, startMs }: { latencyMs: number; slackMs: number; startMs: number }): void {
    this.#decay(now);
    const before = this.#standingAt(now - startMs + slackMs);
    const excess = this.#countArrival(now, latencyMs) - noise * Math.sqrt((before.rate * latencyMs) / 1000);
    const needed = Math.ceil((excess * (latencyMs - slackMs)) / latencyMs);
    if (needed <= before.containers) return;
    if (now - this.#missedAt > startMs) this.#now.fill(0);
    this.#missedAt = now;
    for (const counts of this.#counts) while (counts.length < needed) counts.push(0);
    for (let number = before.containers; number < needed; number++) this.#miss(number);
    this.#told = null;
  }

  #miss(number: number): void {
    this.#missed[number] = (this.#missed[number] as number) + 1;
    this.#now[number] = (this.#now[number] as number) + 1;
    this.#most[number] = Math.max(this.#most[number] as number, this.#now[number]);
  }

  /** Jobs per second that each container would have helped, by its number (less one). */
  rates(now: number): readonly number[] {
    if (this.#told && Math.abs(now - this.#told.at) < toldForMs) return this.#told.rates;
    this.#decay(now);
    while ((this.#missed.at(-1) ?? 1) < forgotten) for (const counts of this.#counts) counts.pop();
    const span = memorySeconds * (1 - Math.exp(-(now - this.#since) / 1000 / memorySeconds)) + doubtSeconds;
    const rates = this.#missed.map((count, number) => (count - (this.#most[number] as number)) / span);
    this.#told = { at: now, rates };
    return rates;
  }

  /** With this one, arrivals in the last `windowMs`. */
  #countArrival(now: number, windowMs: number): number {
    this.#arrivals.push(now);
    while ((this.#arrivals[this.#first] as number) <= now - windowMs) this.#first++;
    if (this.#first > 1_000) this.#arrivals.splice(0, this.#first);
    if (this.#first > 1_000) this.#first = 0;
    return this.#arrivals.length - this.#first;
  }

  #standingAt(at: number): Omit<Standing, 'at'> {
    this.#forgetBefore(at);
    const [first] = this.#standing;
    return first && first.at <= at ? first : { containers: 0, rate: 0 };
  }

  /** All that was wanted before what was wanted then. */
  #forgetBefore(at: number): void {
    while (this.#standing[1] && this.#standing[1].at <= at) this.#standing.shift();
  }

  #decay(now: number): void {
    const seconds = (now - this.#at) / 1000;
    if (seconds === 0) return;
    const left = Math.exp(-seconds / memorySeconds);
    for (const counts of this.#counts) for (let n = 0; n < counts.length; n++) counts[n] = (counts[n] as number) * left;
    this.#at = now;
  }
}
