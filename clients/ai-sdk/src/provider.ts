import { type FetchFunction, loadApiKey, loadSetting, withoutTrailingSlash } from "@ai-sdk/provider-utils";
import { AdareelVideoModel } from "./video-model.ts";

export interface AdareelProviderSettings {
  /** URL of the service, with or without `/v1`; `ADAREEL_URL` when left out. */
  readonly baseURL?: string;
  /** `ADAREEL_API_KEY` when left out. */
  readonly apiKey?: string;
  /** Headers of every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Replaces the global `fetch`. */
  readonly fetch?: FetchFunction;
}

export interface AdareelProvider {
  /** Returns a video model of the service, by its id in `GET /v1/models`. */
  video(modelId: string): AdareelVideoModel;
}

/**
 * Creates a provider of the AI SDK. Environment variables are read when a request is made.
 *
 * @example
 * const { video } = await experimental_generateVideo({ model: adareel.video("demo"), prompt: "a red circle" });
 */
export function createAdareel({
  baseURL,
  apiKey,
  headers,
  fetch,
}: AdareelProviderSettings = {}): AdareelProvider {
  const provider = "adareel";
  const connection = {
    provider,
    get url() {
      const setting = { settingValue: baseURL, environmentVariableName: "ADAREEL_URL" };
      const url = loadSetting({ ...setting, settingName: "baseURL", description: "The URL of the service" });
      return withoutTrailingSlash(url)!.replace(/\/v1$/, "");
    },
    headers: () => {
      const key = loadApiKey({ apiKey, environmentVariableName: "ADAREEL_API_KEY", description: "Adareel" });
      return { authorization: `Bearer ${key}`, ...headers };
    },
    fetch,
  };
  return { video: (modelId) => new AdareelVideoModel(modelId, connection) };
}

/** Provider that takes its URL and its key from the environment. */
export const adareel: AdareelProvider = createAdareel();
