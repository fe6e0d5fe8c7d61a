import type { JobRef } from "../../../lib/service/jobs/index.ts";
import {
  type DeliveryRun,
  deliverWebhooks,
  planWebhooks,
  type SenderOptions,
} from "../../../lib/service/webhooks/index.ts";

/** Plans the webhooks of a job and sends those that are due to all receivers at once, as the queues do. */
export async function deliverAll(options: SenderOptions, ref: JobRef): Promise<DeliveryRun> {
  const { receivers, nextAt } = await planWebhooks(options, ref);
  const runs = await Promise.all(receivers.map((receiver) => deliverWebhooks(options, ref, receiver)));
  const times = receivers.length > 0 ? runs.map((run) => run.nextAt) : [nextAt];
  const known = times.filter((time) => time !== null);
  return {
    nextAt: known.length > 0 ? Math.min(...known) : null,
    hasSent: runs.some(({ hasSent }) => hasSent),
  };
}
