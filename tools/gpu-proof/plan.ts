import type { TorchForm } from "../bench/model/results.ts";
import type { TimedModel } from "../bench/model/timed-models.ts";

/** Seconds of a whole proof. */
export const PROOF_SECONDS = 480;
/** Seconds that are kept for the report and for what a part takes to end. */
const KEPT_SECONDS = 5;

/** Part of a proof, which runs in a process of its own. */
export interface ProofPart {
  readonly id: string;
  readonly family: TimedModel;
  /** Video of the benchmark on the CPU, or the model's default. */
  readonly size: "small" | "whole";
  /** True to compare results with float32 on the CPU, which takes too long for whole videos. */
  readonly checksCpu: boolean;
  readonly forms: readonly TorchForm[];
  /** Seconds below which the part is not begun, and after which it is cut off. */
  readonly least: number;
  readonly most: number;
}

/** Models in the order of what they tell: an early end leaves out the last. */
const ORDER = ["Wan2.1 1.3B", "Open-Sora 1.2", "LTX-Video 0.9.0", "Wan2.2 TI2V 5B", "Latte-1"];

/**
 * Returns the parts of a proof in their order: each model at a small size, each at its default video, and at last what
 * has to be compiled.
 */
export function partsOf(families: readonly TimedModel[]): ProofPart[] {
  const rank = ({ name }: TimedModel) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  const ordered = families.toSorted((a, b) => rank(a) - rank(b));
  const eager = ["float32", "float16", "bfloat16"] as const;
  const named = (kind: string, { name }: TimedModel) => `${name.toLowerCase().replaceAll(" ", "-")}-${kind}`;
  return [
    ...ordered.map(
      (family): ProofPart => ({
        id: named("small", family),
        family,
        size: "small",
        checksCpu: true,
        forms: eager,
        least: 15,
        most: 60,
      }),
    ),
    ...ordered.map(
      (family): ProofPart => ({
        id: named("whole", family),
        family,
        size: "whole",
        checksCpu: false,
        forms: eager.slice(1),
        least: 20,
        most: 75,
      }),
    ),
    ...ordered.slice(0, 2).map(
      (family): ProofPart => ({
        id: named("compiled", family),
        family,
        size: "whole",
        checksCpu: false,
        forms: ["compiled float16"],
        least: 40,
        most: 90,
      }),
    ),
  ];
}

/** Returns the seconds that a part may take, or null if too few are left to begin it. */
export function secondsFor({ least, most }: Pick<ProofPart, "least" | "most">, left: number): number | null {
  const seconds = Math.min(most, left - KEPT_SECONDS);
  return seconds < least ? null : seconds;
}
