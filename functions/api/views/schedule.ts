import type { CacheTrace } from "../../../lib/caching/index.ts";
import { scheduleChart } from "../../../lib/chart/index.ts";
import type { Receipt } from "../../../lib/jobs/index.ts";

const REUSED = {
  computed: false,
  change: null,
  motionScore: null,
  motionFactor: null,
  distance: null,
  rate: null,
};

/** The schedule of a finished video as an SVG document. */
export function scheduleView(model: string, { steps, schedule, cache }: Receipt): string {
  const lines = new Map(schedule.map((line) => [line.step, line]));
  const trace: CacheTrace = {
    model,
    steps: steps.requested,
    cache: cache.policy,
    codebook: cache.codebook,
    // The drawing shows what motion did to the steps, not its constants.
    motion: null,
    warmup: cache.warmup_steps,
    schedule: Array.from({ length: steps.requested }, (_, index) => {
      const step = index + 1;
      const line = lines.get(step);
      if (!line) return { step, ...REUSED };
      const { motion_score: motionScore, motion_factor: motionFactor, ...measured } = line;
      return { ...measured, computed: true, motionScore, motionFactor };
    }),
  };
  return scheduleChart(trace);
}
