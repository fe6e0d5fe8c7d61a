/** Reads codebook files into options of AdaCache. */
import * as z from "zod";
import { examined } from "../../shared/sentences/index.ts";
import { askedCodebookSchema, type Codebook } from "./codebook.ts";
import type { PolicyRun } from "./facts.ts";
import { type MotionRegularisation, motionFor, motionSchema } from "./motion.ts";
import { CachePolicyError } from "./policy-error.ts";

export const codebookFileSchema = z.strictObject({
  name: z.string().min(1).max(80).optional(),
  /** Source of the codebook, for people. */
  origin: z.string().min(1).max(1000).optional(),
  /** Rows with ascending thresholds; the last row, and only the last, omits `below` or sets it to null. */
  codebook: askedCodebookSchema,
  /** Constants of motion regularisation that differ from the authors'. */
  motion: motionSchema.partial().optional(),
  /** Number of denoising steps at the start that are always computed; its bound depends on the run. */
  warmup: z.unknown().optional(),
});

/** Contents of a codebook file. */
export interface CodebookFile {
  readonly name?: string;
  readonly origin?: string;
  readonly codebook: readonly { readonly below?: number | null; readonly rate: number }[];
  readonly motion?: Partial<MotionRegularisation>;
  readonly warmup?: number;
}

/**
 * Reads a codebook file.
 *
 * @param contents untrusted
 * @returns the name of the codebook, and the options of AdaCache; the warm-up is not checked
 * @throws CachePolicyError if the contents are not of the shape {@link CodebookFile}
 */
export function readCodebookFile(contents: unknown, { steps, motion }: PolicyRun) {
  const file = examined(codebookFileSchema, contents, { whole: "the codebook file" });
  // The messages of this error have no full stop.
  if (!file.ok) throw new CachePolicyError(file.fault.sentence.replace(/\.$/, ""));
  const { name = "codebook", codebook, motion: constants, warmup = 0 } = file.value;
  const rows: Codebook = codebook.map(({ below = null, rate }) => ({ below, rate }));
  const regularisation = { ...motionFor(steps), ...withoutUndefined(constants ?? {}) };
  return { name, codebook: rows, motion: motion ? regularisation : null, warmup };
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]: NonNullable<T[K]> } {
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: NonNullable<T[K]> };
}
