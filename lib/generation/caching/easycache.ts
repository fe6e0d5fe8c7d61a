import * as z from "zod";
import { optionTexts, warmup } from "./option.ts";
import { type CacheState, policyKind } from "./policy.ts";

const options = z.strictObject({
  threshold: z
    .number()
    .positive()
    .describe("Estimated relative change of the prediction from which a step is computed.")
    .register(optionTexts, {
      explain: () =>
        "Before every step, the change of the latent gives an estimate of how far the prediction moves. Steps are " +
        "reused while the estimates since the last computed step sum to less than the threshold.",
    }),
  warmup,
});

type Signal = "latentChange" | "predictionChange" | "predictionSize";
type State = CacheState<Signal, "slope" | "estimate">;

/**
 * Reuses steps while the prediction is estimated to change little. The estimate of a step is
 * k |x_t - x_(t-1)| / |v|, where x is the latent, v the prediction of the last computed step, and k the change of the
 * prediction for a change of the latent between the last two computed steps. The latent's change between them is taken
 * as the sum of its changes per step. The first two steps, those of the warm-up and the last are computed.
 *
 * @see EasyCache (arXiv 2507.02860) section 3
 */
export const easycache = policyKind({
  name: "easycache",
  forms: [
    {
      word: "easycache",
      argument: {
        letter: "T",
        pattern: "(?:0\\.\\d{0,3}[1-9]|[1-9](?:\\.\\d{1,4})?)",
        rule: "a number above 0 and below 10",
        example: "0.2",
        meaning: "reused while the estimated change is below T",
      },
      options: (threshold) => ({ threshold: Number(threshold) }),
    },
  ],
  options,
  signals: ["latentChange", "predictionChange", "predictionSize"],
  columns: [
    {
      key: "slope",
      label: "Slope",
      format: "number",
      description: "Change of the prediction for a change of the latent; the first computed step has none.",
    },
    {
      key: "estimate",
      label: "Estimate",
      format: "number",
      description: "Estimated relative change of the prediction since the last computed step.",
      drawing: {
        as: "points",
        heading: "Estimated relative change of the prediction",
        bands: {
          heading: "",
          of({ threshold }) {
            const below = options.shape.threshold.safeParse(threshold).data;
            return below === undefined
              ? []
              : [
                  { below, label: "reuse" },
                  { below: null, label: "compute" },
                ];
          },
        },
      },
    },
  ],
  start: startGeneration,
});

/** Everything a generation remembers between two steps. */
interface Memory {
  /** Change of the prediction for a change of the latent; null before the second computed step. */
  readonly slope: number | null;
  /** Mean absolute value of the prediction of the last computed step. */
  readonly size: number;
  /** Change of the latent since the last computed step. */
  readonly latentChange: number;
}

function startGeneration({ threshold, warmup }: z.output<typeof options>, totalSteps: number): State {
  const stateOf = (memory: Memory): State => ({
    ask({ denoisingStep, latentChange }) {
      const asked = { ...memory, latentChange: memory.latentChange + (latentChange ?? 0) };
      const estimate = estimateOf(asked);
      const isForced = denoisingStep < warmup || denoisingStep === totalSteps - 1;
      const isReused = !isForced && estimate !== null && estimate < threshold;
      return { answer: isReused ? "reuse" : "compute", next: stateOf(asked) };
    },
    tell(_, { predictionChange, predictionSize }) {
      const isKnown = predictionChange !== null && memory.latentChange > 0;
      const slope = isKnown ? predictionChange / memory.latentChange : memory.slope;
      const next = stateOf({ slope, size: predictionSize ?? 0, latentChange: 0 });
      return { values: { slope, estimate: estimateOf(memory) }, next };
    },
  });
  return stateOf({ slope: null, size: 0, latentChange: 0 });
}

/** The sum of the estimates since the last computed step, which share k and |v|; null where these are not known. */
function estimateOf({ slope, size, latentChange }: Memory): number | null {
  return slope === null || size === 0 ? null : (slope * latentChange) / size;
}
