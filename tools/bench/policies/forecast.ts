/**
 * Weights of the two newest residuals for the damped forecast of order 1: R + damping * (R - R_before) * elapsed / gap.
 *
 * @param kept  computed steps, the newest first; with a single one the weights are those of plain reuse
 * @param at  step that is forecast
 */
export function dampedWeights(kept: readonly number[], at: number, damping: number): number[] {
  const [newest, before] = kept;
  if (before === undefined || damping === 0) return [1];
  const slope = (damping * (at - newest!)) / (newest! - before);
  return [1 + slope, -slope];
}
