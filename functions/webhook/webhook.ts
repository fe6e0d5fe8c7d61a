import type { DelayedHints, JobRef } from "../../lib/service/jobs/index.ts";
import { DELAY_SECONDS_MAX } from "../../lib/service/queue/index.ts";
import { deliverWebhooks, type SenderOptions } from "../../lib/service/webhooks/index.ts";

export interface WebhookDeps extends SenderOptions {
  readonly hints: Pick<DelayedHints, "webhooks">;
}

/**
 * Upper bound of the difference between the clocks of two machines: a delivery that is early sends and plans
 * nothing.
 */
const SKEW_SECONDS = 1;

/**
 * Delivers the webhooks of a job that are due, and, if something was sent, schedules the next hint. A
 * delivery due later than a message can wait is found by the sweeper.
 */
export async function sendWebhooks(deps: WebhookDeps, ref: JobRef): Promise<"sent" | "nothing due"> {
  const { nextAt, hasSent } = await deliverWebhooks(deps, ref);
  if (!hasSent) return "nothing due";
  if (nextAt === null) return "sent";
  const delaySeconds = (nextAt - deps.clock.now()) / 1000 + SKEW_SECONDS;
  if (delaySeconds <= DELAY_SECONDS_MAX) await deps.hints.webhooks(ref, delaySeconds);
  return "sent";
}
