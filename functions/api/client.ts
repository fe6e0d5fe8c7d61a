import { hc } from "hono/client";
import type { Api } from "./app.ts";

/** A client whose requests and answers are typed by the routes themselves. */
export type AdareelClient = ReturnType<typeof adareelClient>;

export interface ClientOptions {
  /** Takes the place of the global one. */
  readonly fetch?: typeof fetch;
}

/**
 * The API as typed functions: `client.v1.videos.$post({ json: { prompt } })`.
 *
 * @param baseUrl where the API is, without `/v1`
 */
export function adareelClient(baseUrl: string, apiKey: string, { fetch }: ClientOptions = {}) {
  return hc<Api>(baseUrl, { headers: { authorization: `Bearer ${apiKey}` }, ...(fetch && { fetch }) });
}
