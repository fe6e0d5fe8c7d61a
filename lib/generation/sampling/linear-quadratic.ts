/** Share of the noise that the steps of the linear half take away together. */
const LINEAR_PART = 0.025;

/**
 * Returns `steps` noise levels from 1 downwards. The first half takes little noise away, in equal parts. From there the
 * parts grow from step to step, so that nothing is left after the last step.
 *
 * @see diffusers 0.42.1, `linear_quadratic_schedule` in `pipeline_ltx_condition.py`
 */
export function linearQuadraticShares(steps: number): number[] {
  const linear = Math.floor(steps / 2);
  if (linear === 0) return Array<number>(steps).fill(1);
  const perStep = LINEAR_PART / linear;
  const rest = 1 - perStep * steps; // what equal parts would leave
  return Array.from({ length: steps }, (_, i) => {
    const beyond = Math.max(0, i - linear) / (steps - linear); // 0 to 1
    return 1 - perStep * i - rest * beyond ** 2;
  });
}
