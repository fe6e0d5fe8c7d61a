/**
 * Whole generations compared with diffusers' SkyReelsV2Pipeline over the same random model and noise
 * (tools/golden/pipeline_skyreels.py).
 */
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Checkpoint } from "../../../lib/generation/checkpoint/index.ts";
import { parseSkyReelsConfig } from "../../../lib/generation/models/wan/transformer.ts";
import { openPipeline } from "../../../lib/generation/pipeline/index.ts";
import { requestFor } from "./request-for.ts";
import { writeJson } from "./tiny-model.ts";

interface Golden {
  readonly scheduler: object;
  readonly cases: readonly {
    readonly steps: number;
    readonly guidanceScale: number;
    readonly prompt: string;
    readonly seed: number;
  }[];
}

const pipelines = join(import.meta.dirname, "../../golden/pipelines");
const golden = join(pipelines, "skyreels-v2");
const tokenizer = join(import.meta.dirname, "../../../models/demo/tokenizer");
const readJson = async (path: string) => JSON.parse(await readFile(path, "utf8"));
const { scheduler, cases }: Golden = await readJson(join(golden, "cases.json"));
const vectors = await Checkpoint.open(join(golden, "vectors.safetensors"));
const config = await readJson(join(golden, "transformer/config.json"));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-skyreels-"));
  await cp(join(pipelines, "wan"), folder, { recursive: true });
  await cp(join(golden, "transformer"), join(folder, "transformer"), { recursive: true, force: true });
  await cp(tokenizer, join(folder, "tokenizer"), { recursive: true });
  await writeJson(join(folder, "scheduler/scheduler_config.json"), scheduler);
  const wan = await readJson(join(folder, "model_index.json"));
  await writeJson(join(folder, "model_index.json"), {
    ...wan,
    _class_name: "SkyReelsV2Pipeline",
    transformer: ["diffusers", "SkyReelsV2Transformer3DModel"],
  });
});
afterAll(() => rm(folder, { recursive: true }));

it.each(cases.map((goldenCase, index) => ({ goldenCase, index })))(
  "SkyReels-V2 makes the latent of diffusers in $goldenCase.steps steps with guidance $goldenCase.guidanceScale",
  async ({ goldenCase, index }) => {
    const pipeline = await openPipeline(folder, { threads: 1 });
    const { latent } = await pipeline.generate(requestFor(pipeline, { ...goldenCase, cache: "off" }));
    await pipeline.close();
    const expected = await vectors.read(`${index}.latent`); // [C, F, H, W]
    const largest = Math.max(...expected.map(Math.abs));
    const errors = expected.map((value, i) => Math.abs(value - latent[i]!));
    expect(Math.max(...errors) / largest).toBeLessThan(1e-4);
  },
);

it.each([
  [{ inject_sample_info: true }, /SkyReelsV2Transformer3DModel.*inject_sample_info/],
  [{ num_frame_per_block: 5 }, /SkyReelsV2Transformer3DModel.*num_frame_per_block/],
])("a SkyReels-V2 that is told more, or whose frames see less, is refused: %j", (change, message) => {
  expect(() => parseSkyReelsConfig({ ...config, ...change })).toThrow(message);
});
