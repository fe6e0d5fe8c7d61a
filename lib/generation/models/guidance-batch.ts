/**
 * Rows of a transformer's batch. With 2 they are the two halves of classifier-free guidance, the conditional half
 * first; 1 is the conditional half alone.
 */
export type GuidanceBatch = 1 | 2;

/**
 * The batch that guidance scales need. With a scale of 1 the guided prediction is the conditional one, so the
 * unconditional half is not computed.
 */
export function guidanceBatch(...scales: readonly number[]): GuidanceBatch {
  return scales.every((scale) => scale === 1) ? 1 : 2;
}
