/** Reads codebook files into options of AdaCache. */
import type { Codebook, CodebookRow } from "./codebook.ts";
import { type MotionRegularisation, motionFor } from "./motion.ts";
import type { PolicyRun } from "./policy.ts";
import { CachePolicyError, quote } from "./policy-error.ts";

/** Contents of a codebook file. */
export interface CodebookFile {
  readonly name?: string;
  /** Source of the codebook, for people. */
  readonly origin?: string;
  /** Rows with ascending thresholds; the last row, and only the last, omits `below` or sets it to null. */
  readonly codebook: readonly { readonly below?: number | null; readonly rate: number }[];
  /** Constants of motion regularisation that differ from the authors'. */
  readonly motion?: Partial<MotionRegularisation>;
  /** Number of denoising steps at the start that are always computed, at most those of the run. */
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
  const file = fieldsOf(contents, "the codebook file", ["name", "origin", "codebook", "motion", "warmup"]);
  const name = parseText("name", file.name ?? "codebook", 80);
  parseText("origin", file.origin ?? "unknown", 1000);
  const codebook = parseCodebook(file.codebook);
  const constants = parseMotion(file.motion ?? {}, motionFor(steps));
  return { name, codebook, motion: motion ? constants : null, warmup: file.warmup ?? 0 };
}

function parseText(field: string, value: unknown, charactersMax: number): string {
  if (typeof value === "string" && value !== "" && value.length <= charactersMax) return value;
  throw new CachePolicyError(`the codebook's "${field}" must be a text of 1 to ${charactersMax} characters`);
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
    if (below === null) return { below: null, rate };
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

/**
 * Returns the fields of an untrusted object.
 *
 * @throws CachePolicyError if it is no object or has an unknown field
 */
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
