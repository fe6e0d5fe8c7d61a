import { traceOfPublished } from "../../../lib/generation/caching/index.ts";
import { scheduleChart } from "../../../lib/generation/chart/index.ts";
import type { Receipt } from "../../../lib/service/jobs/index.ts";

/** The schedule of a finished video as an SVG document. */
export function scheduleView(model: string, { steps, schedule, cache }: Receipt): string {
  return scheduleChart(traceOfPublished(model, { steps: steps.requested, schedule, cache }));
}
