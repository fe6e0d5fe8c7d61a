/** @typedef {import("../../schemas/video.ts").Video} Video */
/** @typedef {import("zod").infer<typeof import("../../routes/models.ts").modelSchema>} Model */
/** @typedef {{data: Video[], last_id: string | null, has_more: boolean}} VideoPage */

const KEPT_KEY = "adareel-api-key";

/** A request that got no good answer; `status` is 0 when it got none at all. */
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

/** The key in `#key=…` of the address, which leaves the address bar and the history with it. */
export function takeKeyFromAddress() {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (key !== null) history.replaceState(null, "", location.pathname + location.search);
  return key;
}

/**
 * The JSON that the service answers with.
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
 * The text that the service answers with.
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
  // Other characters cannot be sent in a header.
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
