/** Minimise cost x, with each row of the matrix times x, and x itself, between its limits. Rows are stored one after the other. */
export interface LinearProgram {
  readonly cost: readonly number[];
  readonly columnLower: readonly number[];
  readonly columnUpper: readonly number[];
  readonly rowLower: readonly number[];
  readonly rowUpper: readonly number[];
  /** Where each row begins in `indices` and `values`, and where the last one ends. */
  readonly starts: readonly number[];
  readonly indices: readonly number[];
  readonly values: readonly number[];
}

export interface LinearSolution {
  readonly columns: Float64Array;
  /** Multipliers of the rows; positive where the lower limit binds. */
  readonly rowDuals: Float64Array;
}

/** Solves a programme that has a solution, to the solver's tolerance. */
export type LinearSolver = (program: LinearProgram) => LinearSolution;

/** A term of a row: column and factor. */
export type Term = readonly [column: number, factor: number];

/** A linear programme that is written column by column and row by row. */
export class ProgramBuilder implements LinearProgram {
  readonly cost: number[] = [];
  readonly columnLower: number[] = [];
  readonly columnUpper: number[] = [];
  readonly rowLower: number[] = [];
  readonly rowUpper: number[] = [];
  readonly starts: number[] = [0];
  readonly indices: number[] = [];
  readonly values: number[] = [];

  /** Adds a variable in [lower, upper]; its number. */
  column(cost: number, upper: number, lower = 0): number {
    this.columnLower.push(lower);
    this.columnUpper.push(upper);
    return this.cost.push(cost) - 1;
  }

  row(lower: number, upper: number, terms: Iterable<Term>): void {
    for (const [column, factor] of terms) {
      this.indices.push(column);
      this.values.push(factor);
    }
    this.starts.push(this.indices.length);
    this.rowLower.push(lower);
    this.rowUpper.push(upper);
  }
}

/**
 * What no solution can cost less than, by weak duality: any multipliers y give min cost x >= sum of y times the limit they lean on + sum of
 * the reduced cost (cost - y A) times the limit of the column that it leans on. So the bound does not rest on the solver's tolerance, only
 * on the rounding of this sum; multipliers that are a little wrong make it a little lower. Columns need finite limits. After Neumaier and
 * Shcherbina, "Safe bounds in linear and mixed-integer linear programming" (2004).
 */
export function dualBound(program: LinearProgram, rowDuals: Float64Array): number {
  const reduced = Float64Array.from(program.cost);
  let bound = 0;
  for (let row = 0; row < program.rowLower.length; row++) {
    const dual = rowDuals[row] as number;
    const limit = (dual > 0 ? program.rowLower[row] : program.rowUpper[row]) as number;
    // A multiplier that leans on no limit says nothing: it counts as 0.
    if (dual === 0 || !Number.isFinite(limit)) continue;
    bound += dual * limit;
    for (let at = program.starts[row] as number; at < (program.starts[row + 1] as number); at++) {
      const column = program.indices[at] as number;
      reduced[column] = (reduced[column] as number) - dual * (program.values[at] as number);
    }
  }
  for (const [column, price] of reduced.entries()) {
    bound += price * ((price > 0 ? program.columnLower[column] : program.columnUpper[column]) as number);
  }
  return bound;
}
