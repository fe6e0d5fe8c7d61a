import { HubError } from "./hub-error.ts";

/** Subject of a request to the hub, named in error messages. */
export interface RequestSubject {
  readonly url: string;
  /** Id of the repository. */
  readonly id: string;
  readonly token: string | undefined;
}

export interface HubFetch {
  readonly fetch: typeof fetch;
  /** Error of the last request, if it failed. */
  failure(): Error | undefined;
}

/** Error for a response after which a retry may succeed. */
class TransientError extends Error {
  override readonly name = "TransientError";
}

/** Returns true if a request may be retried: for every error except a final refusal of the hub and an abort. */
export function isRetryable(error: unknown): boolean {
  return !(error instanceof HubError) && !(error instanceof Error && error.name === "AbortError");
}

/** Wraps `fetch` so that it rejects if the hub refuses, with the reason in words for a user. */
export function hubFetch(subject: RequestSubject): HubFetch {
  let failure: Error | undefined;
  return {
    async fetch(input, init) {
      failure = undefined;
      try {
        const response = await fetch(input, init);
        const refused = refusal(subject, response) ?? ignoredRange(subject, response, init);
        if (!refused) return response;
        await response.body?.cancel();
        throw refused;
      } catch (error) {
        failure = error as Error;
        throw error;
      }
    },
    failure: () => failure,
  };
}

function refusal({ url, id, token }: RequestSubject, response: Response): Error | undefined {
  const { ok, status, headers } = response;
  if (ok) return undefined;
  const code = headers.get("X-Error-Code");
  const page = `${url}/${id}`;
  // Files are served from other hosts under addresses that expire: a retry is given a new address.
  const isHub = new URL(response.url).origin === new URL(url).origin;
  if (!isHub || status === 429 || status >= 500) return new TransientError(`it answers ${status}`);
  if (code === "GatedRepo") {
    const account = token
      ? "with the account of your HF_TOKEN"
      : "and set HF_TOKEN to a token of your account";
    return new HubError(
      `The licence of ${id} has to be accepted first: visit ${page}, accept it ${account}.`,
    );
  }
  if (code === "RevisionNotFound") return new HubError(`${page} has no such revision.`);
  if (code === "EntryNotFound") return new HubError(`${page} lacks a file that it lists (${response.url}).`);
  if (status === 401 || status === 403 || status === 404) {
    const who = token ? "that your HF_TOKEN may read" : "that is public; HF_TOKEN opens others";
    return new HubError(`The hub has no repository ${id} ${who}.`);
  }
  return new HubError(`${page} cannot be read (the hub answers ${status}).`);
}

/** Returns an error if the server ignored the range: the whole file would be written in the place of the part. */
function ignoredRange({ url }: RequestSubject, { status }: Response, init?: RequestInit): Error | undefined {
  const asked = new Headers(init?.headers).has("Range");
  return asked && status !== 206 ? new HubError(`${url} does not give ranges of files.`) : undefined;
}
