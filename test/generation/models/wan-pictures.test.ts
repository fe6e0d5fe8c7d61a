import { describe, expect, it } from "vitest";
import {
  buildFull,
  buildReuse,
  buildUncut,
  diffusionTransformer,
  generationFeeds,
  stepFeeds,
} from "../../../lib/generation/models/index.ts";
import { float32, type Golden, open, readCases, readGolden, relativeError, run } from "./golden.ts";

// Worst error measured over all cases: 3.2e-6.
const TOLERANCE = 1e-5;

const CHANNELS = 4;

interface PictureCase {
  readonly latent: [frames: number, height: number, width: number];
  readonly timestep: number;
  readonly textLengths: [conditional: number, unconditional: number];
  readonly pictures: 1 | 2;
  readonly pictureTokens?: number;
}

function transformerOf({ config, weights }: Golden, { latent, pictures, pictureTokens }: PictureCase) {
  const [frames, height, width] = latent;
  return diffusionTransformer(
    { className: "WanTransformer3DModel", config, weights },
    {
      latent: { channels: CHANNELS, frames, height, width },
      height: 8 * height,
      width: 8 * width,
      fps: 16,
      givenFrames: 1,
      hasLastPicture: pictures === 2,
      ...(pictureTokens && { pictureTokens }),
    },
  );
}

/** Returns all feeds of golden case `index`, with a previous probe of zeros. */
async function feedsOf(golden: Golden, index: number, goldenCase: PictureCase, guidanceScale: number) {
  const { config, vectors } = golden;
  const dit = transformerOf(golden, goldenCase);
  const text = await vectors.read(`${index}.text`); // [2, longest, text_dim]
  const texts = goldenCase.textLengths.map((tokens, half) => {
    const start = (half * text.length) / 2;
    return { tokens, data: text.slice(start, start + tokens * config.text_dim) };
  });
  const shape = [1, CHANNELS, ...goldenCase.latent];
  const { pictureTokens, pictures: count } = goldenCase;
  const states = pictureTokens
    ? float32(await vectors.read(`${index}.states`), [count, pictureTokens, config.image_dim])
    : null;
  const pictures = { latent: float32(await vectors.read(`${index}.encoded`), shape), states };
  return {
    ...stepFeeds(dit.conditions, goldenCase.timestep),
    ...generationFeeds(dit.conditions, { texts, pictures }),
    latent: float32(await vectors.read(`${index}.latent`), shape),
    previousProbe: float32(new Float32Array(2 * dit.tokens * dit.width), [2, dit.tokens, dit.width]),
    guidanceScale: float32(new Float32Array([guidanceScale]), []),
  };
}

describe.each([
  ["wan-pictures", "pictures in channels, as in Wan 2.2 I2V A14B, with and without a last one"],
  ["wan-picture-states", "states of a picture too, as in Wan 2.1 I2V"],
  ["wan-first-and-last", "states of two pictures with positions, as in Wan 2.1 FLF2V"],
])("Wan's image-to-video transformer against diffusers: %s (%s)", async (name) => {
  const golden = await readGolden(name);
  const cases = (await readCases<PictureCase>(name)).map((goldenCase, index) => ({ goldenCase, index }));

  it.each(cases)(
    "Wan with pictures computes the prediction of both halves, the residual and the probe in case $index",
    async ({ goldenCase, index }) => {
      const dit = transformerOf(golden, goldenCase);
      const session = await open(buildFull(dit, { ...golden, signals: ["probe"] }), golden.weights);
      const predictions = await golden.vectors.read(`${index}.prediction`); // [B, C, F, H, W]
      const half = predictions.length / 2;
      const conditional = await session.run(await feedsOf(golden, index, goldenCase, 1));
      const unconditional = await session.run(await feedsOf(golden, index, goldenCase, 0));
      const residual = await golden.vectors.read(`${index}.residual`);
      const probe = await golden.vectors.read(`${index}.probe`);
      expect(relativeError(conditional.prediction, predictions.slice(0, half))).toBeLessThan(TOLERANCE);
      expect(relativeError(unconditional.prediction, predictions.slice(half))).toBeLessThan(TOLERANCE);
      expect(relativeError(conditional.residual, residual)).toBeLessThan(TOLERANCE);
      expect(relativeError(conditional.probe, probe)).toBeLessThan(TOLERANCE);
      await session.release();
    },
  );

  it.each(cases)(
    "Wan with pictures reuses a residual to the same prediction in case $index, so that its blocks only add",
    async ({ goldenCase, index }) => {
      const dit = transformerOf(golden, goldenCase);
      const residual = float32(await golden.vectors.read(`${index}.residual`), [2, dit.tokens, dit.width]);
      const feeds = { ...(await feedsOf(golden, index, goldenCase, 1)), residual };
      const { prediction } = await run(buildReuse(dit, golden), golden.weights, feeds);
      const predictions = await golden.vectors.read(`${index}.prediction`);
      expect(relativeError(prediction, predictions.slice(0, predictions.length / 2))).toBeLessThan(TOLERANCE);
    },
  );

  it("Wan with pictures lowers to graphs without fused operators that compute the same", async () => {
    const { goldenCase, index } = cases[0]!;
    const graph = buildFull(transformerOf(golden, goldenCase), { ...golden, provider: "webgpu" });
    const { residual } = await run(graph, golden.weights, await feedsOf(golden, index, goldenCase, 1));
    expect(relativeError(residual, await golden.vectors.read(`${index}.residual`))).toBeLessThan(TOLERANCE);
  });

  it("Wan with pictures reads every tensor of its checkpoint but those that no layer has", async () => {
    const { config, weights } = await readGolden(name);
    const dit = transformerOf({ ...golden, config, weights }, cases[0]!.goldenCase);
    buildUncut(dit, { weights });
    expect(weights.unused().filter((tensor) => !dit.otherTensors.test(tensor))).toEqual([]);
  });
});

describe("Wan's image-to-video transformer", async () => {
  const pictures = await readGolden("wan-pictures");
  const states = await readGolden("wan-picture-states");
  const between = await readGolden("wan-first-and-last");
  const latent: PictureCase["latent"] = [3, 4, 6];
  const shape = { latent, timestep: 1, textLengths: [1, 1] as [number, number] };

  it("Wan with pictures is refused another number of them, in words", () => {
    const build = (golden: Golden, count: 1 | 2) =>
      transformerOf(golden, { ...shape, pictures: count, pictureTokens: 5 });
    expect(() => build(states, 2)).toThrow(/cannot take a last picture: it goes on from a first one/);
    expect(() => build(between, 1)).toThrow(/goes from a first picture to a last one: give both/);
    expect([build(pictures, 1), build(pictures, 2)].map((dit) => dit.tokens)).toEqual([18, 18]);
    const one = { ...shape, latent: [1, 4, 6] as PictureCase["latent"] };
    expect(() => transformerOf(pictures, { ...one, pictures: 2 })).toThrow(/one frame cannot begin with one/);
  });

  it("Wan with learnt positions names the rows that it takes and those that an image encoder gives", () => {
    const build = () => transformerOf(between, { ...shape, pictures: 2, pictureTokens: 257 });
    expect(build).toThrow(/takes 10 rows of states of two pictures, and its image encoder gives 257 of each/);
  });

  it("Wan decides by the names of its weights whether it attends to pictures, where they are known", () => {
    const wrong = { ...states.config, num_layers: pictures.config.num_layers };
    const video = {
      latent: { channels: CHANNELS, frames: 3, height: 4, width: 6 },
      height: 32,
      width: 48,
      fps: 16,
      givenFrames: 1,
    };
    const takesStates = (weights?: Golden["weights"]) => {
      const { className } = { className: "WanTransformer3DModel" };
      const dit = diffusionTransformer({ className, config: wrong, ...(weights && { weights }) }, video);
      return dit.conditions.some((condition) => condition.pictures?.takesStates);
    };
    expect(takesStates()).toBe(true);
    expect(takesStates(states.weights)).toBe(true);
    expect(takesStates(pictures.weights)).toBe(false);
  });

  it("Wan with pictures refuses feeds without them, or of another extent", async () => {
    const dit = transformerOf(states, { ...shape, pictures: 1, pictureTokens: 5 });
    const text = { tokens: 1, data: new Float32Array(10) };
    const encoded = (frames: number) => float32(new Float32Array(96 * frames), [1, 4, frames, 4, 6]);
    const fed = (given: object) => () => generationFeeds(dit.conditions, { texts: [text], ...given });
    expect(fed({})).toThrow("This model makes videos of pictures, and none is given.");
    expect(fed({ pictures: { latent: encoded(2), states: null } })).toThrow(
      "Pictures must have the extent 1 x 4 x 3 x 4 x 6, not 1 x 4 x 2 x 4 x 6.",
    );
    expect(fed({ pictures: { latent: encoded(3), states: null } })).toThrow(/their states are missing/);
    const few = float32(new Float32Array(24), [1, 4, 6]);
    expect(fed({ pictures: { latent: encoded(3), states: few } })).toThrow(/1 x 5 x 6, not 1 x 4 x 6/);
  });
});
