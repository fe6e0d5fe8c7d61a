import type { DelayedHints, JobRef } from "../../lib/service/jobs/index.ts";
import { DELAY_SECONDS_MAX, type Hinted, type SendHints } from "../../lib/service/queue/index.ts";
import { deliverWebhooks, planWebhooks, type SenderOptions } from "../../lib/service/webhooks/index.ts";

export interface WebhookDeps extends SenderOptions {
  /** Hints at jobs whose webhooks may be due, which are planned. */
  readonly hints: Pick<DelayedHints, "webhooks">;
  /** Hints at receivers that webhooks of a job are due for. */
  readonly sendHints: SendHints;
  /** Called with the error of a sender, whose job is left to the sweeper. */
  readonly onError: (error: unknown, ref: JobRef) => void;
}

export type WebhookOutcome = "handed on" | "sent" | "nothing due" | "failed";

/**
 * Upper bound of the difference between the clocks of two machines: a delivery that is early sends and plans
 * nothing.
 */
const SKEW_SECONDS = 1;

/** Handles a hint: sends the webhooks of the receiver that it names, or plans and hints at each receiver. */
export function handleWebhooks(deps: WebhookDeps, { receiver, ...ref }: Hinted): Promise<WebhookOutcome> {
  return receiver === undefined ? handOn(deps, ref) : send(deps, ref, receiver);
}

async function handOn(deps: WebhookDeps, ref: JobRef): Promise<WebhookOutcome> {
  const { receivers } = await planWebhooks(deps, ref);
  for (const receiver of receivers) await deps.sendHints(ref, receiver);
  return receivers.length > 0 ? "handed on" : "nothing due";
}

/**
 * Sends the webhooks of a job that are due for a receiver, and, if something was sent, schedules the next hint. A
 * delivery due later than a message can wait is found by the sweeper.
 */
async function send(deps: WebhookDeps, ref: JobRef, receiver: string): Promise<WebhookOutcome> {
  try {
    const { nextAt, hasSent } = await deliverWebhooks(deps, ref, receiver);
    if (!hasSent) return "nothing due";
    if (nextAt === null) return "sent";
    const delaySeconds = (nextAt - deps.clock.now()) / 1000 + SKEW_SECONDS;
    if (delaySeconds <= DELAY_SECONDS_MAX) await deps.hints.webhooks(ref, delaySeconds);
    return "sent";
  } catch (error) {
    // A message that is to come again would hold up its group until then.
    deps.onError(error, ref);
    return "failed";
  }
}
