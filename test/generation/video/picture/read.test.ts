import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { coverCrop, decodePicture, readPicture, VideoError } from "../../../../lib/generation/video/index.ts";
import { PICTURE_BYTES_MAX, PICTURE_PIXELS_MAX } from "../../../../lib/shared/limits.ts";

/** Picture of one kind, and the pixels that diffusers reads of it (tools/golden/pictures.py). */
interface Kind {
  readonly kind: string;
  readonly width: number;
  readonly height: number;
  readonly file: string;
  readonly rgb: string;
}

/** Golden case by the authors' own function (tools/golden/resize_crop.py). */
interface Fitted {
  readonly width: number;
  readonly height: number;
  readonly png: string;
  readonly rgb: string;
}

const golden = new URL("../../../golden/video/", import.meta.url);
const kinds: Kind[] = JSON.parse(await readFile(new URL("pictures/files.json", golden), "utf8"));
const fitted: Fitted[] = JSON.parse(await readFile(new URL("resize-crop.json", golden), "utf8"));
const bytesOf = (text: string) => Buffer.from(text, "base64");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-picture-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function written(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

describe("a picture of any kind", () => {
  it.each(kinds.filter(({ kind }) => !kind.startsWith("AVIF")))(
    "a picture is read as diffusers reads it, in each bit: $kind",
    async ({ width, height, file, rgb }) => {
      const picture = await decodePicture(bytesOf(file));
      expect(picture).toMatchObject({ width, height });
      expect(Buffer.from(picture.rgb)).toEqual(bytesOf(rgb));
    },
  );

  // Where the colours have half of the sides, decoders enlarge them differently: by up to 36 levels in this noise.
  it.each([
    ["AVIF", 1],
    ["AVIF of orientation 6", 1],
    ["AVIF, 4:2:0", 40],
  ])("a picture is read as diffusers reads it: %s, within %i of 255 levels", async (name, most) => {
    const { width, height, file, rgb } = kinds.find(({ kind }) => kind === name)!;
    const picture = await decodePicture(bytesOf(file));
    expect(picture).toMatchObject({ width, height });
    const expected = bytesOf(rgb);
    expect(Math.max(...picture.rgb.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThanOrEqual(
      most,
    );
  });

  it.each(fitted)(
    "a picture becomes $width x $height as Open-Sora resizes and crops it, in each bit",
    async (golden) => {
      const { width, height, png, rgb } = golden;
      const picture = await readPicture(await written("golden.png", bytesOf(png)));
      expect(Buffer.from(coverCrop(picture, { width, height }, { filter: "bicubic" }).rgb)).toEqual(
        bytesOf(rgb),
      );
    },
  );
});

const png = bytesOf(kinds[0]!.file);
const fileType = (brand: string) => Buffer.from(`\0\0\0\x18ftyp${brand}\0\0\0\0mif1${brand}`, "latin1");

describe("a file that is no picture", () => {
  it.each([
    ["empty", "", "the file is empty"],
    ["text", "not a picture", "it is not a PNG, JPEG, WebP, GIF, AVIF or TIFF picture"],
    [
      "a HEIC picture",
      fileType("heic"),
      "it is a HEIC picture, which is not decoded: convert it to PNG or JPEG",
    ],
    [
      "an SVG drawing",
      '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>',
      "it is an SVG drawing, ",
    ],
    ["a web page", "\n<!DOCTYPE html><html></html>", "it is a web page and not a picture"],
    ["a BMP picture", "BM\x36\0\0\0", "it is a BMP picture, which is not decoded"],
    ["a video", fileType("isom"), "it is a video or a picture that is not decoded"],
    ["a document", "%PDF-1.7", "it is a PDF document"],
    ["the beginning of a PNG", png.subarray(0, 20), "it is cut short or damaged"],
  ])("a file is refused in one sentence that says what it is: %s", async (_, contents, why) => {
    const path = await written("picture.png", Buffer.from(contents as string, "latin1"));
    const error: unknown = await readPicture(path).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(VideoError);
    expect((error as Error).message).toMatch(/^The picture \S+ cannot be read: [^\n]+[^.]\.$/);
    expect((error as Error).message).toContain(`The picture ${path} cannot be read: ${why}`);
  });

  it("a missing file, a folder and a file beyond all pictures are refused before they are read", async () => {
    const [missing, inner, large] = ["missing.png", "folder.png", "large.png"].map((name) =>
      join(folder, name),
    );
    await mkdir(inner!);
    await truncate(await written("large.png", png), PICTURE_BYTES_MAX + 1);
    await expect(readPicture(missing!)).rejects.toThrow(`${missing} cannot be read: there is no such file.`);
    await expect(readPicture(inner!)).rejects.toThrow(`${inner} cannot be read: it is a folder.`);
    await expect(readPicture(large!)).rejects.toThrow(`${large} cannot be read: the file is larger than`);
  });

  it("a picture of too many pixels is refused by its header", async () => {
    const side = Math.ceil(PICTURE_PIXELS_MAX ** 0.5) + 1;
    const huge = Buffer.from(png);
    huge.writeUInt32BE(side, 16);
    huge.writeUInt32BE(side, 20);
    huge.writeUInt32BE(crc32(huge.subarray(12, 29)), 29);
    await expect(decodePicture(huge)).rejects.toThrow(
      `The picture cannot be read: it has ${side}x${side} pixels, and at most 100 million are read: make it smaller.`,
    );
  });

  it.each(["PNG", "JPEG", "WebP", "GIF", "TIFF", "AVIF"])(
    "a picture that is cut short is refused and not completed: %s",
    async (kind) => {
      const whole = bytesOf(kinds.find((golden) => golden.kind === kind)!.file);
      for (const part of [0.5, 0.9]) {
        const cut = whole.subarray(0, Math.floor(whole.length * part));
        await expect(decodePicture(cut)).rejects.toThrow(
          "The picture cannot be read: it is cut short or damaged.",
        );
      }
    },
  );

  it("a picture with damaged bytes is read or refused in the same sentence", async () => {
    const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const damage = fc.array(fc.tuple(place, fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...kinds), damage, async ({ file }, changes) => {
        const bytes = bytesOf(file);
        for (const [at, byte] of changes) bytes[Math.floor(at * bytes.length)] = byte;
        const outcome: unknown = await decodePicture(bytes).catch((error: unknown) => error);
        if (outcome instanceof Error) expect(outcome).toMatchObject({ name: "VideoError" });
        else expect(outcome).toMatchObject({ rgb: expect.any(Uint8Array) });
      }),
    );
  });
});

it("a large photograph keeps its orientation and its colours", async () => {
  const halves = sharp({ create: { width: 1200, height: 800, channels: 3, background: "#f00" } });
  const blue = { create: { width: 600, height: 800, channels: 3, background: "#00f" } } as const;
  const photograph = halves
    .composite([{ input: await sharp(blue).png().toBuffer(), left: 600, top: 0 }])
    .withMetadata({ orientation: 6 });
  const picture = await decodePicture(await photograph.jpeg().toBuffer());
  expect(picture).toMatchObject({ width: 800, height: 1200 });
  expect(picture.rgb[0]).toBeGreaterThan(250);
  expect(picture.rgb.at(-1)).toBeGreaterThan(250);
});

/** Returns the checksum of a PNG chunk. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
