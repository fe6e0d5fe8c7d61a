/** Reads the file beside a model that holds its error table. */
import * as z from "zod";
import { type Examined, examined, wordings } from "../../../shared/sentences/index.ts";
import type { PolicyRun } from "../facts.ts";
import { errorTableSchema } from "./table.ts";
import { checkTable } from "./table-checks.ts";

/** Name of the file in a model's folder. */
export const TABLE_FILE = "cache-table.json";

/** Returns the command that measures the table of a model in a precision. */
export function tableCommand(model: string, precision: PolicyRun["precision"] = "float32"): string {
  const other = precision === "float32" ? "" : ` --precision ${precision}`;
  return `npm run models -- calibrate ${model} --table${other}`;
}

const PROMPTS_MAX = 4096;
const shortText = z.string().min(1).max(200);
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const side = z.int().positive().max(65_536);

const madeForSchema = z.strictObject({
  /** Name of the model, for people. */
  model: shortText,
  /** Result of `weightsIdentity`. */
  identity: hash.register(wordings, { is: "a SHA-256 in hex" }),
  /** Precision of the matrix products in the transformer's blocks. */
  precision: z.enum(["float32", "float16", "int8"]),
  sampler: z.strictObject({
    className: shortText,
    /** SHA-256 of its configuration. */
    config: hash.register(wordings, { is: "a SHA-256 in hex" }),
  }),
  guidanceScale: z.number(),
  width: side,
  height: side,
  frames: side,
});

const measuredSchema = z.strictObject({
  /** Version of Adareel. */
  adareel: shortText,
  date: z.iso.datetime().register(wordings, { is: "a date such as 2026-11-29T20:00:00.000Z" }),
  command: z.string().min(1).max(2000),
  prompts: z
    .array(z.strictObject({ prompt: z.string().max(20_000), seed: z.int().nonnegative() }))
    .min(1)
    .max(PROMPTS_MAX),
  /** Numbers of denoising steps of the videos. */
  steps: z.array(z.int().positive()).min(1).max(16),
});

const tableFileSchema = z.strictObject({
  kind: z.literal("cache table"),
  version: z.literal(1),
  /** Model and run that the table is about. */
  madeFor: madeForSchema,
  /** Origin of the table, for people. */
  measured: measuredSchema,
  table: errorTableSchema.superRefine(checkTable),
});

/** Contents of a table file. */
export type TableFile = Readonly<z.infer<typeof tableFileSchema>>;

/**
 * Reads a table file.
 *
 * @param contents untrusted; numbers of any size are refused where they make no sense
 * @returns the contents, or the first fault as one sentence that names its place, such as `table.levels entry 3`
 */
export function readTableFile(contents: unknown): Examined<TableFile> {
  return examined(tableFileSchema, contents, { whole: "the table file" });
}
