import { pause } from "./pause.ts";

const RETRIES_MAX = 2;
const FIRST_WAIT_MS = 500;
const WAIT_MS_MAX = 60_000;
const TEMPORARY = new Set([408, 429, 500, 502, 503, 504]);

/**
 * Wraps `fetch` so that requests are sent again, twice at most, after a broken connection or an answer that says that
 * the trouble is temporary. Requests that would act twice are sent once: a POST is repeated only with an
 * `Idempotency-Key`.
 */
export function retrying(send: typeof fetch): typeof fetch {
  return async (input, init) => {
    for (let retries = 0; ; retries++) {
      const isLast = retries === RETRIES_MAX || !isRepeatable(init);
      const { answer, error } = await settled(send(input, init));
      init?.signal?.throwIfAborted();
      if (isLast && error) throw error;
      if (answer && (isLast || !isTemporary(answer))) return answer;
      await answer?.body?.cancel();
      await pause(waitMs(answer, retries), init?.signal ?? undefined);
    }
  };
}

/** Returns the answer or the error. An answer need not be an instance of `Response`: frameworks replace that class. */
function settled(sent: Promise<Response>) {
  return sent.then(
    (answer) => ({ answer, error: null }),
    (error: unknown) => ({ answer: null, error }),
  );
}

function isRepeatable(init: RequestInit | undefined): boolean {
  const method = init?.method?.toUpperCase() ?? "GET";
  return method !== "POST" || new Headers(init?.headers).has("idempotency-key");
}

function isTemporary(answer: Response): boolean {
  return TEMPORARY.has(answer.status) && answer.headers.get("x-should-retry") !== "false";
}

function waitMs(answer: Response | null, retries: number): number {
  const asked = Number(answer?.headers.get("retry-after") ?? Number.NaN);
  // Clients that failed together do not come back together.
  const own = FIRST_WAIT_MS * 2 ** retries * (0.5 + Math.random() / 2);
  return Math.min(Number.isFinite(asked) ? asked * 1000 : own, WAIT_MS_MAX);
}
