import { traceOfPublished } from "../../../lib/generation/caching/index.ts";
import { scheduleChart } from "../../../lib/generation/chart/index.ts";
import type { JobRecord, Receipt } from "../../../lib/service/jobs/index.ts";

/** Draws the schedule of a finished video as an SVG document. */
export function scheduleView(
  { params }: Pick<JobRecord, "params">,
  { steps, schedule, cache }: Receipt,
  width?: number,
): string {
  return scheduleChart(traceOfPublished(params.model, { steps: steps.requested, schedule, cache }), width);
}
