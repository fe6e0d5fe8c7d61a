import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import * as z from "zod";
import { isVideoId } from "../../lib/service/jobs/index.ts";
import { StoreError } from "../../lib/service/storage/index.ts";
import type { AcceleratorHealth } from "./accelerator-health.ts";
import { type Log, reasonOf } from "./log.ts";
import type { WarmModels } from "./warm-models.ts";
import type { Worker } from "./worker.ts";

export interface PingDeps {
  readonly worker: Pick<Worker, "isBusy" | "isStopping">;
  readonly models: Pick<WarmModels, "warm" | "fault">;
}

export interface GpuAppDeps extends PingDeps {
  readonly worker: Worker;
  readonly models: Pick<WarmModels, "warm" | "fault" | "accelerator">;
  readonly log: Log;
}

/** Maximum size of a body. It may be the whole record of a job, with the trace of a thousand steps. */
const BODY_BYTES_MAX = 4 * 2 ** 20;

const RETRY_SECONDS = 5;

const refSchema = z.object({
  tenant: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  id: z.string().refine(isVideoId),
});

/**
 * Body of an invocation: a reference to a job, or the stored object of its record, which SageMaker passes.
 * Other fields are ignored: the record is read from the store.
 */
const invocationSchema = z.union([refSchema, z.object({ value: refSchema }).transform(({ value }) => value)]);

/**
 * Creates the HTTP interface of a SageMaker container: `GET /ping`, and `POST /invocations`, which answers
 * when a job has ended: the one whose turn it is, which need not be the one in the body.
 *
 * @see Amazon SageMaker developer guide, "Custom inference code with hosting services"
 */
export function createGpuApp({ worker, models, log }: GpuAppDeps): Hono {
  // At a fault of the models jobs are still taken: the first that succeeds shows that the machine is well again.
  const app = createPingApp({ worker, models });

  const limit = bodyLimit({
    maxSize: BODY_BYTES_MAX,
    onError: (c) => fault(c, 413, "body_too_large", `A body has at most ${BODY_BYTES_MAX} bytes.`),
  });
  app.post("/invocations", limit, async (c) => {
    const parsed = invocationSchema.safeParse(await c.req.json().catch(() => null));
    if (!parsed.success) {
      return fault(c, 400, "invalid_request", "The body must be JSON with the tenant and the id of a job.");
    }
    if (models.accelerator?.isBroken && !(await isWellAgain(models.accelerator))) {
      return unavailable(c, "gpu_lost", "The GPU of this worker does not work.");
    }
    const run = await worker.run(parsed.data);
    switch (run.outcome) {
      case "ran": {
        const { id, status, attempt } = run.record;
        return c.json({ id, status, attempt });
      }
      case "missing":
      case "idle":
        return fault(c, 404, "not_found", "There is no such job.");
      case "busy":
        return unavailable(c, "busy", "Another job is running.");
      case "stopping":
        return unavailable(c, "stopping", "This worker takes no more jobs.");
    }
  });

  app.notFound((c) => fault(c, 404, "not_found", "There are GET /ping and POST /invocations."));
  app.onError((error, c) => {
    log.error({ reason: reasonOf(error) }, "an invocation failed");
    if (error instanceof StoreError)
      return unavailable(c, "store_unavailable", "The job store does not answer.");
    return fault(c, 500, "internal_error", "The worker failed.");
  });
  return app;
}

/**
 * Creates the HTTP interface of a worker that pulls its turns: `GET /ping`, for health checks. It says which model is
 * open, and whether a job runs and the worker is stopping; it is answered with 503 while no model can be used here, so
 * that the platform replaces the container or the machine.
 */
export function createPingApp({ worker, models }: PingDeps): Hono {
  const app = new Hono();
  app.get("/ping", (c) => {
    const state = { model: models.warm, busy: worker.isBusy };
    if (models.fault) return c.json({ status: "failing", reason: models.fault, ...state }, 503);
    return c.json({ status: worker.isStopping ? "stopping" : "ok", ...state });
  });
  app.notFound((c) => fault(c, 404, "not_found", "This worker pulls its jobs: there is GET /ping."));
  return app;
}

/** Returns whether a broken accelerator works again. */
function isWellAgain(accelerator: AcceleratorHealth): Promise<boolean> {
  return accelerator.check().then(
    () => true,
    () => false,
  );
}

function unavailable(c: Context, code: string, message: string): Response {
  c.header("Retry-After", String(RETRY_SECONDS));
  return fault(c, 503, code, message);
}

function fault(c: Context, status: 400 | 404 | 413 | 500 | 503, code: string, message: string): Response {
  return c.json({ error: { message, code } }, status);
}
