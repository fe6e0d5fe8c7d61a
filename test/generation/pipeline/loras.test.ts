/**
 * Whole generations with LoRAs, compared with diffusers' WanPipeline with two transformers
 * (tools/golden/lora_wan_two.py).
 */
import { createHash } from "node:crypto";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { Checkpoint } from "../../../lib/generation/checkpoint/index.ts";
import {
  checkModel,
  describeModel,
  openPipeline,
  type Pipeline,
} from "../../../lib/generation/pipeline/index.ts";
import { parseRequest, resolveRequest } from "../../../lib/generation/request/index.ts";
import { writeJson } from "./tiny-model.ts";

interface Run {
  readonly name: string;
  readonly files: readonly (string | null)[];
  readonly scales: readonly (number | null)[];
}

const goldens = join(import.meta.dirname, "../../golden");
const two = join(goldens, "pipelines/wan-two-transformers");
const loras = join(goldens, "lora/two");
const tokenizer = join(import.meta.dirname, "../../../models/demo/tokenizer");
const readJson = async (path: string) => JSON.parse(await readFile(path, "utf8"));
const { boundaryRatio, scheduler, cases } = await readJson(join(two, "cases.json"));
const runs: readonly Run[] = await readJson(join(loras, "cases.json"));
const vectors = await Checkpoint.open(join(loras, "vectors.safetensors"));
const [golden] = cases;
const SETTINGS = { title: "Four steps", steps: 4, guidance_scale: 1, shift: 5, trigger_words: ["circle"] };

/** LoRAs of the golden runs, as a request names them. */
const ASKED: Readonly<Record<string, unknown[]>> = {
  both: ["both"],
  first: [{ name: "both", scale: 0.5, transformer: 1 }],
  lightning: [{ name: "lightning", scale: 1 }],
};

let folder: string;
let pipeline: Pipeline;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-loras-"));
  await cp(join(goldens, "pipelines/wan"), folder, { recursive: true });
  await cp(join(two, "transformer_2"), join(folder, "transformer_2"), { recursive: true });
  await cp(tokenizer, join(folder, "tokenizer"), { recursive: true });
  await cp(loras, join(folder, "loras"), { recursive: true });
  await cp(join(loras, "both.safetensors"), join(folder, "loras/quick.safetensors"));
  await rm(join(folder, "loras/vectors.safetensors"));
  await writeJson(join(folder, "loras/quick.json"), SETTINGS);
  await writeJson(join(folder, "scheduler/scheduler_config.json"), scheduler);
  const one = await readJson(join(goldens, "pipelines/wan/model_index.json"));
  await writeJson(join(folder, "model_index.json"), {
    ...one,
    transformer_2: ["diffusers", "WanTransformer3DModel"],
    boundary_ratio: boundaryRatio,
    video: {
      ...one.video,
      guidance_scale: golden.guidanceScale,
      guidance_scale_2: golden.guidanceScale2,
    },
  });
  pipeline = await openPipeline(folder, { threads: 1, memoryBytes: 2 ** 30 });
});
afterAll(async () => {
  await pipeline.close();
  await rm(folder, { recursive: true });
});

/** Resolves the request of the golden runs with some LoRAs. */
function requestWith(asked: unknown, more: object = {}) {
  const { prompt, steps, seed } = golden;
  const given = parseRequest({ prompt, steps, cache: "off", loras: asked, ...more });
  return resolveRequest({ ...given, seed }, pipeline);
}

function relative(latent: Float32Array, expected: Float32Array): number {
  const largest = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((value, at) => Math.abs(value - latent[at]!))) / largest;
}

describe("LoRAs in a pipeline of two transformers", () => {
  it.each(runs)("the LoRAs of the run $name make diffusers' latent", async ({ name }) => {
    const { latent } = await pipeline.generate(requestWith(ASKED[name]));
    const error = relative(latent, await vectors.read(`${name}.latent`));
    // Worst error measured: 4.6e-6.
    expect(error).toBeLessThan(1e-4);
  });

  it("a LoRA leaves nothing behind for the next video", async () => {
    const before = await pipeline.generate(requestWith([]));
    const changed = await pipeline.generate(requestWith(["both"]));
    const off = await pipeline.generate(requestWith([{ name: "both", scale: 0 }]));
    expect(relative(changed.latent, before.latent)).toBeGreaterThan(0.1);
    expect(off.latent).toEqual(before.latent);
    expect(off.loras).toEqual([]);
  });

  it("a generation tells which files changed which transformer, by their hashes and kinds of changes", async () => {
    const { loras: used } = await pipeline.generate(requestWith([{ name: "lightning", scale: -0.25 }]));
    const hash = async (file: string) =>
      createHash("sha256")
        .update(await readFile(join(loras, "lightning", file)))
        .digest("hex");
    const told = { name: "lightning", scale: -0.25, lowRank: 20, differences: 0, biases: 0, leftOut: 0 };
    expect(used).toEqual([
      {
        ...told,
        transformer: 1,
        file: "high_noise_model.safetensors",
        sha256: await hash("high_noise_model.safetensors"),
      },
      {
        ...told,
        transformer: 2,
        file: "low_noise_model.safetensors",
        sha256: await hash("low_noise_model.safetensors"),
      },
    ]);
  });

  it("a file that is in no list is applied by its path", async () => {
    const file = join(loras, "both.safetensors");
    const { latent } = await pipeline.generate(requestWith([{ file, scale: 1 }]));
    expect(relative(latent, await vectors.read("both.latent"))).toBeLessThan(1e-4);
  });

  it("a missing file is told by its path", async () => {
    const file = join(folder, "nowhere.safetensors");
    await expect(pipeline.generate(requestWith([{ file }]))).rejects.toThrow(/nowhere.*no such file/);
  });

  it("a LoRA of the list that is no safetensors file is told by its name, and other requests are served", async () => {
    const path = join(folder, "loras/broken.safetensors");
    await writeFile(path, "<!DOCTYPE html><html>502</html>");
    onTestFinished(() => rm(path));
    const broken = { ...requestWith(["both"]), loras: [{ name: "broken", scale: 1 }] };
    const refused = await pipeline.generate(broken).catch((error: Error) => error);
    expect(refused).toMatchObject({ name: "RequestError" });
    expect((refused as Error).message).toMatch(
      /^The LoRA broken cannot be used: .*page of a website.*[^.]\.$/,
    );
    expect((refused as Error).message).not.toContain(folder);
    const { latent } = await pipeline.generate(requestWith(["both"]));
    expect(relative(latent, await vectors.read("both.latent"))).toBeLessThan(1e-4);
  });

  it("the shift of a LoRA's settings takes the place of the model's", async () => {
    const asked = (name: string) => requestWith([name], { steps: golden.steps, guidance_scale: 1 });
    const quick = await pipeline.generate(asked("quick"));
    const both = await pipeline.generate(asked("both"));
    expect(relative(quick.latent, both.latent)).toBeGreaterThan(0.01);
    const shifted = join(folder, "scheduler/scheduler_config.json");
    await writeJson(shifted, { ...scheduler, flow_shift: SETTINGS.shift });
    const other = await openPipeline(folder, { threads: 1 });
    onTestFinished(() => other.close());
    const expected = await other.generate(asked("both"));
    await writeJson(shifted, scheduler);
    expect(relative(quick.latent, expected.latent)).toBe(0);
  });
});

describe("a check of a model", () => {
  it("a check matches every LoRA of the list, and says which does not fit", async () => {
    const stranger = join(folder, "loras/stranger.safetensors");
    await cp(join(goldens, "lora/wide.safetensors"), stranger);
    onTestFinished(() => rm(stranger));
    const { loras: checks } = await checkModel(folder);
    expect(checks.map(({ name, changes }) => [name, changes.map(({ lowRank }) => lowRank)])).toEqual([
      ["both", [20, 20]],
      ["lightning", [20, 20]],
      ["quick", [20, 20]],
      ["stranger", []],
    ]);
    expect(checks.at(-1)!.fault).toMatch(/stranger\.safetensors: \d+ of its \d+ entries do not fit a weight/);
  });
});

describe("a model's list of LoRAs", () => {
  it("the list has files and folders by name, with the settings beside them", async () => {
    const { limits } = await describeModel(folder);
    const { shift: _, ...told } = SETTINGS;
    expect(limits.loras).toEqual([{ name: "both" }, { name: "lightning" }, { name: "quick", ...told }]);
  });

  it("a request takes the settings of its LoRA where it says nothing itself", () => {
    const { prompt, seed } = golden;
    const resolved = (asked: object) => resolveRequest({ prompt, seed, ...asked }, pipeline);
    expect(resolved({ loras: ["quick"] })).toMatchObject({ steps: 4, guidanceScale: 1 });
    expect(resolved({ loras: ["both", "quick"], steps: 9 })).toMatchObject({ steps: 9, guidanceScale: 1 });
    expect(resolved({ loras: [{ name: "quick", scale: 0 }] })).toMatchObject({
      steps: 50,
      guidanceScale: golden.guidanceScale,
    });
  });

  it.each([
    [["slow"], /^This model has no LoRA "slow": it has both, lightning and quick\.$/],
    [["lightening"], /^This model has no LoRA "lightening": did you mean lightning\?$/],
  ])("a request for a LoRA that is not in the list is told what there is", (asked, sentence) => {
    expect(() => requestWith(asked)).toThrow(sentence);
  });

  it("a promise in dB is refused with a LoRA, because tables were measured without", () => {
    expect(() => requestWith(["both"], { cache: "at_least:35dB" })).toThrow(
      /^A promise in dB needs a table that fits the model: the table of a model was measured without LoRAs/,
    );
  });

  it("a distilled LoRA fixes steps and guidance, computes every step and says so", async () => {
    const path = join(folder, "loras/quick.json");
    await writeJson(path, { sigmas: [1, 0.75, 0.5, 0.25], shift: 5, distilled: true });
    onTestFinished(() => writeJson(path, SETTINGS));
    const distilled = await openPipeline(folder, { threads: 1 });
    onTestFinished(() => distilled.close());
    const { prompt, seed } = golden;
    const resolved = (more: object) => resolveRequest({ prompt, seed, loras: ["quick"], ...more }, distilled);
    expect(() => resolved({ steps: 9 })).toThrow(/^This model was distilled to make videos in 4 steps/);
    const { trace, notes, request } = await distilled.generate(resolved({}));
    expect(request).toMatchObject({ steps: 4, guidanceScale: 1 });
    expect(trace.schedule.map(({ computed }) => computed)).toEqual([true, true, true, true]);
    expect(notes).toEqual([
      "The model was distilled to 4 steps, so there is nothing to save: every step was computed.",
    ]);
  });

  it.each([
    [{ steps: 0 }, /quick\.json: steps/],
    [{ steps: 3, sigmas: [1, 0.5] }, /quick\.json: steps must be the number of sigmas/],
    [{ sampler: "euler" }, /quick\.json: .*sampler/],
  ])("settings that cannot be used are told with their file", async (settings, sentence) => {
    const path = join(folder, "loras/quick.json");
    await writeJson(path, settings);
    onTestFinished(() => writeJson(path, SETTINGS));
    await expect(describeModel(folder)).rejects.toThrow(sentence);
  });
});
