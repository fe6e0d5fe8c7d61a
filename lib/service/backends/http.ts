import type { JobRef } from "../jobs/index.ts";
import { MessageError } from "../queue/index.ts";
import type { Backend } from "./backend.ts";

/** A server answers when the job is over; one that refuses the job answers at once. */
const REFUSAL_MS = 2_000;

/** So long a job is believed to be on its way to the worker that claims it. */
const BELIEVED_MS = 60_000;

/**
 * The GPU function as a plain HTTP server, without a queue: it runs one job, and refuses others meanwhile. It tells
 * nobody how runs end, so that leases and the sweep find out.
 *
 * @param url of a server that speaks `GET /ping` and `POST /invocations`
 */
export function httpBackend(url: string): Backend {
  return {
    name: url,
    believedMs: BELIEVED_MS,
    pauseMs: 1_000,
    async submit({ tenant, id }) {
      const status = await post(new URL("/invocations", url), { tenant, id });
      if (status !== null && status >= 300) throw new Error(`The GPU server answered ${status}.`);
    },
    outcomeOf() {
      throw new MessageError("A GPU server tells of no run.");
    },
    async waiting() {
      try {
        const answer = await fetch(new URL("/ping", url), { signal: AbortSignal.timeout(REFUSAL_MS) });
        return ((await answer.json()) as { busy: boolean }).busy ? 1 : 0;
      } catch {
        return null;
      }
    },
  };
}

/** Returns the status of a quick answer; null for a server that has taken the job and works on. */
async function post(url: URL, ref: JobRef): Promise<number | null> {
  const headers = { "content-type": "application/json" };
  const signal = AbortSignal.timeout(REFUSAL_MS);
  try {
    return (await fetch(url, { method: "POST", headers, body: JSON.stringify(ref), signal })).status;
  } catch (error) {
    if ((error as Error).name === "TimeoutError") return null;
    throw error;
  }
}
