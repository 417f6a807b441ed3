const hourMs = 3_600_000;
const hoursOfWeek = 168;
/** Weight of the newest week. */
const weight = 0.5;
/** How far from its usual level a day may be: today's level is taken within these factors of it. */
const leastLevel = 0.25;
const mostLevel = 4;

/**
 * What is usual at each hour of the week, so that a jump at nine in the morning is met by containers that were started before it. Hours are
 * those of UTC; weeks are weighed exponentially.
 */
export class HoursOfWeek {
  /** Arrivals in each hour of the week, as usual; null: that hour was never watched to its end. */
  readonly #usual: (number | null)[] = Array.from({ length: hoursOfWeek }, () => null);
  #hour: number;
  #count = 0;
  /** Was this hour watched from its begin? */
  #whole = false;
  /** Arrivals in the last hour, by what was usual then. */
  #level = 1;

  constructor(now: number) {
    this.#hour = Math.floor(now / hourMs);
  }

  arrived(now: number): void {
    this.#turn(now);
    this.#count++;
  }

  /** What an hour of the past has had; call in order of time. */
  learn(hour: number, arrivals: number): void {
    const place = hour % hoursOfWeek;
    const usual = this.#usual[place] ?? null;
    this.#level = usual === null || usual === 0 ? 1 : Math.min(Math.max(arrivals / usual, leastLevel), mostLevel);
    this.#usual[place] = usual === null ? arrivals : usual + weight * (arrivals - usual);
  }

  /** Arrivals per second that the hour of `at` usually has, at today's level; null: not known. */
  rate(now: number, at: number): number | null {
    this.#turn(now);
    const usual = this.#usual[Math.floor(at / hourMs) % hoursOfWeek] ?? null;
    return usual === null ? null : (usual * this.#level * 1000) / hourMs;
  }

  #turn(now: number): void {
    const hour = Math.floor(now / hourMs);
    if (hour === this.#hour) return;
    if (this.#whole) this.learn(this.#hour, this.#count);
    // Hours in which nobody looked had no arrivals: each of them would have been a look.
    for (let empty = Math.max(this.#hour + 1, hour - hoursOfWeek); empty < hour; empty++) this.learn(empty, 0);
    this.#hour = hour;
    this.#count = 0;
    this.#whole = true;
  }
}
