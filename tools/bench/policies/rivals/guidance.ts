import { weightedSum } from "../arrays.ts";
import { dampedWeights } from "../forecast.ts";
import type { Rival, RivalContext, RivalRun } from "../rival.ts";
import { guidanceGate } from "../rules/guidance-gate.ts";
import type { Rule } from "../rules/rule.ts";
import { settingsOf } from "./setting.ts";

/** Policies with half steps: the conditional half alone, and the guidance of earlier whole steps. */

export const guidanceGateRival: Rival = {
  name: "guidance gate",
  source:
    "FastVideo, pull request 1372, and SGLang, pull request 25848: the last difference of the halves is kept",
  role: "rival",
  settings: () =>
    settingsOf({ values: [0.5], defaults: [0.5] }, (share, context) =>
      halve(guidanceGate({ steps: context.steps, share }), context),
    ),
};

export const forecastGate: Rival = {
  name: "guidance gate, forecast",
  source: "the same with the damped forecast of order 1 of the difference; not published",
  role: "variant",
  settings: () =>
    settingsOf({ values: [0.5] }, (share, context) =>
      halve(guidanceGate({ steps: context.steps, share }), context, 0.5),
    ),
};

/** Share of the steps that are whole before every second one is half. */
const ALTERNATE_FROM = 0.3;

export const alternateHalves: Rival = {
  name: "every second step half",
  source:
    "whole and half steps in turn after 30 % of the steps; the number is the damping of the forecast difference",
  role: "variant",
  settings: () =>
    settingsOf({ values: [1] }, (damping, context) => {
      const from = Math.floor(ALTERNATE_FROM * context.steps);
      return halve(alternate(from), context, damping);
    }),
};

function alternate(from: number): Rule<void> {
  const rule: Rule<void> = {
    ask: (step) => ({ compute: step < from || (step - from) % 2 === 1, weights: [1], next: rule }),
    tell: () => rule,
  };
  return rule;
}

function halve(rule: Rule<void>, { guidanceScale, batch }: RivalContext, damping = 0): RivalRun {
  let state = rule;
  /** Whole steps with the difference of the halves, the newest first. */
  const kept: { step: number; difference: Float32Array }[] = [];
  return {
    async step({ index, graphs }) {
      const { compute, next } = state.ask(index);
      if (!compute && kept.length > 0 && batch === 2) {
        state = next;
        const steps = kept.map(({ step }) => step);
        const difference = weightedSum(
          kept.map(({ difference }) => difference),
          dampedWeights(steps, index, damping),
        );
        return weightedSum([await graphs.conditional(), difference], [1, guidanceScale - 1]);
      }
      const { prediction, conditional, unconditional } = await graphs.halves();
      state = next.tell(index);
      kept.unshift({ step: index, difference: weightedSum([conditional, unconditional], [1, -1]) });
      kept.length = Math.min(kept.length, 2);
      return prediction;
    },
  };
}
