import { methodsFor, STEP_COUNTS } from "../../tools/bench/methods.ts";
import type { QualityResults, QualityRun } from "../../tools/bench/quality-results.ts";
import { benchmarkPrompts } from "../../tools/bench/scenes.ts";

/** What `quality` might measure on the first scene: a computed step of 25 ms, a reused one of 0.5 ms. */
export function sampleQualityResults(): QualityResults {
  const prompts = benchmarkPrompts(4);
  return {
    kind: "quality",
    circumstances: {
      command: "npm run bench -- quality --prompts 4",
      date: "2026-01-31",
      machine: {
        processor: "Sample CPU",
        cores: 2,
        memoryBytes: 8 * 2 ** 30,
        platform: "linux x64",
        node: "v20.19.0",
        packages: { "onnxruntime-node": "1.30.0" },
      },
      loadBefore: 0.1,
      model: { name: "demo", sha256: "0123456789abcdef".repeat(4) },
    },
    minutes: 1.5,
    prompts,
    runs: prompts.flatMap((_, prompt) => STEP_COUNTS.flatMap((steps) => sampleRuns(prompt, steps))),
  };
}

function sampleRuns(prompt: number, steps: number): QualityRun[] {
  const seconds = (computed: number) => computed * 0.025 + (steps - computed) * 0.0005;
  return methodsFor(steps).map(({ name, family, motion, request }) => {
    const computed = {
      none: steps,
      fewer: request.steps,
      static: Math.ceil(steps / Number(String(request.cache).split(":")[1])),
      fast: Math.round(steps / 3) + (motion ? prompt : 0),
      slow: Math.round(steps / 2) + (motion ? prompt : 0),
    }[family];
    return {
      prompt,
      steps,
      method: name,
      computed,
      denoiseSeconds: family === "fewer" ? computed * 0.025 : seconds(computed),
      referenceSeconds: seconds(steps),
      psnr: family === "none" ? null : 20 + 40 * (computed / steps) - prompt,
      ssim: family === "none" ? 1 : 0.95,
    };
  });
}
