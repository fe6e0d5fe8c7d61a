/**
 * Whole generations of distilled models (tools/golden/pipeline_wan_few_steps.py): four Euler steps of two transformers
 * as in Wan2.2-Lightning, from diffusers' WanPipeline, and three steps of DMD as in FastWan, from its formula. Worst
 * error measured: 1.5e-6.
 */
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Checkpoint } from "../../../lib/generation/checkpoint/index.ts";
import { openPipeline } from "../../../lib/generation/pipeline/index.ts";
import { requestFor } from "./request-for.ts";
import { writeJson } from "./tiny-model.ts";

const pipelines = join(import.meta.dirname, "../../golden/pipelines");
const golden = join(pipelines, "wan-few-steps");
const tokenizer = join(import.meta.dirname, "../../../models/demo/tokenizer");
const readJson = async (path: string) => JSON.parse(await readFile(path, "utf8"));
const { prompt, seeds, sigmas, shift, boundaryRatio } = await readJson(join(golden, "cases.json"));
const vectors = await Checkpoint.open(join(golden, "vectors.safetensors"));

let folder: string;
let index: Record<string, object>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-wan-few-"));
  await cp(join(pipelines, "wan"), folder, { recursive: true });
  await cp(join(pipelines, "wan-two-transformers/transformer_2"), join(folder, "transformer_2"), {
    recursive: true,
  });
  await cp(tokenizer, join(folder, "tokenizer"), { recursive: true });
  index = await readJson(join(folder, "model_index.json"));
});
afterAll(() => rm(folder, { recursive: true }));

it.each([
  [
    "lightning",
    { sigmas, shift, distilled: true },
    { transformer_2: ["diffusers", "WanTransformer3DModel"], boundary_ratio: boundaryRatio },
  ],
  ["dmd", { scheduler: "DMDScheduler", sigmas: [1, 0.28, 0.12], shift: 8, distilled: true }, {}],
] as const)("distilled weights make the latent of the reference: %s", async (name, sampling, parts) => {
  const video = { ...index.video, sampling };
  await writeJson(join(folder, "model_index.json"), { ...index, ...parts, video });
  const pipeline = await openPipeline(folder, { threads: 1 });
  const request = requestFor(pipeline, { prompt, seed: seeds[name], cache: "fast" });
  const { latent, notes } = await pipeline.generate(request);
  await pipeline.close();
  const expected = await vectors.read(name); // [C, F, H, W]
  const largest = Math.max(...expected.map(Math.abs));
  const errors = expected.map((value, i) => Math.abs(value - latent[i]!));
  expect(latent).toHaveLength(expected.length);
  expect(Math.max(...errors) / largest).toBeLessThan(1e-4);
  expect(notes[0]).toMatch(
    /there is nothing to save: every step was computed, and the cache fast was left out\.$/,
  );
});
