import type { Draw } from '../random.ts';
import { poisson } from './poisson.ts';

/** Processes that go from state to state in turn, with an exponential stay in each. */

interface Stay<State> {
  readonly state: State;
  /** Seconds. */
  readonly from: number;
  readonly to: number;
}

/** The stays, from the first state on, until the time is up. `mean` is that of a stay, in seconds. */
export function* stays<State extends { readonly mean: number }>(
  draw: Draw,
  seconds: number,
  states: readonly State[],
): Generator<Stay<State>> {
  let from = 0;
  for (let turn = 0; from < seconds; turn++) {
    const state = states[turn % states.length] as State;
    const to = Math.min(seconds, from + draw.exponential(state.mean));
    yield { state, from, to };
    from = to;
  }
}

/** Poisson arrivals with each state's rate per second (MMPP); on and off where one of two rates is 0. */
export const switching = (draw: Draw, seconds: number, states: readonly { readonly rate: number; readonly mean: number }[]): number[] =>
  [...stays(draw, seconds, states)].flatMap(({ state, from, to }) => poisson(draw, from, to, state.rate));
