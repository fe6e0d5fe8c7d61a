import { meanChange, relativeChange, weightedSum } from "../arrays.ts";
import type { Rival, RivalContext, RivalRun } from "../rival.ts";
import { DICACHE_WAN, diCache } from "../rules/dicache.ts";
import { frontRun } from "./front-run.ts";
import { settingsOf } from "./setting.ts";

export const diCacheRival: Rival = {
  name: "DiCache",
  source: "arXiv 2508.17356 and Bujiazi/DiCache, the form for Wan 2.1; the conditional half decides for both",
  role: "rival",
  settings: () =>
    settingsOf({ values: [0.08, 0.2, 0.4], defaults: [0.08, 0.2], everywhere: [0.4] }, (threshold, context) =>
      watch(threshold, context),
    ),
};

function watch(threshold: number, { steps, batch }: RivalContext): RivalRun {
  let before: Float32Array | null = null;
  const conditional = (values: Float32Array) => values.subarray(0, values.length / batch);
  return frontRun({
    rule: diCache({ ...DICACHE_WAN, steps, threshold }),
    blocks: DICACHE_WAN.blocks,
    keep: 2,
    before({ added, stream }, [newest, older]) {
      const now = conditional(stream);
      const change = before && relativeChange(before, now);
      before = now;
      if (!newest || !older) return { change, progress: null };
      const [probe, a, b] = [added, newest.front.added, older.front.added].map(conditional);
      return { change, progress: meanChange(b!, probe!) / meanChange(b!, a!) };
    },
    residual: (_, kept, weights) =>
      weightedSum(
        kept.map(({ residual }) => residual),
        weights,
      ),
  });
}
