import type { OperationName } from './operations.ts';

const side = (input: unknown): number => (typeof input === 'number' ? Math.max(1, input) : 1);

/** How often operations touch each pixel, where their numbers say it; the inputs are those of the operation. */
const factors: Partial<Record<OperationName, (inputs: readonly unknown[]) => number>> = {
  repeat: ([, amount]) => side(amount),
  blur: ([, radius]) => 4 * side(radius),
  sharpen: ([, radius]) => 4 * side(radius),
  morph: ([, , size]) => 4 * side(size),
  growMask: ([, by]) => 9 * Math.abs(side(by)),
};
/** Pixels that operations make beyond those that they are given. */
const results: Partial<Record<OperationName, (inputs: readonly unknown[]) => number>> = {
  resample: ([, width, height]) => side(width) * side(height),
  pad: ([, width, height]) => side(width) * side(height),
};

/** Pixels of the largest picture or size among the inputs. */
function pixelsIn(inputs: readonly unknown[]): number {
  let most = 0;
  for (const input of inputs) {
    if (typeof input !== 'object' || input === null) continue;
    const { width, height, batch } = input as Record<string, unknown>;
    if (typeof width === 'number' && typeof height === 'number') most = Math.max(most, width * height * (Number(batch) || 1));
    else most = Math.max(most, pixelsIn(Object.values(input)));
  }
  return most;
}

/** Pixels that a call touches, roughly: what is much goes to a worker. */
export function effort(name: OperationName, inputs: readonly unknown[]): number {
  return Math.max(pixelsIn(inputs) * (factors[name]?.(inputs) ?? 1), results[name]?.(inputs) ?? 0);
}
