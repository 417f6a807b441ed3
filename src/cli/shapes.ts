import type { z } from 'zod';
import type * as schemas from '../api/schemas.ts';

/** What the fleet API answers with, as types. */
export type JobWire = z.infer<typeof schemas.job>;
export type ContainerWire = z.infer<typeof schemas.container>;
export type DeploymentWire = z.infer<typeof schemas.deployment>;
export type KeyWire = z.infer<typeof schemas.key>;
export type UploadWire = z.infer<typeof schemas.upload>;

export interface List<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export const finalStates = ['succeeded', 'failed', 'canceled', 'expired'] as const;
export const isFinalState = (state: string): boolean => (finalStates as readonly string[]).includes(state);

/** Seconds from one wire time to another, or to now. */
export const secondsBetween = (from: string, to: string | null): number =>
  ((to === null ? Date.now() : Date.parse(to)) - Date.parse(from)) / 1_000;
