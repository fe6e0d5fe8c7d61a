import { totalmem } from "node:os";
import { withLoras } from "../lora/index.ts";
import {
  buildForecast,
  buildFull,
  buildReuse,
  type CutOptions,
  type DiffusionTransformer,
  diffusionTransformer,
  type GraphSignalName,
  guidanceBatch,
  precisionOf,
  type VideoShape,
} from "../models/index.ts";
import { type Graph, type Session, usesMachineMemory } from "../onnx/index.ts";
import { limitsWith, type ResolvedRequest } from "../request/index.ts";
import type { DenoisingSessions } from "./denoiser.ts";
import type { OpenedLoras } from "./model/open-loras.ts";
import { type ModelParts, type OpenedPart, openGraph, type PipelineOptions } from "./model/parts.ts";

/** Transformers that denoise one shape of video, one after another. */
export interface Experts {
  readonly transformers: readonly DiffusionTransformer[];
  /**
   * Returns the sessions of a transformer, which are opened if they are not open. They stay open until `release`. If
   * memory is too small for all transformers, opening one closes the others.
   *
   * @throws CheckpointError if weights do not match their config
   */
  open(index: number): Promise<DenoisingSessions>;
  /** Options with which the graphs of a transformer are built. */
  cut(index: number): CutOptions;
  /** Opens a session on a graph built with the options of `cut`. The caller releases it. */
  openGraph(index: number, graph: Graph): Promise<Session>;
  release(): Promise<void>;
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
}

/** Needs of the graphs of each transformer. */
export interface ExpertNeeds extends GraphNeeds {
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
  { scales, loras, signals, forecasts }: ExpertNeeds,
): Experts {
  const weights = parts.map((part, index) => withLoras(part.weights, loras[index] ?? []));
  const transformers = parts.map((part) => diffusionTransformer(part, video));
  const staysOpen = parts.length === 1 || fitTogether(parts, options);
  const opened = new Map<number, Session[]>();
  const cut = (index: number): CutOptions => ({
    weights: weights[index]!,
    ...options,
    batch: guidanceBatch(scales[index]!),
  });

  async function release(): Promise<void> {
    const sessions = [...opened.values()].flat();
    opened.clear();
    for (const session of sessions) await session.release();
  }

  async function openCuts(index: number): Promise<Session[]> {
    const [transformer, own] = [transformers[index]!, weights[index]!];
    const sessions: Session[] = [];
    opened.set(index, sessions);
    const open = async (graph: Graph) => sessions.push(await openGraph(graph, own, options));
    try {
      const full = buildFull(transformer, { ...cut(index), signals });
      own.checkAllUsed(transformer.otherTensors);
      await open(full);
      await open(buildReuse(transformer, cut(index)));
      if (forecasts) await open(buildForecast(transformer, cut(index)));
      return sessions;
    } catch (error) {
      await release();
      throw error;
    }
  }

  return {
    transformers,
    async open(index) {
      if (!opened.has(index) && !staysOpen) await release();
      const [full, reuse, forecast = null] = opened.get(index) ?? (await openCuts(index));
      return { full: full!, reuse: reuse!, forecast, signals };
    },
    cut,
    openGraph: (index, graph) => openGraph(graph, weights[index]!, options),
    release,
  };
}

/**
 * Returns whether all transformers fit into half of the memory; the other half is left to activations. The memory of a
 * GPU is not known here, so that by default they do not fit.
 */
function fitTogether(parts: readonly OpenedPart[], options: PipelineOptions): boolean {
  const { provider, memoryBytes } = options;
  const memory = memoryBytes ?? (usesMachineMemory(provider) ? machineMemory() : 0);
  const width = precisionOf(options) === "float16" ? 2 : 4;
  const bytes = parts.map(({ weights }) => elements(weights) * width);
  return bytes.reduce((sum, count) => sum + count, 0) <= memory / 2;
}

/** Returns the bytes of memory of the machine, or of the container that limits this process. */
function machineMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

function elements(weights: OpenedPart["weights"]): number {
  return weights
    .names()
    .map((name) => weights.info(name).shape.reduce((product, size) => product * size, 1))
    .reduce((sum, count) => sum + count, 0);
}
