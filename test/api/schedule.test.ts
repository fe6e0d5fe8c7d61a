import { expect, test } from "vitest";
import { scheduleView } from "../../functions/api/views/schedule.ts";
import { scheduleChart } from "../../lib/generation/chart/index.ts";
import { assertWellFormed } from "../generation/chart/markup.ts";
import { sampleTrace } from "../generation/chart/sample-trace.ts";
import { receipt as sampleReceipt } from "../service/jobs/sample-job.ts";
import { testApi } from "./support.ts";

const api = await testApi();

test("a completed video's schedule is an SVG that can load and run nothing", async () => {
  const { id } = await api.create();
  await api.complete(id);
  const response = await api.send("GET", `/v1/videos/${id}/schedule.svg`);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("image/svg+xml");
  expect(response.headers.get("content-security-policy")).toMatch(/^default-src 'none'/);
  const svg = await response.text();
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/);
  assertWellFormed(svg);
});

test("a schedule does not exist before the video is completed, nor for another tenant", async () => {
  const { id } = await api.create();
  const early = await api.send("GET", `/v1/videos/${id}/schedule.svg`);
  expect(early.status).toBe(409);
  expect(((await early.json()) as { error: { code: string } }).error.code).toBe("video_not_ready");
  await api.complete(id);
  const foreign = await api.send("GET", `/v1/videos/${id}/schedule.svg`, { key: api.otherKey });
  expect(foreign.status).toBe(404);
});

test("the receipt holds everything that the chart of a schedule needs", () => {
  const trace = sampleTrace("fast", { steps: 30, motion: true });
  const indices = (isComputed: boolean) =>
    trace.schedule.filter(({ computed }) => computed === isComputed).map(({ step }) => step);
  const receipt = {
    ...sampleReceipt,
    steps: {
      requested: 30,
      computed: indices(true).length,
      reused: indices(false).length,
      computed_indices: indices(true),
      reused_indices: indices(false),
    },
    schedule: trace.schedule
      .filter(({ computed }) => computed)
      .map(({ motionScore: motion_score, motionFactor: motion_factor, computed: _, ...step }) => ({
        ...step,
        motion_score,
        motion_factor,
      })),
    cache: {
      policy: trace.cache,
      codebook: trace.codebook!.map((row) => ({ ...row })),
      motion: { ...trace.motion },
      warmup_steps: trace.warmup,
    },
  };
  expect(scheduleView(trace.model, receipt)).toBe(scheduleChart(trace));
});
