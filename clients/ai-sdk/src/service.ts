import {
  combineHeaders,
  createBinaryResponseHandler,
  createJsonErrorResponseHandler,
  createJsonResponseHandler,
  type FetchFunction,
  getFromApi,
  postJsonToApi,
} from "@ai-sdk/provider-utils";
import * as z from "zod";

/** Where the service is, and what each request to it carries. */
export interface Connection {
  readonly provider: string;
  /** URL without `/v1`. */
  readonly url: string;
  /** Headers of every request, the key among them. */
  readonly headers: () => Record<string, string | undefined>;
  readonly fetch: FetchFunction | undefined;
}

export interface CallOptions {
  readonly headers?: Record<string, string | undefined> | undefined;
  readonly abortSignal?: AbortSignal | undefined;
}

const models = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      sizes: z.array(z.string()).min(1),
      num_frames: z.array(z.number()).min(1),
      fps: z.array(z.number()).min(1),
    }),
  ),
});

/** Model of the service with the values that it takes; the first of each list is its own choice. */
export type Model = z.infer<typeof models>["data"][number];

const video = z.object({
  id: z.string(),
  status: z.string(),
  size: z.string(),
  seconds: z.string(),
  error: z.object({ message: z.string() }).nullish(),
  params: z.object({ seed: z.number() }),
  compute: z.json().nullish(),
});

/** Video as far as this provider reads it. */
export type ServiceVideo = z.infer<typeof video>;

const content = z.object({ url: z.string() });

const problem = z.object({ error: z.object({ message: z.string() }) });

/** Refusals that no repetition changes: of 409 the core would send a request again. */
const refused = createJsonErrorResponseHandler({
  errorSchema: problem,
  errorToMessage: ({ error }) => error.message,
  isRetryable: ({ status, headers }) =>
    headers.get("x-should-retry") !== "false" && (status === 408 || status === 429 || status >= 500),
});

/** Requests to the service. They throw APICallError, with the service's own sentence as message. */
export function serviceOf(connection: Connection) {
  const { headers: own } = connection;
  const transport = connection.fetch ? { fetch: connection.fetch } : {};
  const withOwn = (headers: CallOptions["headers"]) => combineHeaders(own(), headers);

  async function get<T>(
    path: string,
    schema: z.ZodType<T>,
    { headers, abortSignal }: CallOptions,
  ): Promise<T> {
    const { value } = await getFromApi({
      url: `${connection.url}/v1/${path}`,
      headers: withOwn(headers),
      successfulResponseHandler: createJsonResponseHandler(schema),
      failedResponseHandler: refused,
      validateUrl: false,
      ...(abortSignal && { abortSignal }),
      ...transport,
    });
    return value;
  }

  async function post(path: string, body: object, headers: CallOptions["headers"]): Promise<ServiceVideo> {
    const { value } = await postJsonToApi({
      url: `${connection.url}/v1/${path}`,
      headers: withOwn(headers),
      body,
      successfulResponseHandler: createJsonResponseHandler(video),
      failedResponseHandler: refused,
      ...transport,
    });
    return value;
  }

  return {
    models: async (options: CallOptions) => (await get("models", models, options)).data,
    create: (fields: object, headers: CallOptions["headers"]) => post("videos", fields, headers),
    read: (id: string, options: CallOptions) => get(`videos/${id}`, video, options),
    cancel: (id: string) => post(`videos/${id}/cancel`, {}, {}),
    /** Downloads a video: the bytes come from a signed URL, to which the key is not sent. */
    async download(id: string, options: CallOptions): Promise<{ data: Uint8Array; mediaType: string }> {
      const signed = await get(`videos/${id}/content?redirect=false`, content, options);
      const { value: data, responseHeaders } = await getFromApi({
        url: signed.url,
        successfulResponseHandler: createBinaryResponseHandler(),
        failedResponseHandler: refused,
        // The URL is of the service that the developer configured, which may be on a private network.
        validateUrl: false,
        ...(options.abortSignal && { abortSignal: options.abortSignal }),
        ...transport,
      });
      return { data, mediaType: responseHeaders?.["content-type"] ?? "video/mp4" };
    },
  };
}

export type Service = ReturnType<typeof serviceOf>;
