import { withLoras } from "../lora/index.ts";
import {
  buildForecast,
  buildFull,
  buildReuse,
  type CutOptions,
  cutNames,
  type DiffusionTransformer,
  diffusionTransformer,
  type GraphSignalName,
  guidanceBatch,
  type VideoShape,
} from "../models/index.ts";
import { type Graph, type Session, usesMachineMemory } from "../onnx/index.ts";
import { limitsWith, type ResolvedRequest } from "../request/index.ts";
import type { DenoisingSessions } from "./denoiser.ts";
import type { OpenedLoras } from "./model/open-loras.ts";
import { elements, graphWeights, type OpenedPart } from "./model/opened-part.ts";
import { usableBytes } from "./model/part-memory.ts";
import { type ModelParts, openGraph, type PipelineOptions } from "./model/parts.ts";
import type { QuantizationCheck } from "./model/quantization-check.ts";

/** Transformers that denoise one shape of video, one after another. */
export interface Experts {
  readonly transformers: readonly DiffusionTransformer[];
  /**
   * Returns the sessions of a transformer, which are opened if they are not open. They stay open until `release`.
   *
   * @throws CheckpointError if weights do not match their config
   */
  open(index: number): Promise<DenoisingSessions>;
  isOpen(index: number): boolean;
  /** Returns the graphs of the sessions of a transformer. */
  graphs(index: number): readonly Graph[];
  /** Options with which the graphs of a transformer are built. */
  cut(index: number): CutOptions;
  /** Opens a session on a graph built with the options of `cut`. The caller releases it. */
  openGraph(index: number, graph: Graph): Promise<Session>;
  /** Releases the sessions of a transformer, if they are open. */
  release(index: number): Promise<void>;
}

/**
 * Returns the guidance scale of each transformer. The first one that a request names applies to both, unless it names
 * another for the second. The model may have a default of its own for the second. Where a first scale of 1 or
 * less does not guide, it is 1 for both transformers, as in the pipelines of diffusers.
 */
export function guidanceScales(
  { limits, transformers, guidesBelowOne }: Pick<ModelParts, "limits" | "transformers" | "guidesBelowOne">,
  request: Pick<ResolvedRequest, "guidanceScale" | "guidanceScale2" | "loras">,
): number[] {
  const { guidanceScale, guidanceScale2 } = request;
  const usual = limitsWith(request, limits);
  if (guidanceScale <= 1 && !guidesBelowOne) return transformers.map(() => 1);
  const isDefault = guidanceScale === usual.guidance_scale;
  const second = guidanceScale2 ?? (isDefault ? usual.guidance_scale_2 : undefined) ?? guidanceScale;
  return transformers.map((_, index) => (index === 0 ? guidanceScale : second));
}

/** Needs of policies, which graphs have to meet. */
export interface GraphNeeds {
  /** Signals that every computed step measures. */
  readonly signals: ReadonlySet<GraphSignalName>;
  /** True if reused steps may forecast their residual. */
  readonly forecasts: boolean;
  /** True if the host reads residuals and probes, so that they do not stay on a GPU between two steps. */
  readonly readsResiduals: boolean;
}

/** Needs of the graphs of each transformer. */
export interface ExpertNeeds extends GraphNeeds {
  /** Checks of each transformer in 8-bit integers; null in other precisions. */
  readonly quantization: readonly QuantizationCheck[] | null;
  /** Guidance scales, which decide the batch. */
  readonly scales: readonly number[];
  readonly loras: OpenedLoras["applied"];
}

/**
 * Prepares the transformers of a model for one shape of video; opens no session.
 *
 * @throws RangeError for a shape that a transformer cannot make
 */
export function expertsFor(
  { transformers: parts, options }: Pick<ModelParts, "transformers" | "options">,
  video: VideoShape,
  { scales, loras, signals, forecasts, readsResiduals, quantization }: ExpertNeeds,
): Experts {
  const weights = parts.map((part, index) => withLoras(graphWeights(part), loras[index] ?? []));
  const transformers = parts.map((part) => diffusionTransformer(part, video));
  const holdsCopies = copiesFit(parts, options);
  const keptOutputs = readsResiduals ? [] : [cutNames.residual, cutNames.probe];
  const opened = new Map<number, Session[]>();
  const cut = (index: number): CutOptions => ({
    weights: weights[index]!,
    ...options,
    holdsCopies,
    batch: guidanceBatch(scales[index]!),
    ...(quantization && { floatBlocks: quantization[index]!.floatBlocks }),
  });

  async function release(index: number): Promise<void> {
    const sessions = opened.get(index) ?? [];
    opened.delete(index);
    for (const session of sessions) await session.release();
  }

  function graphs(index: number): Graph[] {
    const transformer = transformers[index]!;
    const full = buildFull(transformer, { ...cut(index), signals });
    weights[index]!.checkAllUsed(transformer.otherTensors);
    const reuse = buildReuse(transformer, cut(index));
    return [full, reuse, ...(forecasts ? [buildForecast(transformer, cut(index))] : [])];
  }

  async function openCuts(index: number): Promise<Session[]> {
    const sessions: Session[] = [];
    opened.set(index, sessions);
    try {
      for (const graph of graphs(index)) {
        sessions.push(await openGraph(graph, weights[index]!, options, keptOutputs));
      }
      return sessions;
    } catch (error) {
      await release(index);
      throw error;
    }
  }

  return {
    transformers,
    async open(index) {
      const [full, reuse, forecast = null] = opened.get(index) ?? (await openCuts(index));
      return { full: full!, reuse: reuse!, forecast, signals };
    },
    isOpen: (index) => opened.has(index),
    graphs,
    cut,
    openGraph: (index, graph) => openGraph(graph, weights[index]!, options),
    release,
  };
}

/**
 * Returns whether the sessions of transformers hold float32 copies of 16-bit weights, which makes products on the CPU
 * up to a quarter faster: if copies of all transformers take up to half of the memory.
 */
function copiesFit(parts: readonly OpenedPart[], options: PipelineOptions): boolean {
  if (!usesMachineMemory(options.provider)) return false;
  const bytes = parts.reduce((sum, { weights }) => sum + 4 * elements(weights), 0);
  return bytes <= (usableBytes(options) ?? 0) / 2;
}
