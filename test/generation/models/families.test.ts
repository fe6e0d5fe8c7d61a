import { describe, expect, it } from "vitest";
import {
  diffusionTransformer,
  families,
  familyOf,
  imageEncoder,
  latentDecoder,
  nearestModelOf,
  publishedModels,
  recipeSchema,
  textEncoder,
} from "../../../lib/generation/models/index.ts";
import { videoLimitsSchema } from "../../../lib/generation/request/index.ts";

describe("the list of families", () => {
  it("every pipeline, every model and every name to add it by is there once", () => {
    const names = publishedModels.flatMap(({ hub }) => hub?.name ?? []);
    for (const list of [
      families.flatMap(({ pipelines }) => pipelines),
      publishedModels.map(({ title }) => title),
      names,
    ])
      expect(new Set(list).size).toBe(list.length);
  });

  it("every class of a checkpoint belongs to one family", () => {
    const classes = families.flatMap(({ architectures: { transformers, decoders } }) => [
      ...Object.keys(transformers ?? {}),
      ...Object.keys(decoders ?? {}),
    ]);
    expect(new Set(classes).size).toBe(classes.length);
  });

  it.each(publishedModels.map((model) => [model.title, model] as const))(
    "%s has limits and a recipe that a folder may have, too",
    (_, { video }) => {
      expect(videoLimitsSchema.safeParse(video).error).toBeUndefined();
      expect(recipeSchema.safeParse(video).error).toBeUndefined();
      const sizes = video.sizes.map((size) => size.join("x"));
      for (const named of [video.flow_shift, video.nominal_size])
        expect(Object.keys(named ?? {}).filter((size) => !sizes.includes(size))).toEqual([]);
    },
  );

  const assembled = publishedModels.filter(({ hub }) => hub?.assembly);
  it.each(assembled.map((model) => [model.title, model] as const))(
    "%s is assembled into an index that names its own family",
    (_, model) => {
      const { index, sources } = model.hub!.assembly!;
      expect(familyOf(index)!.models).toContain(model);
      expect(model.matchesIndex?.(index) ?? true).toBe(true);
      expect(sources.every(({ part }) => part in index)).toBe(true);
    },
  );

  const timed = publishedModels.filter(({ benchmark }) => benchmark);
  it.each(timed.map((model) => [model.title, model] as const))(
    "%s is built from its published configurations, at its default size",
    (_, { video, benchmark, matchesTransformer }) => {
      const { transformer, text_encoder, vae } = benchmark!.parts;
      expect(matchesTransformer?.(transformer.config) ?? true).toBe(true);
      const decoder = latentDecoder(vae);
      const [width, height] = video.sizes[0]!;
      const frames = decoder.latentFrames(video.frames[0]!);
      const { channels, scale } = decoder;
      const latent = { channels, frames, height: height / scale, width: width / scale };
      const dit = diffusionTransformer(transformer, {
        latent,
        frames: video.frames[0]!,
        width,
        height,
        fps: video.fps[0]!,
      });
      expect(dit.text.width).toBe(textEncoder(text_encoder).width);
      if (video.takes_image) expect(imageEncoder(vae)).toBeDefined();
    },
  );

  it("a model of two transformers is not taken for one of one", () => {
    const [one, two] = ["Wan2.1 14B", "Wan2.2 A14B"].map(
      (name) => publishedModels.find(({ title }) => title === name)!,
    );
    const index = { _class_name: "WanPipeline", boundary_ratio: 0.875 };
    expect([one!, two!].map(({ matchesIndex }) => matchesIndex!(index))).toEqual([false, true]);
    expect(familyOf({ _class_name: "CogVideoXPipeline" })).toBeUndefined();
  });
});

describe("the nearest model of a folder of Wan that begins with pictures", () => {
  const channels = { in_channels: 36, out_channels: 16 };
  it.each([
    ["attends to one picture", { ...channels, image_dim: 6 }, "Wan2.1 I2V 14B 480P"],
    [
      "attends to two pictures",
      { ...channels, image_dim: 6, pos_embed_seq_len: 10 },
      "Wan2.1 FLF2V 14B 720P",
    ],
    ["attends to none", channels, "Wan2.1 I2V 14B 480P"],
    ["has no channels for pictures", { in_channels: 48, image_dim: 6 }, "Wan2.1 I2V 14B 480P"],
  ])(
    "a transformer of another size that %s needs a last picture only if it attends to two",
    async (_, config, title) => {
      const index = { _class_name: "WanImageToVideoPipeline", transformer_2: [null, null] };
      const nearest = await nearestModelOf(index, async () => config);
      expect(nearest!.model.title).toBe(title);
      expect(nearest!.model.video.needs_last_image ?? false).toBe(title.includes("FLF2V"));
    },
  );
});
