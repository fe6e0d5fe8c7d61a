/** @typedef {import("../../schemas/video.ts").Video} Video */
/** @typedef {import("../../schemas/video.ts").VideoEvents} VideoEvents */
/** @typedef {import("zod").infer<typeof import("../../routes/models.ts").modelSchema>} Model */
/** @typedef {{data: Video[], last_id: string | null, has_more: boolean}} VideoPage */

const KEPT_KEY = "adareel-api-key";

/** Error of a request that failed; `status` is 0 if there was no response at all. */
export class RequestFailure extends Error {
  /**
   * @param {string} message
   * @param {{status: number, param?: string | null}} how
   */
  constructor(message, { status, param = null }) {
    super(message);
    this.status = status;
    this.param = param;
  }
}

/**
 * Returns whether the same request may succeed later: the service is stopped, busy or restarting.
 *
 * @param {unknown} error
 */
export const isPassing = (error) =>
  error instanceof RequestFailure && (error.status === 0 || error.status === 429 || error.status >= 500);

/**
 * Returns whether a request was given up for another one.
 *
 * @param {unknown} error
 */
export const isGivenUp = (error) => /** @type {Error} */ (error).name === "AbortError";

export const keptKey = () => sessionStorage.getItem(KEPT_KEY) ?? "";

/** @param {string} key */
export const keepKey = (key) => sessionStorage.setItem(KEPT_KEY, key);

/** @typedef {{body?: object, signal?: AbortSignal, headers?: Record<string, string>}} Options */

/**
 * Sends a request and returns the JSON of its response.
 *
 * @template Answer
 * @param {"GET" | "POST" | "DELETE"} method
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<Answer>}
 * @throws {RequestFailure}
 */
export async function request(method, path, options = {}) {
  return (await send(method, path, options)).json();
}

/**
 * Gets a path and returns the text of the response.
 *
 * @param {string} path
 * @param {AbortSignal} signal
 */
export async function requestText(path, signal) {
  return (await send("GET", path, { signal })).text();
}

/**
 * Opens a stream of events after the one with this id, and returns its body; null if there is nothing more to come.
 *
 * @param {string} path
 * @param {string} lastId
 * @param {AbortSignal} signal
 * @throws {RequestFailure} with the status 200 if the answer is no stream
 */
export async function requestStream(path, lastId, signal) {
  const response = await send("GET", path, { signal, headers: lastId ? { "last-event-id": lastId } : {} });
  if (response.status === 204) return null;
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream");
  if (!isStream || !response.body) throw new RequestFailure("There is no stream.", { status: 200 });
  return response.body;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {Options} options
 */
async function send(method, path, { body, signal, headers }) {
  const key = checkedKey();
  const sent = body && encoded(body);
  const response = await fetch(path, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(typeof sent === "string" && { "content-type": "application/json" }),
      ...headers,
    },
    ...(sent && { body: sent }),
    ...(signal && { signal }),
  }).catch((error) => {
    if (isGivenUp(error)) throw error;
    throw new RequestFailure("The service does not answer.", { status: 0 });
  });
  if (response.ok) return response;
  const { status } = response;
  if (status === 401) throw refusedKey(key);
  const problem = await response.json().catch(() => null);
  const message = problem?.error?.message ?? `The service answered ${status}.`;
  throw new RequestFailure(message, { status, param: problem?.error?.param });
}

/**
 * Encodes a body as JSON, or as a form if it holds files.
 *
 * @param {object} body
 */
function encoded(body) {
  const fields = Object.entries(body).filter(([, value]) => value !== undefined);
  if (!fields.some(([, value]) => value instanceof File)) return JSON.stringify(body);
  const form = new FormData();
  for (const [name, value] of fields)
    form.append(name, value instanceof File || typeof value !== "object" ? value : JSON.stringify(value));
  return form;
}

/** Name of the event that tells the page that the service refuses the key which it uses. */
export const KEY_REFUSED = "adareel-key-refused";

/** @param {string} key that the refused request carried */
function refusedKey(key) {
  const failure = new RequestFailure(
    "The service does not know this key: copy it whole, or make another one if it was revoked.",
    { status: 401, param: "key" },
  );
  if (key === keptKey()) dispatchEvent(new CustomEvent(KEY_REFUSED, { detail: failure }));
  return failure;
}

/** @throws {RequestFailure} if the kept key cannot be one; a header could not carry some of its characters */
function checkedKey() {
  const key = keptKey();
  if (/^adr_[\x21-\x7e]+$/.test(key)) return key;
  const message = key === "" ? "Enter an API key." : "An API key begins with adr_ and has no spaces.";
  throw new RequestFailure(message, { status: 401, param: "key" });
}
