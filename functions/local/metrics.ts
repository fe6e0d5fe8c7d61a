import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { JobRecord, SweepReport } from "../../lib/service/jobs/index.ts";
import type { PostResult } from "../../lib/service/net/index.ts";
import type { Hang } from "../../lib/shared/silence.ts";

/** Metrics of the service for Prometheus. No label contains a tenant, an id or a prompt. */
export interface Metrics {
  /** Counts a finished job. */
  observeJob(record: JobRecord): void;
  observeWebhook(result: PostResult): void;
  observeSweep(report: SweepReport): void;
  /** Counts an end of the GPU function that nobody asked for; `hang` is null if it ended by itself. */
  observeRestart(hang: Hang | null): void;
  /** Tells when the certificate that signs videos runs out, in milliseconds since 1970. */
  observeCertificate(endsAt: number): void;
  /** Tells how many streams are held open. */
  observeStreams(open: number): void;
  /** Returns all metrics in the text format of Prometheus. */
  render(): Promise<string>;
  readonly contentType: string;
}

/** Buckets in seconds, from the demo model on a laptop to an hour on a GPU. */
const SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600];

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix: "adareel_" });
  const jobs = new Counter({
    name: "adareel_jobs_total",
    help: "Jobs that are over, by how they ended",
    labelNames: ["status", "error"],
    registers,
  });
  const stages = new Histogram({
    name: "adareel_job_stage_seconds",
    help: "Seconds of completed jobs by stage; queue is from the request to the worker's start",
    labelNames: ["stage"],
    buckets: SECONDS,
    registers,
  });
  const steps = new Counter({
    name: "adareel_steps_total",
    help: "Denoising steps of completed jobs, computed or reused",
    labelNames: ["kind"],
    registers,
  });
  const webhooks = new Counter({
    name: "adareel_webhook_attempts_total",
    help: "Webhook attempts by outcome: the class of the status, or why there was none",
    labelNames: ["outcome"],
    registers,
  });
  const unfinished = new Gauge({
    name: "adareel_unfinished_jobs",
    help: "Jobs that are not over, at the last sweep",
    labelNames: ["status"],
    registers,
  });
  const toMake = new Gauge({
    name: "adareel_videos_to_make",
    help: "Jobs that are queued or running, at the last sweep: the number of workers that are of use",
    registers,
  });
  const undelivered = new Gauge({
    name: "adareel_undelivered_jobs",
    help: "Finished jobs of which a webhook was due at the last sweep",
    registers,
  });
  const repairs = new Counter({
    name: "adareel_repairs_total",
    help: "What the sweeper had to put right",
    labelNames: ["kind"],
    registers,
  });
  const streams = new Gauge({
    name: "adareel_open_streams",
    help: "Streams of videos that are held open",
    registers,
  });
  const restarts = new Counter({
    name: "adareel_gpu_restarts_total",
    help: "Times that the GPU function was started again, by why: ended, or killed because it was silent or stopped",
    labelNames: ["why"],
    registers,
  });

  const certificate = new Gauge({
    name: "adareel_certificate_end_seconds",
    help: "When the certificate that signs videos runs out, in seconds since 1970; 0 if nothing is signed",
    registers,
  });

  return {
    contentType: registry.contentType,
    render: () => registry.metrics(),
    observeJob({ status, error, receipt }) {
      jobs.inc({ status, error: error?.code ?? "" });
      if (!receipt) return;
      for (const [stage, value] of Object.entries(receipt.seconds)) stages.observe({ stage }, value);
      steps.inc({ kind: "computed" }, receipt.steps.computed);
      steps.inc({ kind: "reused" }, receipt.steps.reused);
    },
    observeWebhook: (result) =>
      webhooks.inc({ outcome: result.ok ? `${Math.floor(result.status / 100)}xx` : result.reason }),
    observeCertificate: (endsAt) => certificate.set(endsAt / 1000),
    observeStreams: (open) => streams.set(open),
    observeRestart: (hang) => restarts.inc({ why: hang ?? "ended" }),
    observeSweep({ queued, running, undelivered: waiting, resent: _, ...repaired }) {
      unfinished.set({ status: "queued" }, queued);
      unfinished.set({ status: "running" }, running);
      toMake.set(queued + running);
      undelivered.set(waiting);
      for (const [kind, count] of Object.entries(repaired)) repairs.inc({ kind }, count);
    },
  };
}
