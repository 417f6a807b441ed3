/** Hours over which what was saved up is spent at the fastest: so much is left for a container that starts now. */
export const spreadHours = 5 / 60;

/** Containers that a budget allows. */
export interface Affordable {
  /** Starts may go up to so many. */
  readonly start: number;
  /** What is above goes; null: nothing has to. */
  readonly keep: number | null;
}

/** What a bucket has at a moment. */
export interface Money {
  /** USD that may be spent at once; below 0: owed, since the budget was lowered, or for what was spent before a restart. */
  readonly left: number;
  /** USD per hour. */
  readonly budget: number;
  /** USD per hour of a container. */
  readonly price: number;
}

/** Containers that the money allows. `price` must be above 0. */
export function affordableNow({ left, budget, price }: Money): Affordable {
  return { start: whole((budget + Math.max(0, left) / spreadHours) / price), keep: left > 0 ? null : whole(budget / price) };
}

/**
 * An hourly budget as a bucket: it holds what an hour allows and refills evenly, so that over a day the budget is kept, a burst may cost more
 * than it for a while and no hour costs more than twice of it. Money in USD, times in milliseconds.
 */
export class Spending {
  /** Spent and not refilled yet. */
  #ahead = 0;
  #at: number;

  constructor(now: number) {
    this.#at = now;
  }

  /** Call before either of both rates changes. `usdPerHour`: what lives now costs that. */
  accrue(now: number, { usdPerHour, budget }: { usdPerHour: number; budget: number | null }): void {
    const hours = (now - this.#at) / 3_600_000;
    this.#at = now;
    this.#ahead = budget === null ? 0 : Math.max(0, this.#ahead + (usdPerHour - budget) * hours);
  }

  /** What was spent in the last hour before this process: nothing of it counts as refilled. */
  spentBefore(usd: number): void {
    this.#ahead += usd;
  }

  /** USD that may be spent at once; below 0: owed. */
  left(budget: number): number {
    return budget - this.#ahead;
  }

  /** `price` of a container, USD per hour. */
  affordable(budget: number, price: number): Affordable {
    if (price <= 0) return { start: Number.MAX_SAFE_INTEGER, keep: null };
    return affordableNow({ left: this.left(budget), budget, price });
  }
}

/** Rounded down, but not for the last digit of a floating point number. */
export const whole = (containers: number): number => Math.floor(containers + 1e-9);
