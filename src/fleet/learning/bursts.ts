/** Seconds over which bursts are remembered. */
const memorySeconds = 3_600;
/** Seconds without bursts that the memory is taken to begin with. */
const doubtSeconds = 60;
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
 * arrivals had asked for when a start would still have helped, each container above is counted as missed by one job more.
 */
export class Bursts {
  readonly #since: number;
  readonly #arrivals: number[] = [];
  #first = 0;
  /** By the number (less one) of the container that was missed. */
  readonly #missed: number[] = [];
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
    while (this.#missed.length < needed) this.#missed.push(0);
    for (let number = before.containers; number < needed; number++) this.#missed[number] = (this.#missed[number] as number) + 1;
    if (needed > before.containers) this.#told = null;
  }

  /** Jobs per second that each container would have helped, by its number (less one). */
  rates(now: number): readonly number[] {
    if (this.#told && Math.abs(now - this.#told.at) < toldForMs) return this.#told.rates;
    this.#decay(now);
    while ((this.#missed.at(-1) ?? 1) < forgotten) this.#missed.pop();
    const span = memorySeconds * (1 - Math.exp(-(now - this.#since) / 1000 / memorySeconds)) + doubtSeconds;
    const rates = this.#missed.map((count) => count / span);
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
    for (let n = 0; n < this.#missed.length; n++) this.#missed[n] = (this.#missed[n] as number) * left;
    this.#at = now;
  }
}
