import { hc } from "hono/client";
import type { Api } from "./app.ts";

/** Client of the API whose requests and answers are typed by the routes. */
export type AdareelClient = ReturnType<typeof adareelClient>;

export interface ClientOptions {
  /** Replaces the global `fetch`. */
  readonly fetch?: typeof fetch;
}

/**
 * Creates a typed client of the API.
 *
 * @param baseUrl  URL of the API, without `/v1`
 *
 * @example
 * const { v1 } = adareelClient(process.env.ADAREEL_URL!, process.env.ADAREEL_API_KEY!);
 * const created = await v1.videos.$post({ json: { prompt: "a red circle moves to the left" } });
 * if (!created.ok) throw new Error(await created.text());
 * const { id, status } = await created.json();
 */
export function adareelClient(baseUrl: string, apiKey: string, { fetch }: ClientOptions = {}) {
  return hc<Api>(baseUrl, { headers: { authorization: `Bearer ${apiKey}` }, ...(fetch && { fetch }) });
}
