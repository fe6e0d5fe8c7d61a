import type { JobRef } from "../../lib/service/jobs/index.ts";
import { deliverWebhooks, planWebhooks, type SenderOptions } from "../../lib/service/webhooks/index.ts";
import { type HintQueue, hintQueue } from "./hint-queue.ts";

/** Jobs whose webhooks are planned at once: in all, and of one tenant. */
const PLANS_AT_ONCE = [16, 4];

/** Jobs whose webhooks are sent at once: in all, of one tenant, and to one receiver. */
const SENDS_AT_ONCE = [256, 16, 4];

/** Hint that webhooks of a job are due for a receiver. */
interface SendHint extends JobRef {
  readonly receiver: string;
}

export const jobName = ({ tenant, id }: JobRef) => `${tenant}/${id}`;

/**
 * Makes the queue of hints at jobs whose webhooks may be due. Behind it, what is due waits in a second queue, by tenant
 * and receiver: a receiver that does not answer holds only its own slots.
 */
export function webhookQueues(
  sender: SenderOptions,
  onError: (error: unknown, ref: JobRef) => void,
): HintQueue<JobRef> {
  const plans = hintQueue<JobRef>({
    atOnce: PLANS_AT_ONCE,
    nameOf: jobName,
    groupsOf: ({ tenant }) => [tenant],
    onError,
    async handle({ tenant, id }) {
      const { receivers, nextAt } = await planWebhooks(sender, { tenant, id });
      for (const receiver of receivers) sends.add({ tenant, id, receiver });
      return nextAt;
    },
  });
  const sends = hintQueue<SendHint>({
    atOnce: SENDS_AT_ONCE,
    nameOf: (hint) => `${jobName(hint)}/${hint.receiver}`,
    groupsOf: ({ tenant, receiver }) => [tenant, receiver],
    onError,
    async handle({ tenant, id, receiver }) {
      const { nextAt } = await deliverWebhooks(sender, { tenant, id }, receiver);
      if (nextAt !== null) plans.add({ tenant, id }, nextAt);
      return null;
    },
  });
  return {
    add: plans.add,
    async close() {
      // The plans under way hand on what they find, such as the webhook of the job that ended last.
      await plans.close();
      await sends.close();
    },
  };
}
