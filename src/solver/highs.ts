import loadHighs from 'highs';
import { ComfleetError } from '../errors.ts';
import type { LinearProgram, LinearSolution, LinearSolver } from '../planning/bound/linear-program.ts';

/** The package declares its types as CommonJS; what an ES module gets is the function itself. */
const load = loadHighs as unknown as typeof loadHighs.default;

/** The primal simplex: on our programmes two to four times as fast as the dual one and the interior point (docs/decisions). */
const options = { output_flag: false, solver: 'simplex', simplex_strategy: 4 };

/** HiGHS, compiled to WebAssembly: loaded once for many programmes. A solve blocks its thread. */
export async function openHighs(): Promise<LinearSolver> {
  const highs = await load();
  return (program) =>
    highs.withModel(modelOf(program), (model): LinearSolution => {
      model.options.set(options);
      model.run();
      const status = model.getModelStatus();
      if (status !== highs.constants.modelStatus.optimal)
        throw new ComfleetError('internal', `The linear programme ended with status ${status}`);
      const { colValue, rowDual } = model.getSolution();
      return { columns: colValue, rowDuals: rowDual };
    });
}

const modelOf = ({ cost, columnLower, columnUpper, rowLower, rowUpper, starts, indices, values }: LinearProgram) => ({
  numCols: cost.length,
  numRows: rowLower.length,
  colCost: cost,
  colLower: columnLower,
  colUpper: columnUpper,
  rowLower,
  rowUpper,
  matrix: { format: 'csr' as const, numRows: rowLower.length, numCols: cost.length, starts, indices, values },
});
