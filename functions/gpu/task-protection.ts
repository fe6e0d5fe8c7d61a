import * as z from "zod";
import { parsedJson } from "../../lib/service/queue/index.ts";
import { retry } from "../../lib/shared/retry.ts";
import { system } from "../../lib/shared/system.ts";
import { type Log, reasonOf } from "./log.ts";
import { outageTeller } from "./outage.ts";

/** Promise of a platform not to take the machine away while a job runs. */
export interface TaskProtection {
  /**
   * Asks for the promise, and keeps it until it is released. Resolves to false if the platform refuses, because it is
   * about to take the machine away: then no turn may be taken.
   *
   * @throws Error if the platform does not answer
   */
  hold(): Promise<boolean>;
  /** Gives the promise back. It ends by itself if the platform does not answer. */
  release(): Promise<void>;
}

export interface EcsProtectionOptions {
  /** URL of the agent beside the container: `ECS_AGENT_URI`. */
  readonly agentUrl: string;
  readonly log: Log;
  /** Time between two renewals, in milliseconds; 15 minutes by default. */
  readonly renewMs?: number;
}

/** Minutes after which ECS ends a protection that is not renewed, for example that of a process that was killed. */
const EXPIRES_MINUTES = 60;

const RENEW_MS = 15 * 60_000;

/** Longest wait for an answer of the agent, which asks ECS itself. */
const ANSWER_MS = 5_000;

/** Waits before the further tries of a request. */
const WAITS_MS = [200, 1_000];

/** Answer of the agent: a protection, or why ECS refuses it. Anything else, such as an error, is not understood. */
const answerSchema = z.union([
  z.object({ protection: z.object({ ProtectionEnabled: z.boolean() }) }),
  z.object({ failure: z.object({ Reason: z.string() }) }),
]);

/**
 * Opens the scale-in protection of this task of an ECS service. While it is held, neither the scaling nor a deployment
 * stops the task.
 *
 * @see Amazon ECS developer guide, "Amazon ECS task scale-in protection endpoint"
 */
export function ecsTaskProtection(options: EcsProtectionOptions): TaskProtection {
  const { agentUrl, log, renewMs = RENEW_MS } = options;
  const outage = outageTeller({
    log,
    failing: "the protection was not renewed",
    ended: "the protection is renewed again",
  });
  const refusals = outageTeller({
    log,
    failing: "ECS does not protect this task",
    ended: "ECS protects this task again",
  });
  let renewing: NodeJS.Timeout | null = null;

  async function put(isProtected: boolean): Promise<z.infer<typeof answerSchema>> {
    const wanted = isProtected ? { ExpiresInMinutes: EXPIRES_MINUTES } : {};
    const answer = await fetch(`${agentUrl}/task-protection/v1/state`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ProtectionEnabled: isProtected, ...wanted }),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const text = await answer.text();
    const parsed = answerSchema.safeParse(parsedJson(text));
    if (!parsed.success) throw new Error(`The agent of ECS answered ${answer.status}: ${text.slice(0, 200)}`);
    return parsed.data;
  }

  async function protect(): Promise<boolean> {
    const answer = await retry(() => put(true), {
      waits: WAITS_MS,
      sleep: system.sleep,
      isRetryable: () => true,
    });
    if ("failure" in answer) {
      refusals.failed(answer.failure.Reason);
      return false;
    }
    refusals.ended();
    return answer.protection.ProtectionEnabled;
  }

  function renew(): void {
    protect().then(outage.ended, outage.failed);
  }

  return {
    async hold() {
      if (renewing) return true;
      if (!(await protect())) return false;
      renewing = setInterval(renew, renewMs).unref();
      return true;
    },
    async release() {
      if (!renewing) return;
      clearInterval(renewing);
      renewing = null;
      await put(false).catch((error) =>
        log.warn({ reason: reasonOf(error) }, "the protection was not given back, and ends by itself"),
      );
    },
  };
}
