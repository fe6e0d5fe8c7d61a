import { hc } from "hono/client";
import type { Api } from "./app.ts";

/** Client whose requests and answers are typed by the routes. */
export type AdareelClient = ReturnType<typeof adareelClient>;

export interface ClientOptions {
  /** Replaces the global `fetch`. */
  readonly fetch?: typeof fetch;
}

/**
 * Creates a typed client of the API: `client.v1.videos.$post({ json: { prompt } })`.
 *
 * @param baseUrl  URL of the API, without `/v1`
 */
export function adareelClient(baseUrl: string, apiKey: string, { fetch }: ClientOptions = {}) {
  return hc<Api>(baseUrl, { headers: { authorization: `Bearer ${apiKey}` }, ...(fetch && { fetch }) });
}
