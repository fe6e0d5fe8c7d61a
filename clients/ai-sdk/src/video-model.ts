import {
  InvalidArgumentError,
  type JSONObject,
  type JSONValue,
  NoSuchModelError,
  type Experimental_VideoModelV4 as VideoModelV4,
} from "@ai-sdk/provider";
import * as z from "zod";
import { copiesOf, type Order, orderOf } from "./order.ts";
import { type CallOptions, type Connection, type Service, type ServiceVideo, serviceOf } from "./service.ts";
import { unlessAborted, type Withdrawal, withdrawal } from "./withdrawal.ts";

/** Maximum number of videos of one call. */
const VIDEOS_MAX = 100;
/** Longest wait that the service is asked for in one request. */
const WAIT_SECONDS = 25;

const operationSchema = z.object({ ids: z.array(z.string()).min(1), isNotified: z.boolean() });

type Operation = z.infer<typeof operationSchema>;
type Start = NonNullable<VideoModelV4["doStart"]>;
type Status = NonNullable<VideoModelV4["doStatus"]>;
type StatusResult = Awaited<ReturnType<Status>>;

/**
 * Video model of the service. It starts videos and asks for them, so that a process may end in between; it has no
 * `doGenerate`, which the core would prefer.
 */
export class AdareelVideoModel implements VideoModelV4 {
  readonly specificationVersion = "v4";
  readonly modelId: string;
  readonly provider: string;
  /** All videos of a call come to one `doStart`: of several, each would get the same seed and make the same video. */
  readonly maxVideosPerCall = Number.MAX_SAFE_INTEGER;
  readonly #service: Service;
  readonly #withdrawals = new Map<string, Withdrawal>();

  constructor(modelId: string, connection: Connection) {
    this.modelId = modelId;
    this.provider = connection.provider;
    this.#service = serviceOf(connection);
  }

  readonly handleWebhookOption: NonNullable<VideoModelV4["handleWebhookOption"]> = async ({ webhook }) => {
    const { url: webhookUrl, received } = await webhook();
    return { webhookUrl, received };
  };

  async doStart(call: Parameters<Start>[0]): Promise<Awaited<ReturnType<Start>>> {
    const { n, abortSignal, webhookUrl, headers } = call;
    if (!Number.isInteger(n) || n < 1 || n > VIDEOS_MAX)
      throw new InvalidArgumentError({
        argument: "n",
        message: `n must be a whole number from 1 to ${VIDEOS_MAX}.`,
      });
    const model = await this.#model({ headers, abortSignal });
    const order = orderOf(call, model);
    const ids: string[] = [];
    const webhook = webhookUrl === undefined ? {} : { webhook_url: webhookUrl };
    const requests = copiesOf(order, n).map((fields) => ({ ...fields, ...webhook }));
    const creation = this.#create(requests, ids, { headers, abortSignal });
    if (abortSignal) {
      // A request under way still makes its video, so the cancellation comes after it.
      const withdraw = () => void creation.catch(() => undefined).then(() => this.#cancel(ids));
      const early = withdrawal(abortSignal, withdraw);
      early.waited();
      await unlessAborted(creation, abortSignal).finally(() => early.end());
      this.#withdrawals.set(ids[0]!, withdrawal(abortSignal, withdraw));
    } else await creation;
    return this.#started({ ids, isNotified: webhookUrl !== undefined }, order);
  }

  async doStatus({ operation, abortSignal, headers }: Parameters<Status>[0]): Promise<StatusResult> {
    const { ids, isNotified } = operationOf(operation);
    const watched = this.#withdrawals.get(ids[0]!);
    if (abortSignal) watched?.waited();
    // After a webhook the core asks once. Of several videos the first that is over sends it, and the others follow.
    const options = {
      headers: { ...headers, ...(isNotified && { prefer: `wait=${WAIT_SECONDS}` }) },
      abortSignal,
    };
    let videos = await this.#read(ids, options);
    while (isNotified && !videos.every(isOver)) videos = await this.#read(ids, options);
    if (!videos.every(isOver)) return { status: "pending", response: this.#response() };
    watched?.end();
    this.#withdrawals.delete(ids[0]!);
    return this.#outcome(videos, options);
  }

  #started(operation: Operation, { warnings }: Order) {
    const providerMetadata = { adareel: { ids: operation.ids } };
    return { operation: { ...operation }, warnings, providerMetadata, response: this.#response() };
  }

  /** @throws NoSuchModelError */
  async #model(options: CallOptions) {
    const models = await this.#service.models(options);
    const model = models.find(({ id }) => id === this.modelId);
    if (model) return model;
    const names = models.map(({ id }) => id).join(", ");
    const message = `This service has no model ${JSON.stringify(this.modelId)}: it has ${names}.`;
    throw new NoSuchModelError({ modelId: this.modelId, modelType: "videoModel", message });
  }

  /**
   * Creates videos one after the other, so that a request which the service refuses is refused before any is made, and
   * adds their ids to `ids`. Each has a key of its own, which is the same when the core starts again.
   */
  async #create(
    requests: Order["fields"][],
    ids: string[],
    { headers, abortSignal }: CallOptions,
  ): Promise<void> {
    for (const [index, fields] of requests.entries()) {
      abortSignal?.throwIfAborted();
      const keyed = requests.length === 1 ? headers : withIndex(headers, index);
      try {
        ids.push((await this.#service.create(fields, keyed)).id);
      } catch (error) {
        // The core starts again after an error that may pass, and then finds these videos by their keys.
        if (!(error as { readonly isRetryable?: boolean }).isRetryable) await this.#cancel(ids);
        throw error;
      }
    }
  }

  #read(ids: readonly string[], options: CallOptions): Promise<ServiceVideo[]> {
    return Promise.all(ids.map((id) => this.#service.read(id, options)));
  }

  /** Cancels videos that nobody wants. What cannot be cancelled is over, or ends by the service's own time limit. */
  async #cancel(ids: readonly string[]): Promise<void> {
    await Promise.allSettled(ids.map((id) => this.#service.cancel(id)));
  }

  /** Returns the videos that were made. Failed ones are a warning beside others, and an error by themselves. */
  async #outcome(videos: readonly ServiceVideo[], options: CallOptions): Promise<StatusResult> {
    const made = videos.filter(({ status }) => status === "completed");
    const failed = videos.filter(({ status }) => status !== "completed");
    const reasons = failed.map(({ id, error }) => `${id}: ${error?.message ?? "The video failed."}`);
    if (made.length === 0) return { status: "error", error: reasons.join(" "), response: this.#response() };
    const downloads = await Promise.all(made.map(({ id }) => this.#service.download(id, options)));
    const message = `${failed.length} of ${videos.length} videos failed: ${reasons.join(" ")}`;
    return {
      status: "completed",
      videos: downloads.map(({ data, mediaType }) => ({ type: "binary", data, mediaType })),
      warnings: failed.length === 0 ? [] : [{ type: "other", message }],
      providerMetadata: { adareel: { videos: made.map(described) } },
      response: this.#response(),
    };
  }

  #response() {
    return { timestamp: new Date(), modelId: this.modelId, headers: undefined };
  }
}

function operationOf(operation: JSONValue): Operation {
  const parsed = operationSchema.safeParse(operation);
  if (parsed.success) return parsed.data;
  const message = "This operation is not one of Adareel: pass on what startVideo returned.";
  throw new InvalidArgumentError({ argument: "operation", message, cause: parsed.error });
}

function isOver({ status }: ServiceVideo): boolean {
  return status === "completed" || status === "failed";
}

function described({ id, size, seconds, params, compute }: ServiceVideo): JSONObject {
  return { id, size, seconds: Number(seconds), seed: params.seed, compute: (compute ?? null) as JSONValue };
}

/** Returns the headers of one of several videos: its idempotency key is the call's, with the number of the video. */
function withIndex(headers: CallOptions["headers"] = {}, index: number): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) =>
      name.toLowerCase() === "idempotency-key" && value !== undefined
        ? [name, `${value}-${index}`]
        : [name, value],
    ),
  );
}
