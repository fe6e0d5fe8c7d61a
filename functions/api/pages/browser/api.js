/** @typedef {import("../../schemas/video.ts").Video} Video */
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

export const keptKey = () => sessionStorage.getItem(KEPT_KEY) ?? "";

/** @param {string} key */
export const keepKey = (key) => sessionStorage.setItem(KEPT_KEY, key);

/** Returns the key in `#key=…` of the address, and removes it from the address bar and the history. */
export function takeKeyFromAddress() {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (key !== null) history.replaceState(null, "", location.pathname + location.search);
  return key;
}

/**
 * Sends a request and returns the JSON of its response.
 *
 * @template Answer
 * @param {"GET" | "POST"} method
 * @param {string} path
 * @param {{body?: object, signal?: AbortSignal}} [options]
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
 * @param {string} method
 * @param {string} path
 * @param {{body?: object, signal?: AbortSignal}} options
 */
async function send(method, path, { body, signal }) {
  const key = keptKey();
  // A header can carry no other characters.
  if (!/^[\x21-\x7e]+$/.test(key))
    throw new RequestFailure("This is not an API key.", { status: 401, param: "key" });
  const response = await fetch(path, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body && { "content-type": "application/json" }) },
    ...(body && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  }).catch((error) => {
    if (error.name === "AbortError") throw error;
    throw new RequestFailure("The service does not answer.", { status: 0 });
  });
  if (response.ok) return response;
  const problem = await response.json().catch(() => null);
  throw new RequestFailure(problem?.error?.message ?? `The service answered ${response.status}.`, {
    status: response.status,
    param: response.status === 401 ? "key" : problem?.error?.param,
  });
}
