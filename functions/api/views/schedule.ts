import { type CacheTrace, traceStep } from "../../../lib/generation/caching/index.ts";
import { scheduleChart } from "../../../lib/generation/chart/index.ts";
import type { JobRecord, Receipt } from "../../../lib/service/jobs/index.ts";

/** Draws the schedule of a finished video as an SVG document. */
export function scheduleView(
  { params }: Pick<JobRecord, "params">,
  { steps, schedule, cache }: Receipt,
): string {
  const lines = new Map(schedule.map((line) => [line.step, line]));
  const trace: CacheTrace = {
    model: params.model,
    steps: steps.requested,
    cache: cache.policy,
    codebook: cache.codebook,
    // The drawing shows what motion did to the steps, not its constants.
    motion: null,
    warmup: cache.warmup_steps,
    schedule: Array.from({ length: steps.requested }, (_, denoisingStep) => {
      const line = lines.get(denoisingStep + 1);
      if (!line) return traceStep(denoisingStep, null);
      const { change, motion_score: motionScore, motion_factor: motionFactor, distance, rate } = line;
      return traceStep(denoisingStep, { change, motionScore, motionFactor, distance, rate });
    }),
  };
  return scheduleChart(trace);
}
