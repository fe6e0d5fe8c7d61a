import { type DiffusionTransformer, diffusionTransformer } from "../../../lib/generation/models/index.ts";
import type { Tensor } from "../../../lib/generation/onnx/index.ts";
import { caseFeeds, float32, type Golden, type TransformerCase } from "./golden.ts";

/** Golden case with the extents of its video, which only some models are conditioned on. */
export interface GoldenCase extends TransformerCase {
  readonly height?: number;
  readonly width?: number;
  readonly fps?: number;
  readonly givenFrames?: number;
}

/** Golden vectors of every transformer, with its class. */
export const goldens = [
  ["stdit3", "STDiT3"],
  ["stdit3-given-frames", "STDiT3"],
  ["stdit3-temporal-patch", "STDiT3"],
  ["stdit3-no-qk-norm", "STDiT3"],
  ["latte", "LatteTransformer3DModel"],
  ["latte-large-square", "LatteTransformer3DModel"],
  ["open-sora-plan", "LatteT2V"],
  ["wan", "WanTransformer3DModel"],
  ["wan-one-block", "WanTransformer3DModel"],
  ["ltx", "LTXVideoTransformer3DModel"],
  ["ltx-given-frames", "LTXVideoTransformer3DModel"],
] as const;

/**
 * Returns the transformer of a golden case with the feeds of both guidance halves. The previous probe is not zeros, so
 * that it has a change; `half` is its conditional half.
 */
export async function preparedCase(
  golden: Golden,
  className: string,
  cases: readonly GoldenCase[],
  index: number,
): Promise<{ dit: DiffusionTransformer; half: Float32Array; both: Record<string, Tensor> }> {
  const { latent, height = 64, width = 64, fps = 8, givenFrames = 0 } = cases[index]!;
  const [frames, latentHeight, latentWidth] = latent;
  const { in_channels: channels } = golden.config;
  const shape = { channels, frames, height: latentHeight, width: latentWidth };
  const dit = diffusionTransformer(
    { className, config: golden.config },
    { latent: shape, frames: 1 + 8 * (frames - 1), height, width, fps, givenFrames },
  );
  const both = await caseFeeds(dit, golden, index, cases[index]!, 1);
  const half = Float32Array.from({ length: dit.tokens * dit.width }, (_, i) => Math.sin(i));
  const previousProbe = float32(Float32Array.of(...half, ...half), [2, dit.tokens, dit.width]);
  return { dit, half, both: { ...both, previousProbe } };
}

/** Returns the same feeds for one row of the batch, without a guidance scale. */
export function alone(feeds: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  const { guidanceScale: _, ...others } = feeds;
  const perRow = ["text", "textMask", "previousProbe", "previousResidual", "residual"];
  const halved = Object.entries(others).map(([input, tensor]) => [
    input,
    perRow.includes(input) ? conditionalHalf(tensor) : tensor,
  ]);
  return Object.fromEntries(halved);
}

/** Returns the first half of a tensor of a batch of 2. */
export function conditionalHalf({ dtype, shape: [, ...shape], data }: Tensor): Tensor {
  return { dtype, shape: [1, ...shape], data: data.slice(0, data.length / 2) as Float32Array };
}
