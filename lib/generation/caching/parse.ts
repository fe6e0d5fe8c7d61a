/** From what a user writes to a policy. */
import { adacache } from "./adacache.ts";
import { type Codebook, type CodebookRow, codebookFor } from "./codebook.ts";
import { computeAll, computeEvery } from "./fixed.ts";
import { type MotionRegularisation, motionFor } from "./motion.ts";
import type { CachePolicy } from "./policy.ts";

/** The user's cache policy cannot be used; the message is one sentence: why, and what to write instead. */
export class CachePolicyError extends Error {
  override readonly name = "CachePolicyError";
}

/** The contents of a codebook file. */
export interface CodebookFile {
  readonly name?: string;
  /** Where it comes from; for people. */
  readonly origin?: string;
  /** Ascending; the last row, and only the last, leaves `below` out (or null). */
  readonly codebook: readonly { readonly below?: number | null; readonly rate: number }[];
  /** Constants of motion regularisation that differ from the authors'. */
  readonly motion?: Partial<MotionRegularisation>;
  /** Denoising steps at the start that are computed whatever they measure, at most those of the run. */
  readonly warmup?: number;
}

export interface ParseOptions {
  /** Denoising steps of the run, which the named codebooks depend on. */
  readonly steps: number;
  /** Whether to regularise by motion; `off` and `static:K` measure nothing and ignore it. */
  readonly motion: boolean;
  /** Goes before the warm-up of a codebook file; `off` computes every step and ignores it. */
  readonly warmup?: number | undefined;
}

/**
 * The policy for `off`, `static:K`, `slow`, `fast`, or the parsed contents of a codebook file.
 *
 * @param spec untrusted: a name, or a value of the shape {@link CodebookFile}
 * @throws CachePolicyError if it is neither
 */
export function parseCachePolicy(spec: unknown, options: ParseOptions): CachePolicy {
  if (typeof spec !== "string") return parseCodebookFile(spec, options);
  const warmup = parseWarmup(options.warmup ?? 0, options.steps);
  if (spec === "off") return computeAll();
  if (spec.startsWith("static:")) return parseStatic(spec, warmup);
  if (spec === "slow" || spec === "fast") {
    const motion = options.motion ? motionFor(options.steps) : null;
    return adacache({ name: spec, codebook: codebookFor(spec, options.steps), motion, warmup });
  }
  throw new CachePolicyError(
    `unknown cache policy ${quote(spec)}: use off, static:K (for example static:3), slow, fast or a codebook file`,
  );
}

function parseStatic(spec: string, warmup: number): CachePolicy {
  const digits = spec.slice("static:".length);
  if (!/^[1-9]\d{0,3}$/.test(digits)) {
    throw new CachePolicyError(
      `${quote(spec)} needs a whole number from 1 to 9999 after the colon, for example static:3`,
    );
  }
  return computeEvery(Number(digits), warmup);
}

function parseCodebookFile(spec: unknown, { steps, motion, warmup }: ParseOptions): CachePolicy {
  const file = fieldsOf(spec, "the codebook file", ["name", "origin", "codebook", "motion", "warmup"]);
  const name = parseText("name", file.name ?? "codebook", 80);
  parseText("origin", file.origin ?? "unknown", 1000);
  const codebook = parseCodebook(file.codebook);
  const constants = parseMotion(file.motion ?? {}, motionFor(steps));
  const ownWarmup = parseWarmup(file.warmup ?? 0, steps);
  return adacache({
    name,
    codebook,
    motion: motion ? constants : null,
    warmup: parseWarmup(warmup ?? ownWarmup, steps),
  });
}

function parseText(field: string, value: unknown, charactersMax: number): string {
  if (typeof value === "string" && value !== "" && value.length <= charactersMax) return value;
  throw new CachePolicyError(`the codebook's "${field}" must be a text of 1 to ${charactersMax} characters`);
}

function parseWarmup(value: unknown, steps: number): number {
  if (isNumber(value) && Number.isSafeInteger(value) && value >= 0 && value <= steps) return value;
  throw new CachePolicyError(
    `the warm-up is ${quote(value)}: a warm-up is a whole number of steps, from 0 to the ${steps} of the run`,
  );
}

function parseCodebook(rows: unknown): Codebook {
  if (!Array.isArray(rows) || rows.length === 0) {
    throw new CachePolicyError(
      `a codebook file needs rows, for example {"codebook": [{"below": 0.1, "rate": 4}, {"rate": 1}]}`,
    );
  }
  const codebook: CodebookRow[] = [];
  for (const [index, row] of rows.entries()) {
    codebook.push(parseRow(row, index + 1, rows.length, codebook.at(-1)?.below ?? 0));
  }
  return codebook;
}

function parseRow(value: unknown, number: number, count: number, previous: number): CodebookRow {
  const where = `row ${number} of the codebook`;
  const { below = null, rate } = fieldsOf(value, where, ["below", "rate"]);
  if (!isNumber(rate) || !Number.isSafeInteger(rate) || rate < 1) {
    throw new CachePolicyError(
      `${where} has rate ${quote(rate)}: a rate is a whole number of steps, 1 or more`,
    );
  }
  if (number === count) {
    if (below === null) return { below: Infinity, rate };
    throw new CachePolicyError(
      `the codebook does not end: add a last row without "below", so that every distance finds a rate`,
    );
  }
  if (below === null) {
    throw new CachePolicyError(`${where} has no "below": only the last row may leave it out`);
  }
  if (!isNumber(below) || below <= 0) {
    throw new CachePolicyError(`${where} has "below" ${quote(below)}: a threshold is a number above 0`);
  }
  if (below <= previous) {
    throw new CachePolicyError(
      `the codebook is not ascending: ${where} ends below ${below}, and the row before it below ${previous}`,
    );
  }
  return { below, rate };
}

function parseMotion(value: unknown, reference: MotionRegularisation): MotionRegularisation {
  const { window, ...constants } = fieldsOf(value, `"motion"`, Object.keys(reference));
  for (const [name, constant] of Object.entries(constants)) {
    const mayBeZero = name === "gradientGain";
    if (!isNumber(constant) || constant < 0 || (constant === 0 && !mayBeZero)) {
      throw new CachePolicyError(
        `"motion" has ${name} ${quote(constant)}: it must be a number ${mayBeZero ? "of 0 or more" : "above 0"}`,
      );
    }
  }
  return {
    ...reference,
    ...constants,
    window: window === undefined ? reference.window : parseWindow(window),
  };
}

function parseWindow(value: unknown): MotionRegularisation["window"] {
  const { from, to, of } = fieldsOf(value, `the motion window`, ["from", "to", "of"]);
  const steps = [1, from, to, of].map(Number);
  const isOrdered = steps.every((step, index) => index === 0 || steps[index - 1]! <= step);
  if (![from, to, of].every(Number.isSafeInteger) || !isOrdered) {
    throw new CachePolicyError(
      `the motion window needs whole steps with 1 <= from <= to <= of, for example {"from": 4, "to": 26, "of": 30}`,
    );
  }
  return { from: Number(from), to: Number(to), of: Number(of) };
}

/** The fields of an untrusted object, once none of them is unknown. */
function fieldsOf(value: unknown, where: string, known: readonly string[]): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new CachePolicyError(`${where} must be an object with ${known.join(", ")}, got ${quote(value)}`);
  }
  const unknown = Object.keys(value).find((field) => !known.includes(field));
  if (unknown !== undefined) {
    throw new CachePolicyError(
      `${where} has the unknown field ${quote(unknown)}: it may have ${known.join(", ")}`,
    );
  }
  return { ...value };
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** A value as the user wrote it, cut to a length that fits a sentence. */
function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
