import { expect, test } from "vitest";
import { scheduleView } from "../../functions/api/views/schedule.ts";
import { scheduleChart } from "../../lib/generation/chart/index.ts";
import { receiptSchema } from "../../lib/service/jobs/index.ts";
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

test("a schedule is drawn for the width that is asked for, within bounds", async () => {
  const { id } = await api.create();
  await api.complete(id);
  const draw = (query: string) => api.send("GET", `/v1/videos/${id}/schedule.svg${query}`);
  expect(await (await draw("?width=362")).text()).toContain('viewBox="0 0 362 ');
  expect(await (await draw("")).text()).toContain('viewBox="0 0 760 ');
  for (const width of ["10", "9000", "wide"]) expect((await draw(`?width=${width}`)).status).toBe(400);
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
      .map(({ step, change, motionScore, motionFactor, distance, rate }) => ({
        step,
        change: change!,
        motion_score: motionScore!,
        motion_factor: motionFactor!,
        distance: distance!,
        rate: rate!,
      })),
    cache: {
      policy: trace.cache,
      codebook: trace.codebook!.map((row) => ({ ...row })),
      motion: { ...trace.motion },
      warmup_steps: trace.warmup!,
    },
  };
  expect(scheduleView({ params: { model: trace.model } }, receipt)).toBe(scheduleChart(trace));
});

test("a receipt of an earlier version, with nulls for the columns and options of other policies, is drawn as ever", () => {
  const line = { change: 0.2, motion_score: 0.4, motion_factor: null, distance: null, rate: null };
  const receipt = receiptSchema.parse({
    ...sampleReceipt,
    steps: { requested: 4, computed: 2, reused: 2, computed_indices: [1, 4], reused_indices: [2, 3] },
    schedule: [
      { ...line, step: 1, change: null },
      { ...line, step: 4 },
    ],
    cache: { policy: "static:3", codebook: null, motion: null, warmup_steps: 0 },
  });
  const svg = scheduleView({ params: { model: "models/demo" } }, receipt);
  assertWellFormed(svg);
  expect(svg).toContain("2 of 4 denoising steps were computed: 1, 4. The others were reused.</desc>");
  expect(svg).toContain("<title>step 4: 0.2</title>");
  expect(svg).toContain("<title>step 1: motion score 0.4</title>");
  expect(svg).not.toMatch(/class="threshold"|>Rate/);
});
