/**
 * A whole pipeline that WanPipeline.save_pretrained wrote, of random weights, as a variant in shards and without a
 * member `video` (tools/golden/weight_layouts.py): it opens as it lies.
 */
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkModel, describeModel, openPipeline } from "../../../lib/generation/pipeline/index.ts";
import { writeJson } from "./tiny-model.ts";

const golden = join(import.meta.dirname, "../../golden/layouts/wan");
const tokenizer = join(import.meta.dirname, "../../../models/demo/tokenizer");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-saved-"));
  await cp(golden, folder, { recursive: true });
  await cp(tokenizer, join(folder, "tokenizer"), { recursive: true });
  const index = JSON.parse(await readFile(join(golden, "model_index.json"), "utf8"));
  await writeJson(join(folder, "model_index.json"), { ...index, tokenizer: ["transformers", "T5Tokenizer"] });
});
afterAll(() => rm(folder, { recursive: true }));

describe("a Wan of another depth that diffusers saved", () => {
  it("a Wan of another depth has the limits of the model that its index allows", async () => {
    const { limits } = await describeModel(folder);
    expect(limits.sizes[0]).toEqual([832, 480]);
  });

  it("a check of a Wan of another depth says what was assumed, and which variant is used", async () => {
    const { notes, faults } = await checkModel(folder);
    expect(faults).toEqual([]);
    expect(notes).toEqual([
      "The folder holds none of the published models: sizes, lengths and defaults are those of Wan2.1 1.3B. A member " +
        "video of model_index.json can state others.",
      "The variant fp16 is used of text_encoder, transformer, vae, since there is no other.",
    ]);
    expect((await checkModel(folder, { variant: "fp16" })).notes).toHaveLength(1);
  });

  it("a Wan of another depth opens", async () => {
    const pipeline = await openPipeline(folder, { threads: 1 });
    expect(pipeline.limits.guidance_scale).toBe(5);
    await pipeline.close();
  });
});
