import * as z from "zod";
import { isFinished } from "../../../lib/service/jobs/index.ts";
import type { Quote } from "../../../lib/service/quotes/index.ts";
import { hash } from "../claim.ts";
import type { ApiDeps } from "../env.ts";
import { check } from "../middleware/body.ts";
import { orderVideo } from "../order-video.ts";
import { withPictureNames } from "../picture-fields.ts";
import { picturesOf } from "../pictures.ts";
import { ApiError } from "../problem.ts";
import { quoteVideo } from "../quote-video.ts";
import { resolveVideo } from "../resolve-video.ts";
import { modelSchema, modelView } from "../routes/models.ts";
import { videoQuoteSchema } from "../schemas/quote.ts";
import { videoSchema } from "../schemas/video.ts";
import { videoCreateSchema } from "../schemas/video-request.ts";
import type { VideoAnswers } from "../video-answers.ts";
import { cancelVideo, untilOver } from "../video-life.ts";
import { quoteTokens } from "./quote-token.ts";
import { type Caller, type Tool, tool } from "./tool.ts";
import { videoArguments } from "./video-arguments.ts";

/** Longest wait of `get_video`: clients give up after a minute, and a function at the edge after half of one. */
const WAIT_SECONDS_MAX = 20;
/** Time for which a quote that was used names its video. */
const CLAIM_LIFETIME_MS = 24 * 3_600_000;

const id = z.string().max(64).describe("Id of the video, as make_video returned it.");

const seen = videoSchema.pick({
  id: true,
  status: true,
  progress: true,
  queue_position: true,
  seconds_left: true,
  model: true,
  size: true,
  seconds: true,
  error: true,
  url: true,
  url_expires_at: true,
});

type Seen = z.infer<typeof seen>;

/** Makes the tools of the API. */
export function mcpTools(deps: ApiDeps, answers: VideoAnswers): readonly Tool[] {
  const tokens = quoteTokens(deps.ring.derivedKey("mcp quotes"), deps);
  const wanted = videoArguments(deps);
  const whole = videoCreateSchema(deps.limits.promptCharactersMax);

  /** Returns what the routes make of a request with these arguments. @throws ApiError */
  function orderOf(args: object, { principal }: Caller) {
    const request = check(whole, args, "The call");
    const pictures = picturesOf(request, principal.tenant, deps);
    return { request, pictures, params: resolveVideo(withPictureNames(request), deps) };
  }

  async function found({ id }: { readonly id: string }, { principal }: Caller) {
    return answers.find(principal.tenant, id);
  }

  return [
    tool({
      name: "list_models",
      title: "List the video models",
      description:
        "Lists the models of this service with the sizes, numbers of frames and frame rates that they take, the default " +
        "first, and their LoRAs. Call it before you choose any of these.",
      input: z.strictObject({}),
      output: z.object({
        models: z.array(modelSchema.omit({ object: true, created: true, owned_by: true })),
      }),
      hints: { readOnlyHint: true },
      run: async () => {
        const models = deps.models.map(modelView);
        return { said: `${models.length} of them; the first is the default.`, result: { models } };
      },
    }),
    tool({
      name: "quote_video",
      title: "Quote a video",
      description:
        "Says how long a video should take and what it should cost, and makes nothing. It comes first: make_video wants its " +
        "quote. Tell the user seconds and cost before you make a video.",
      input: wanted,
      output: videoQuoteSchema
        .omit({ object: true })
        .extend({ quote: z.string(), quote_expires_at: z.int().describe("Seconds since 1970.") }),
      hints: { readOnlyHint: true },
      run: async (args, caller) => {
        const { params } = orderOf(args, caller);
        const { object: _, ...quoted } = await quoteVideo(deps, { principal: caller.principal, params });
        const { token, expiresAt } = tokens.sign(caller.principal, args);
        return {
          said: `${quoteSentence(quoted)} To make it, call make_video with the same arguments and this quote, within half an hour.`,
          result: { ...quoted, quote: token, quote_expires_at: Math.floor(expiresAt / 1000) },
        };
      },
    }),
    tool({
      name: "make_video",
      title: "Make a video",
      description:
        "Begins a video that quote_video has quoted, and answers at once: the video is not ready then. One quote makes one " +
        "video, however often it is used, so a call may be repeated after an error. Follow it with get_video.",
      input: wanted.extend({
        quote: z.string().max(200).describe("The quote of quote_video for these arguments."),
      }),
      output: z.object({
        ...seen.shape,
        is_repetition: z.boolean().describe("Whether an earlier call began it."),
      }),
      hints: { readOnlyHint: false, destructiveHint: false, idempotentHint: true },
      run: async ({ quote, ...args }, caller) => {
        const read = tokens.read(quote, caller.principal, args);
        if (!read.ok) throw new ApiError("invalid_value", read.reason, { param: "quote" });
        const { request, pictures, params } = orderOf(args, caller);
        const { record, isReplay } = await orderVideo(deps, {
          principal: caller.principal,
          params,
          pictures: pictures.read,
          timeoutSeconds: request.timeout,
          metadata: {},
          webhook: null,
          claim: {
            scope: hash(`mcp\n${quote}`),
            fingerprint: hash(quote),
            lifetimeMs: CLAIM_LIFETIME_MS,
            isFirst: false,
          },
        });
        if (record.deletedAt !== null)
          throw new ApiError(
            "video_expired",
            "The video of this quote was deleted: call quote_video to make another.",
          );
        if (!isReplay) deps.quotes.positions.joined(record);
        const video = await answers.of(record);
        return { said: videoSentence(video), result: { ...video, is_repetition: isReplay } };
      },
    }),
    tool({
      name: "get_video",
      title: "Look at a video",
      description:
        "Says how far a video is, and where it can be downloaded once it is completed. Give wait_seconds rather than calling " +
        "it again and again.",
      input: z.strictObject({
        id,
        wait_seconds: z
          .int()
          .min(0)
          .max(WAIT_SECONDS_MAX)
          .default(0)
          .describe("Answers when the video is over, or after so many seconds."),
      }),
      output: seen,
      hints: { readOnlyHint: true },
      run: async ({ id, wait_seconds: seconds }, caller) => {
        const record = await found({ id }, caller);
        const video = await answers.of(await untilOver(deps, record, { seconds, signal: caller.signal }));
        return { said: videoSentence(video), result: video };
      },
    }),
    tool({
      name: "cancel_video",
      title: "Cancel a video",
      description: "Stops a video that is not finished. A video that is over stays as it is.",
      input: z.strictObject({ id }),
      output: seen,
      hints: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
      run: async (args, caller) => {
        const record = await found(args, caller);
        const after = await cancelVideo(deps, record);
        const video = await answers.of(after);
        const said = isFinished(record) ? `It was over before. ${videoSentence(video)}` : "It is cancelled.";
        return { said, result: video };
      },
    }),
  ];
}

function quoteSentence({ seconds, cost }: Quote): string {
  if (!seconds) return "Nothing like it was made here before, so nobody knows how long it takes.";
  const range = `This video should take about ${round(seconds.expected)} s (${round(seconds.low)} to ${round(seconds.high)} s)`;
  return cost
    ? `${range} and cost about $${money(cost.usd.expected)} (at most $${money(cost.usd.high)}).`
    : `${range}.`;
}

function round(seconds: number): string {
  return String(seconds < 10 ? Number(seconds.toPrecision(2)) : Math.round(seconds));
}

function money(usd: number): string {
  return String(Number(usd.toPrecision(2)));
}

function videoSentence({
  id,
  status,
  progress,
  queue_position: ahead,
  seconds_left: left,
  error,
}: Seen): string {
  switch (status) {
    case "queued":
      return `The video ${id} waits${ahead === null ? "" : `, ${ahead} before it`}: call get_video with wait_seconds.`;
    case "in_progress": {
      const rest = left === null ? "" : `, about ${round(left)} s left`;
      return `The video ${id} is being made, ${progress} % done${rest}: call get_video with wait_seconds.`;
    }
    case "completed":
      return `The video ${id} is there: give the user its url, which works for an hour at most; get_video makes a new one.`;
    default:
      return `The video ${id} failed: ${error?.message ?? "nobody knows why."}`;
  }
}
