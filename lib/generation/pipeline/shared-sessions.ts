import type { CachePolicy } from "../caching/index.ts";
import { guidanceBatch, precisionOf } from "../models/index.ts";
import type { ResolvedRequest } from "../request/index.ts";
import { type GraphNeeds, guidanceScales } from "./experts.ts";
import type { OpenedLoras } from "./model/open-loras.ts";
import type { ModelParts } from "./model/parts.ts";
import { checkQuantization, type QuantizationCheck } from "./model/quantization-check.ts";
import type { Observer } from "./observer.ts";
import { graphSignalsOf } from "./signals.ts";
import { type VideoSessions, videoSessions } from "./video-sessions.ts";

/** Sessions of the last shape of video, which stay open for the next video of that shape. */
export class SharedSessions {
  readonly #model: ModelParts;
  readonly #observer: Observer | undefined;
  #last: { readonly key: string; readonly needs: GraphNeeds; readonly sessions: VideoSessions } | null = null;
  #checking: Promise<readonly QuantizationCheck[]> | null = null;

  constructor(model: ModelParts, observer: Observer | undefined) {
    this.#model = model;
    this.#observer = observer;
  }

  /** Compares the blocks in 8-bit integers with float32, once; null in other precisions. */
  async quantization(): Promise<readonly QuantizationCheck[] | null> {
    if (precisionOf(this.#model.options) !== "int8") return null;
    this.#checking ??= checkQuantization(this.#model);
    return this.#checking;
  }

  /**
   * Returns the sessions of a request, none of which need be open. It releases those of another shape before, and those
   * that lack a signal or the forecasts of the policy.
   *
   * @throws the errors of `videoSessions`
   */
  async of(request: ResolvedRequest, policy: CachePolicy, loras: OpenedLoras): Promise<VideoSessions> {
    const key = shapeKey(this.#model, request, loras);
    const needed = [...graphSignalsOf(policy.signals), ...(this.#observer?.signals ?? [])];
    const forecasts = (policy.residuals ?? 1) > 1;
    const last = this.#last?.key === key ? this.#last : null;
    const suffices =
      needed.every((name) => last?.needs.signals.has(name)) && (last?.needs.forecasts || !forecasts);
    if (last && suffices) return last.sessions;
    const needs = {
      signals: new Set([...needed, ...(last?.needs.signals ?? [])]),
      forecasts: forecasts || (last?.needs.forecasts ?? false),
      readsResiduals: this.#observer !== undefined,
    };
    await this.release();
    const quantization = await this.quantization();
    const sessions = videoSessions(this.#model, request, { ...needs, loras, quantization });
    this.#last = { key, needs, sessions };
    return sessions;
  }

  async release(): Promise<void> {
    const last = this.#last;
    this.#last = null;
    await last?.sessions.release();
  }
}

/** Returns the key of the requests that share sessions. */
export function shapeKey(model: ModelParts, request: ResolvedRequest, loras: OpenedLoras): string {
  const { width, height, frames, fps, image, lastImage } = request;
  const batches = guidanceScales(model, request).map((scale) => guidanceBatch(scale));
  const pictures = [image !== undefined, lastImage !== undefined];
  return [width, height, frames, fps, ...pictures, ...batches, loras.key].join();
}
