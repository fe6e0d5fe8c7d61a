import * as z from "zod";

/** Milliseconds of single runs by the clock. */
const timedSchema = z.object({
  /** Side and step: ours computed, reused, in a segment or one by one; or a form of PyTorch. */
  what: z.string(),
  precision: z.string(),
  runs: z.array(z.number().positive()).min(1),
  /** MiB of the GPU that were taken, with weights and activations; null where it cannot be read. */
  memory: z.number().nullable(),
});

/** Distance of a result from one that is taken as right. */
const checkedSchema = z.object({
  what: z.string(),
  /** Largest absolute difference divided by the largest value. */
  difference: z.number().nonnegative(),
});

/** Results of one part of the proof, which are written again after each measurement. */
export const partSchema = z.object({
  id: z.string(),
  family: z.string(),
  /** Size of the video, and blocks that were timed. */
  extent: z.string(),
  /** `running` in a file whose part was cut off before its parent could say so. */
  state: z.enum(["running", "done", "cut off", "failed"]),
  /** Reason of a failure, in one line. */
  problem: z.string().nullable(),
  timed: z.array(timedSchema),
  checked: z.array(checkedSchema),
});
export type PartResults = z.infer<typeof partSchema>;

/** Machine of a proof, as its programs describe it. */
export const machineSchema = z.object({
  gpu: z.string(),
  /** MiB of the GPU's memory. */
  memory: z.number(),
  driver: z.string(),
  processor: z.string(),
  /** PyTorch and its CUDA, or a sentence that says why it cannot be used. */
  torch: z.union([z.object({ version: z.string(), cuda: z.string() }), z.string()]),
  date: z.string(),
});
export type ProofMachine = z.infer<typeof machineSchema>;

/** A whole proof, as `results.json` holds it. */
export const proofSchema = z.object({
  machine: machineSchema,
  /** Parts that began, in order. */
  parts: z.array(partSchema),
  /** Names of parts for which no time was left. */
  left: z.array(z.string()),
});
export type ProofResults = z.infer<typeof proofSchema>;
