import type * as z from "zod";
import type { ErrorTable } from "./table.ts";

/** Relative difference up to which two moments count as equal; files hold six digits. */
const ROUNDING = 1e-4;

/** Place of a fault, and what completes a sentence that begins with the place. */
type Fault = readonly [path: readonly (string | number)[], message: string];
type Refuse = (...fault: Fault) => void;

/** Checks what the types of a table's members cannot say: lengths, orders, and that moments are moments. */
export function checkTable(table: ErrorTable, context: z.core.$RefinementCtx<ErrorTable>): void {
  const refuse: Refuse = (path, message) =>
    context.addIssue({ code: "custom", path: [...path], message, input: table });
  const { levels, residual, clean, amplification, ladders } = table;
  checkDescending(levels, refuse);
  for (const [name, moments] of Object.entries({ residual, clean })) {
    const fault = faultOfMoments(moments, levels.length);
    if (fault) refuse([name, ...fault[0]], fault[1]);
  }
  if (amplification.length !== levels.length) {
    const lengths = `one entry for each of the ${levels.length} levels, and has ${amplification.length}`;
    refuse(["amplification"], `must have ${lengths}`);
  }
  for (const [index, { steps, rungs }] of ladders.entries()) {
    const before = ladders[index - 1]?.steps;
    if (before !== undefined && steps <= before)
      refuse(["ladders", index, "steps"], `must be above the ${before} of the entry before it, not ${steps}`);
    checkRungs(rungs, { steps, path: ["ladders", index, "rungs"], refuse });
  }
}

function checkDescending(levels: readonly number[], refuse: Refuse): void {
  for (const [index, level] of levels.entries()) {
    const before = levels[index - 1];
    if (before !== undefined && level >= before)
      refuse(["levels", index], `must be below the ${before} before it, not ${level}`);
  }
}

/**
 * Returns the first fault of moments, which have to be a symmetric square with a positive diagonal and to obey Cauchy
 * and Schwarz's inequality; undefined if there is none.
 */
function faultOfMoments(moments: readonly (readonly number[])[], count: number): Fault | undefined {
  if (moments.length !== count)
    return [[], `must have one row for each of the ${count} levels, and has ${moments.length}`];
  for (const [i, row] of moments.entries()) {
    if (row.length !== count)
      return [[i], `must have one moment for each of the ${count} levels, and has ${row.length}`];
    if (!(row[i]! > 0)) return [[i, i], `is a mean square and must be above 0, not ${row[i]}`];
  }
  for (const [i, row] of moments.entries()) {
    for (const [j, moment] of row.slice(0, i).entries()) {
      const [mirrored, size] = [moments[j]![i]!, Math.sqrt(row[i]! * moments[j]![j]!)];
      if (Math.abs(moment - mirrored) > ROUNDING * size)
        return [[i, j], `must equal the ${mirrored} on the other side of the diagonal, and is ${moment}`];
      if (Math.abs(moment) > (1 + ROUNDING) * size)
        return [[i, j], `is larger than the mean squares of its row and column allow: ${moment}`];
    }
  }
  return undefined;
}

function checkRungs(
  rungs: ErrorTable["ladders"][number]["rungs"],
  { steps, path, refuse }: { steps: number; path: (string | number)[]; refuse: Refuse },
): void {
  for (const [index, { budget, psnr, computed }] of rungs.entries()) {
    const before = rungs[index - 1];
    if (before && budget <= before.budget)
      refuse(
        [...path, index, "budget"],
        `must be above the ${before.budget} of the entry before it, not ${budget}`,
      );
    const unsorted = psnr.findIndex((value, at) => at > 0 && value < psnr[at - 1]!);
    if (unsorted > 0)
      refuse([...path, index, "psnr", unsorted], `must not be below the ${psnr[unsorted - 1]} before it`);
    if (computed > steps)
      refuse([...path, index, "computed"], `cannot be above the ${steps} steps, and is ${computed}`);
  }
}
