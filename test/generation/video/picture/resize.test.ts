import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ClipPreprocessing,
  clipPixels,
  clipPreprocessingSchema,
  coverCrop,
  type Picture,
  type Resizing,
  resizePicture,
  type Size,
  signedPlanes,
} from "../../../../lib/generation/video/index.ts";

/** Resizing of one of the sources, and a hash of the reference's bytes. */
interface Case extends Size, Resizing {
  readonly source: number;
  readonly hash: string;
}

/** Golden hashes and values of PIL, torch, transformers and diffusers; see tools/golden/picture_resize.py. */
interface Golden {
  readonly sources: readonly (Size & { readonly rgb: string })[];
  readonly pil: readonly Case[];
  readonly crop: readonly Case[];
  readonly torch: readonly Case[];
  readonly vae: readonly Case[];
  readonly clip: readonly {
    readonly source: number;
    readonly config: Partial<ClipPreprocessing>;
    readonly step: number;
    readonly values: readonly number[];
  }[];
}

const golden: Golden = JSON.parse(
  await readFile(new URL("../../../golden/video/pictures/resize.json", import.meta.url), "utf8"),
);
const sources: Picture[] = golden.sources.map((source) => ({
  ...source,
  rgb: Buffer.from(source.rgb, "base64"),
}));

const hashed = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex").slice(0, 16);
const bytesOf = (values: Float32Array) => new Uint8Array(values.buffer);

describe("a picture that is resized", () => {
  it.each([
    ["whole", "pil"],
    ["inside a window", "crop"],
  ] as const)("a resized picture equals PIL's in each bit %s", (_, group) => {
    expect(golden[group].length).toBe(160);
    const ours = golden[group].map(({ hash: _, source, width, height, ...resizing }) => {
      const { rgb } = resizePicture(sources[source]!, { width, height }, resizing);
      return { source, ...resizing, width, height, hash: hashed(rgb) };
    });
    expect(ours).toEqual(golden[group]);
  });

  it("a resized picture equals torch's in each bit in torch's arithmetic", () => {
    const ours = golden.torch.map(({ hash: _, source, filter, width, height }) => {
      const { rgb } = resizePicture(sources[source]!, { width, height }, { filter, arithmetic: "torch" });
      return { source, filter, width, height, hash: hashed(rgb) };
    });
    expect(ours).toEqual(golden.torch);
  });

  it("a picture of one colour keeps it at each size", () => {
    const side = fc.integer({ min: 1, max: 60 });
    const filter = fc.constantFrom("bilinear" as const, "bicubic" as const, "lanczos" as const);
    const arithmetic = fc.constantFrom("pil" as const, "torch" as const);
    fc.assert(
      fc.property(
        side,
        side,
        side,
        side,
        filter,
        arithmetic,
        (width, height, toWidth, toHeight, name, as) => {
          const plain = { width, height, rgb: new Uint8Array(width * height * 3).fill(201) };
          const size = { width: toWidth, height: toHeight };
          const { rgb } = resizePicture(plain, size, { filter: name, arithmetic: as });
          expect(rgb).toEqual(new Uint8Array(toWidth * toHeight * 3).fill(201));
        },
      ),
    );
  });
});

describe("a picture that is made ready for a model", () => {
  it("a picture in the proportions of the video is read as diffusers reads it, in each bit", () => {
    const ours = golden.vae.map(({ source, width, height }) => {
      const fitted = coverCrop(sources[source]!, { width, height }, { filter: "lanczos" });
      return { source, width, height, hash: hashed(bytesOf(signedPlanes(fitted))) };
    });
    expect(ours).toEqual(golden.vae);
  });

  it("a picture of other proportions is cropped to its centre and not squeezed", () => {
    // The square in the middle of a strip becomes the whole picture, but for its blurred edges.
    const strip = { width: 40, height: 10, rgb: new Uint8Array(40 * 10 * 3) };
    for (let row = 0; row < 10; row++) strip.rgb.fill(255, (row * 40 + 15) * 3, (row * 40 + 25) * 3);
    const { rgb } = coverCrop(strip, { width: 20, height: 20 }, { filter: "lanczos" });
    expect(Math.min(...rgb)).toBeGreaterThan(200);
  });

  it("a strip of a picture is cropped without computing what is cut", () => {
    const strip = { width: 100_000, height: 1, rgb: new Uint8Array(300_000).fill(7) };
    const { rgb } = coverCrop(strip, { width: 32, height: 32 }, { filter: "lanczos" });
    expect(rgb).toEqual(new Uint8Array(32 * 32 * 3).fill(7));
  });

  it("a picture is given to a CLIP tower as transformers gives it", () => {
    for (const { source, config, step, values } of golden.clip) {
      const settings = clipPreprocessingSchema.parse(config);
      const pixels = clipPixels(sources[source]!, settings);
      expect(pixels).toHaveLength(3 * settings.crop_size.height * settings.crop_size.width);
      const errors = pixels.filter((_, i) => i % step === 0).map((value, i) => Math.abs(value - values[i]!));
      expect(errors).toHaveLength(values.length);
      // Worst error measured: 9.4e-7, of which the golden file's six digits are 5e-7.
      expect(Math.max(...errors)).toBeLessThan(2e-6);
    }
  });

  it("an image processor's settings have the defaults of the class, and numbers alone are sides", () => {
    expect(clipPreprocessingSchema.parse({})).toMatchObject({ size: { shortest_edge: 224 }, resample: 3 });
    expect(clipPreprocessingSchema.parse({ size: 32, crop_size: 16 })).toMatchObject({
      size: { shortest_edge: 32 },
      crop_size: { height: 16, width: 16 },
    });
  });

  it.each([
    ["crops more than it resizes to", { size: { shortest_edge: 16 }, crop_size: 224 }],
    ["does not crop", { do_center_crop: false }],
    ["has a filter that is not known", { resample: 0 }],
  ])("an image processor is refused that %s", (_, config) => {
    expect(clipPreprocessingSchema.safeParse(config).success).toBe(false);
  });
});
