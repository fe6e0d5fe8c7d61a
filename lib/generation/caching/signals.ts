/** Signals that a policy may ask for, whatever the model. Only those that the policy names are computed. */
export const SIGNALS = {
  latentChange: {
    told: "before a step",
    description: "Mean absolute change of the latent since the step before; null at the first step.",
  },
  latentSize: {
    told: "before a step",
    description: "Mean absolute value of the latent that the step starts from.",
  },
  change: {
    told: "after a computed step",
    description: "Relative L1 change of the probe since the last computed step; null at the first.",
  },
  motionScore: {
    told: "after a computed step",
    description: "Difference of the probe between neighbouring frames, 0 to 1; null with a single frame.",
  },
  predictionChange: {
    told: "after a computed step",
    description: "Mean absolute change of the prediction since the last computed step; null at the first.",
  },
  predictionSize: {
    told: "after a computed step",
    description: "Mean absolute value of the prediction.",
  },
  latentDistance: {
    told: "after a computed step",
    description:
      "Mean absolute difference of the latent from that of the last computed step; null at the first.",
  },
  cleanSquare: {
    told: "after a computed step",
    description: "Mean square of the clean latent that the prediction implies.",
  },
  cleanProduct: {
    told: "after a computed step",
    description:
      "Mean product of that clean latent and the one of the last computed step; null at the first.",
  },
  cleanProductBefore: {
    told: "after a computed step",
    description:
      "Mean product of that clean latent and the one of the computed step before the last; null without one.",
  },
} as const satisfies Record<string, { told: "before a step" | "after a computed step"; description: string }>;

export type SignalName = keyof typeof SIGNALS;

type ToldWhen<When> = {
  [Name in SignalName]: (typeof SIGNALS)[Name]["told"] extends When ? Name : never;
}[SignalName];

/** Signals that are known before a step is computed or reused. */
export type SignalBefore = ToldWhen<"before a step">;

/** Signals that a computed step measures. */
export type SignalAfter = ToldWhen<"after a computed step">;

/** Values of signals; null if a signal cannot be known at that step. */
export type Measured<Name extends SignalName> = { readonly [Key in Name]: number | null };

/** Values where nothing was measured. */
export const NOTHING_MEASURED = Object.fromEntries(
  Object.keys(SIGNALS).map((name) => [name, null]),
) as Readonly<Record<SignalName, null>>;
