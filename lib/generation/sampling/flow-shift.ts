/**
 * Returns the noise level to which a shift moves a level of a flow. Both ends stay where they are; above a shift of 1,
 * more steps are spent at high noise (arXiv 2403.03206, section 5.3.2).
 */
export function shiftedLevel(shift: number, level: number): number {
  return (shift * level) / (1 + (shift - 1) * level);
}
