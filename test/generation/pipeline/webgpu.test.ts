import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import {
  GenerationError,
  openPipeline,
  type Pipeline,
  startPipelineProcess,
} from "../../../lib/generation/pipeline/index.ts";
import { isLosable, losableAdapter } from "../losable-adapter.ts";
import { relativeError } from "../models/golden.ts";
import { adapterEnvironment, hasAdapter } from "../software-adapter.ts";
import { requestFor } from "./request-for.ts";
import { writeTinyModel } from "./tiny-model.ts";

describe.skipIf(!hasAdapter)("a pipeline on WebGPU", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await writeTinyModel();
    for (const [name, value] of Object.entries(adapterEnvironment)) vi.stubEnv(name, value);
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });

  /** Makes a video with forecasts, so that two residuals stay on the device. */
  async function make(pipeline: Pipeline) {
    const request = requestFor(pipeline, {
      prompt: "a red circle moves",
      seed: 5,
      steps: 6,
      cache: "static:2",
    });
    const { latent, frames } = await pipeline.generate({
      ...request,
      cache: { ...request.cache, forecast: true },
    });
    return { latent, frames };
  }

  // It takes minutes.
  const isWhole = process.env.ADAREEL_WEBGPU !== undefined;
  it.skipIf(!isWhole)(
    "a pipeline on WebGPU makes the video that the CPU makes, within 1e-4",
    async () => {
      const onCpu = await openPipeline(folder, { threads: 1 });
      const exact = await make(onCpu);
      await onCpu.close();
      const pipeline = await openPipeline(folder, { threads: 1, provider: "webgpu" });
      const found = await make(pipeline);
      const tensor = { dtype: "float32", shape: [found.latent.length], data: found.latent } as const;
      expect(relativeError(tensor, exact.latent)).toBeLessThan(1e-4);
      const changed = found.frames.rgb.filter((value, i) => Math.abs(value - exact.frames.rgb[i]!) > 1);
      expect(changed).toHaveLength(0);
      await pipeline.close();
    },
    400_000,
  );

  it.skipIf(!isLosable)(
    "a GPU that is lost while a video is made ends the process, in one sentence",
    async () => {
      const { lose } = losableAdapter();
      const pipeline = await startPipelineProcess(folder, { threads: 1, provider: "webgpu" });
      onTestFinished(() => pipeline.close());
      const request = requestFor(pipeline, { prompt: "a red circle", seed: 1, steps: 1000, cache: "off" });
      const onProgress = ({ done }: { readonly done: number }) => {
        if (done === 2) lose();
      };
      const error = await pipeline.generate(request, { onProgress }).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(GenerationError);
      expect(error).toMatchObject({
        message: "The GPU was lost while onnxruntime ran the model.",
        fault: "device_lost",
      });
      expect([pipeline.isOpen, pipeline.hasExited]).toEqual([false, true]);
    },
    400_000,
  );
});
