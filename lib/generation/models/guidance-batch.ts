/**
 * Number of rows of a transformer's batch: 2 for both halves of classifier-free guidance, the conditional half first,
 * or 1 for the conditional half alone.
 */
export type GuidanceBatch = 1 | 2;

/**
 * Returns the batch that guidance scales need. With a scale of 1 the guided prediction is the conditional one, so the
 * unconditional half is not computed.
 */
export function guidanceBatch(...scales: readonly number[]): GuidanceBatch {
  return scales.every((scale) => scale === 1) ? 1 : 2;
}
