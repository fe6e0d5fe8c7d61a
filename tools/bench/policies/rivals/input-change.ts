import { meanChange, meanSize } from "../arrays.ts";
import { dampedWeights } from "../forecast.ts";
import type { Rival, RivalContext, RivalRun } from "../rival.ts";
import { EASYCACHE_WAN, easyCache } from "../rules/easycache.ts";
import type { InputChangeSignal, OutputChangeSignal } from "../rules/input-change.ts";
import { NAVICACHE_WAN, naviCache } from "../rules/navicache.ts";
import type { Rule } from "../rules/rule.ts";
import { residualRun } from "./residual-run.ts";
import { settingsOf } from "./setting.ts";

/** EasyCache and NaviCache, which foretell the change of the prediction from that of the latent. */

/** Steps that both compute first, of the 50 that their authors have. */
const firstOf = ({ steps }: RivalContext) => Math.max(1, Math.round((EASYCACHE_WAN.first / 50) * steps));

export const easyCacheRival: Rival = {
  name: "EasyCache",
  source:
    "arXiv 2507.02860 and H-EmbodVis/EasyCache, the authors' form for Wan 2.1; its 10 first steps of 50 are that share " +
    "of any number, and the residual of the blocks is reused, which is closer here than the authors' prediction minus latent",
  role: "rival",
  settings: () =>
    settingsOf(
      { values: [0.05, 0.1, 0.2, 0.3, 0.6], defaults: [0.05], everywhere: [0.2, 0.6] },
      (threshold, context) => watch(easyCache({ ...EASYCACHE_WAN, ...own(context), threshold })),
    ),
};

export const naviCacheRival: Rival = {
  name: "NaviCache",
  source: "arXiv 2606.26795 and HelloZicky/NaviCache, the form for Wan 2.1; first steps as EasyCache's",
  role: "rival",
  settings: () =>
    settingsOf(
      { values: [0.05, 0.1, 0.2, 0.6], defaults: [0.05], everywhere: [0.2, 0.6] },
      (threshold, context) => watch(naviCache({ ...NAVICACHE_WAN, ...own(context), threshold })),
    ),
};

/** Share of the slope that the forecast keeps. */
const DAMPING = 0.5;

export const forecastEasyCache: Rival = {
  name: "EasyCache, 2 first, damped order 1",
  source: "EasyCache with two first steps and a residual forecast with half of its slope; not published",
  role: "variant",
  settings: () =>
    settingsOf({ values: [0.12, 0.2, 0.3, 0.42], everywhere: [0.2, 0.42] }, (threshold, { steps }) =>
      watch(easyCache({ steps, threshold, first: 2, last: 1 }), (kept, at) =>
        dampedWeights(kept, at, DAMPING),
      ),
    ),
};

function own(context: RivalContext) {
  return { steps: context.steps, first: firstOf(context) };
}

/** Measures latents and guided predictions for a rule. */
function watch(
  rule: Rule<InputChangeSignal, OutputChangeSignal>,
  weights?: (kept: readonly number[], at: number) => readonly number[],
): RivalRun {
  let before: Float32Array | null = null;
  let computed: { latent: Float32Array; prediction: Float32Array } | null = null;
  return residualRun({
    rule,
    keep: 2,
    ...(weights && { weights }),
    before({ latent }) {
      const latentChange = before && meanChange(before, latent);
      before = latent.slice();
      return { latentChange };
    },
    after(_, { prediction }) {
      const latent = before!;
      const change = computed && meanChange(computed.prediction, prediction);
      const latentChange = computed && meanChange(computed.latent, latent);
      computed = { latent, prediction };
      return { size: meanSize(prediction), change, latentChange };
    },
  });
}
