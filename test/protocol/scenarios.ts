import type { ReplayOptions } from './replay.ts';

/** What of a scenario a real server would not repeat either. Everything else is compared. */
export const loose: Readonly<Record<string, Pick<ReplayOptions, 'anyPixels' | 'anyPace' | 'anyOrder'>>> = {
};
