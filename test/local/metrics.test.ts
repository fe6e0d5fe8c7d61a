import { expect, it } from "vitest";
import { createMetrics } from "../../functions/local/metrics.ts";
import { later, NOW, outputs, queued, receipt } from "../service/jobs/sample-job.ts";

const running = later(queued, NOW, { type: "claim", owner: "worker", leaseMs: 1000 });
const holder = { owner: "worker", attempt: 1 };
const completed = later(running, NOW, { type: "complete", ...holder, outputs, receipt });
const failed = later(running, NOW, {
  type: "fail",
  ...holder,
  error: { code: "internal_error", message: "The video could not be generated." },
  isRetryable: false,
});
const cancelled = later(queued, NOW, { type: "cancel" });

/** Returns the lines of the service's own metrics, without those that every Node process has. */
async function samples(metrics: ReturnType<typeof createMetrics>): Promise<string[]> {
  const text = await metrics.render();
  return text.split("\n").filter((line) => /^adareel_(jobs|job|steps|webhook|unf|und|rep)/.test(line));
}

it("metrics count jobs by how they ended, and the steps and stages of completed ones", async () => {
  const metrics = createMetrics();
  for (const record of [completed, completed, failed, cancelled]) metrics.observeJob(record);
  const lines = await samples(metrics);
  expect(lines).toContain('adareel_jobs_total{status="completed",error=""} 2');
  expect(lines).toContain('adareel_jobs_total{status="failed",error="internal_error"} 1');
  expect(lines).toContain('adareel_jobs_total{status="cancelled",error="canceled"} 1');
  expect(lines).toContain('adareel_steps_total{kind="computed"} 8');
  expect(lines).toContain('adareel_steps_total{kind="reused"} 8');
  expect(lines).toContain('adareel_job_stage_seconds_count{stage="denoise"} 2');
  expect(lines).toContain('adareel_job_stage_seconds_bucket{le="0.5",stage="denoise"} 0');
  expect(lines).toContain('adareel_job_stage_seconds_bucket{le="1",stage="denoise"} 2');
});

it("metrics count webhook attempts by status class, or by why they have no status", async () => {
  const metrics = createMetrics();
  for (const status of [200, 204, 302, 410, 503]) {
    metrics.observeWebhook({ ok: true, status, retryAfterSeconds: null, milliseconds: 3 });
  }
  metrics.observeWebhook({ ok: false, reason: "timeout", milliseconds: 15_000 });
  const lines = await samples(metrics);
  const counts = { "2xx": 2, "3xx": 1, "4xx": 1, "5xx": 1, timeout: 1 };
  for (const [outcome, count] of Object.entries(counts)) {
    expect(lines).toContain(`adareel_webhook_attempts_total{outcome="${outcome}"} ${count}`);
  }
});

it("metrics show the queue as the last sweep found it, and add up what the sweeps repaired", async () => {
  const metrics = createMetrics();
  const report = { running: 1, undelivered: 2, resent: 9, lost: 1, expired: 0, orphaned: 0, failed: 0 };
  metrics.observeSweep({ ...report, queued: 7 });
  metrics.observeSweep({ ...report, queued: 3 });
  const lines = await samples(metrics);
  expect(lines).toContain('adareel_unfinished_jobs{status="queued"} 3');
  expect(lines).toContain('adareel_unfinished_jobs{status="running"} 1');
  expect(lines).toContain("adareel_undelivered_jobs 2");
  expect(lines).toContain('adareel_repairs_total{kind="lost"} 2');
  expect(lines.filter((line) => line.includes("resent") || line.includes("tenant"))).toEqual([]);
});

it("the metrics are text that Prometheus reads, without tenant, job, prompt or address", async () => {
  const metrics = createMetrics();
  metrics.observeJob(completed);
  const text = await metrics.render();
  expect(metrics.contentType).toMatch(/^text\/plain; version=0\.0\.4/);
  const sample = /^[a-z_][a-z0-9_]*(\{([a-z]+="[^"\\\n]*",?)*\})? (-?[0-9.e+-]+|\+Inf|NaN)$/i;
  expect(text.split("\n").filter((line) => line && !line.startsWith("#") && !sample.test(line))).toEqual([]);
  const { tenant, id, keyId, params, webhook } = completed;
  for (const secret of [tenant, id, keyId, params.prompt, webhook!.url]) expect(text).not.toContain(secret);
});

it("metrics of two services in one process are separate", async () => {
  const [one, other] = [createMetrics(), createMetrics()];
  one.observeJob(completed);
  expect((await samples(other)).filter((line) => line.startsWith("adareel_jobs_total"))).toEqual([]);
});
