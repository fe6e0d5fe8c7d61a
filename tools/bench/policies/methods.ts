import type { Calibration, CalibrationPart } from "./calibration.ts";
import type { RunFacts } from "./driver.ts";
import type { MeasuredMethod } from "./results.ts";
import type { RivalRun } from "./rival.ts";
import { rivals } from "./rivals/index.ts";
import { COMPARED, MAIN_STEPS, sharesOf } from "./shares.ts";

/** A measured policy with one setting: a request of the product's own, or a rival that takes over its sessions. */
export interface PolicyMethod extends MeasuredMethod {
  readonly needs: readonly CalibrationPart[];
  readonly run:
    | { readonly kind: "request"; readonly request: ProductRequest; readonly sessions: SessionKind }
    | { readonly kind: "rival"; start(facts: RunFacts, calibration: Calibration): RivalRun };
}

/**
 * Sessions that a request shares with others: those of the reference, or those of policies that measure signals or
 * forecast in the graph, so that nobody pays for what another policy needs.
 */
export type SessionKind = "reference" | "signals" | "own";

interface ProductRequest {
  readonly steps: number;
  readonly cache: { readonly policy: string; readonly motion_regularisation?: boolean };
}

/** Returns every method for a number of denoising steps. */
export function policyMethods(steps: number): PolicyMethod[] {
  return [...productMethods(steps), ...ownMethods(steps), ...rivalMethods(steps)];
}

function productMethods(steps: number): PolicyMethod[] {
  const fewer = sharesOf([...COMPARED].toReversed(), steps);
  const adaCache = (["slow", "fast"] as const).flatMap((policy) =>
    [false, true].map((motion) =>
      product({ group: motion ? "AdaCache, motion" : "AdaCache", label: policy, source: ADACACHE }, policy, {
        steps,
        motion,
      }),
    ),
  );
  return [
    ...fewer.map((count) =>
      product(
        { group: "fewer steps", label: `${count}`, source: "the sampler with fewer steps, no cache" },
        "off",
        {
          steps: count,
        },
      ),
    ),
    ...[2, 3, 4].map((interval) =>
      product(
        { group: "static", label: `${interval}`, source: "every K-th step, plain reuse" },
        `static:${interval}`,
        {
          steps,
        },
      ),
    ),
    ...adaCache,
  ];
}

const ADACACHE =
  "arXiv 2411.02397 and AdaCache-DiT/AdaCache, the authors' codebooks for 30 and for 100 steps, as the product has them";

function product(
  { group, label, source }: Pick<MeasuredMethod, "group" | "label" | "source">,
  policy: string,
  { steps, motion }: { steps: number; motion?: boolean },
): PolicyMethod {
  const cache = { policy, ...(motion !== undefined && { motion_regularisation: motion }) };
  return {
    group,
    label,
    source,
    role: "product",
    isDefault: true,
    needs: [],
    run: {
      kind: "request",
      request: { steps, cache },
      sessions: motion === undefined ? "reference" : "signals",
    },
  };
}

/** Curve of the product's own policy that the aims are about: it has a point wherever it is asked for one. */
export const OWN_CURVE = "Adareel, computed_steps";

/** Forms of the product's own policy. */
const OWN: readonly {
  readonly group: string;
  readonly word: string;
  /** Returns what follows the word, or null for the word alone. */
  settings(steps: number): readonly (string | null)[];
}[] = [
  {
    group: OWN_CURVE,
    word: "computed_steps",
    settings: (steps) => sharesOf([21, 17, 13, 10, 8, 7], steps).map(String),
  },
  { group: "Adareel, at_least", word: "at_least", settings: () => ["45dB", "40dB", "35dB", "30dB"] },
  { group: "Adareel, auto", word: "auto", settings: () => [null] },
];

function ownMethods(steps: number): PolicyMethod[] {
  return OWN.flatMap(({ group, word, settings }) =>
    settings(steps).map((setting): PolicyMethod => {
      const policy = setting === null ? word : `${word}:${setting}`;
      return {
        group,
        label: setting ?? word,
        role: "ours",
        isDefault: false,
        source: "this product's own policy",
        needs: [],
        run: { kind: "request", request: { steps, cache: { policy } }, sessions: "own" },
      };
    }),
  );
}

function rivalMethods(steps: number): PolicyMethod[] {
  return rivals.flatMap(({ name, source, role, needs = [], settings }) =>
    settings(steps)
      .filter(({ isDefault, everywhere }) => steps === MAIN_STEPS || isDefault || everywhere)
      .map(
        ({ label, isDefault = false, start }): PolicyMethod => ({
          group: name,
          label,
          role,
          isDefault,
          source,
          needs,
          run: { kind: "rival", start: (facts, calibration) => start({ ...facts, calibration }) },
        }),
      ),
  );
}

/** Returns the names of all curves, for texts. */
export function groupNames(steps: number = MAIN_STEPS): string[] {
  return [...new Set(policyMethods(steps).map(({ group }) => group))];
}

/** Returns a method without what runs it, as results keep it. */
export function recorded({ group, label, role, isDefault, source }: PolicyMethod): MeasuredMethod {
  return { group, label, role, isDefault, source };
}
