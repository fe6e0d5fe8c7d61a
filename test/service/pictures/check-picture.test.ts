import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { checkPicture, PICTURE_LIMITS } from "../../../lib/service/pictures/index.ts";

const golden = join(import.meta.dirname, "../../golden/pipelines/open-sora/first.png");

const drawn = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: "#346" } });

const FORMATS = {
  "image/png": (width: number, height: number) => drawn(width, height).png().toBuffer(),
  "image/jpeg": (width: number, height: number) => drawn(width, height).jpeg().toBuffer(),
  "a progressive image/jpeg": (width: number, height: number) =>
    drawn(width, height)
      .jpeg({ progressive: true })
      .withExif({ IFD0: { Artist: "a" } })
      .toBuffer(),
  "image/webp": (width: number, height: number) => drawn(width, height).webp().toBuffer(),
  "a lossless image/webp": (width: number, height: number) =>
    drawn(width, height).webp({ lossless: true }).toBuffer(),
  "an extended image/webp": (width: number, height: number) =>
    drawn(width, height)
      .ensureAlpha(0.5)
      .webp()
      .withExif({ IFD0: { Artist: "a" } })
      .toBuffer(),
  "image/gif": (width: number, height: number) => drawn(width, height).gif().toBuffer(),
  "image/avif": (width: number, height: number) => drawn(width, height).avif({ effort: 0 }).toBuffer(),
  "image/tiff": (width: number, height: number) => drawn(width, height).tiff().toBuffer(),
} as const;

const refusal = (bytes: Uint8Array) => {
  const checked = checkPicture(bytes);
  return checked.ok ? null : checked.reason;
};

describe.each(Object.entries(FORMATS))("%s", (name, encode) => {
  test("a picture has the size that sharp reads, and the type of its bytes", async () => {
    for (const [width, height] of [
      [16, 17],
      [300, 40],
      [257, 1023],
    ] as const) {
      const body = await encode(width, height);
      const checked = checkPicture(body);
      const sha256 = createHash("sha256").update(body).digest("hex");
      expect(checked).toEqual({
        ok: true,
        picture: { contentType: name.split(" ").at(-1), width, height, body, sha256 },
      });
    }
  });

  test("a picture that is cut anywhere is read or refused, and nothing is thrown", async () => {
    const body = await encode(64, 48);
    for (let length = 0; length < Math.min(body.length, 1200); length += 1) {
      const checked = checkPicture(body.subarray(0, length));
      if (checked.ok) expect(checked.picture).toMatchObject({ width: 64, height: 48 });
    }
  });
});

test("the golden picture is read", () => {
  expect(checkPicture(readFileSync(golden))).toMatchObject({ picture: { width: 32, height: 24 } });
});

test("a picture in the middle of a larger buffer is read where it is", () => {
  const file = readFileSync(golden);
  const around = Buffer.concat([Buffer.alloc(7, 255), file, Buffer.alloc(9, 255)]);
  expect(checkPicture(around.subarray(7, 7 + file.length))).toMatchObject({ picture: { width: 32 } });
});

test("a thumbnail inside of a photograph is not taken for the photograph", async () => {
  const thumbnail = await drawn(16, 16).jpeg().toBuffer();
  const photograph = await drawn(200, 100).jpeg().toBuffer();
  const segment = Buffer.concat([Buffer.from([0xff, 0xe1, 0, 0]), thumbnail]);
  segment.writeUInt16BE(thumbnail.length + 2, 2);
  const both = Buffer.concat([photograph.subarray(0, 2), segment, photograph.subarray(2)]);
  expect((await sharp(both).metadata()).width).toBe(200);
  expect(checkPicture(both)).toMatchObject({ picture: { width: 200, height: 100 } });
});

const ftyp = (brand: string) => Buffer.from(`\0\0\0\x18ftyp${brand}\0\0\0\0`, "latin1");

test.each([
  [ftyp("heic"), "is a HEIC picture"],
  [ftyp("mif1"), "is a HEIC picture"],
  [ftyp("isom"), "is a video"],
  [Buffer.from("BM0123456789"), "is a BMP picture"],
  [Buffer.from("%PDF-1.7"), "is a PDF file"],
  [Buffer.from('<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg">'), "is an SVG drawing"],
  [Buffer.from("  <!DOCTYPE html><html>"), "is a web page"],
  [Buffer.from('{"error": "not found"}'), "is a text, perhaps JSON"],
  [Buffer.from("hello"), "is no picture that can be read"],
  [Buffer.from([0xff, 0xd8, 0xff, 0xd9]), "is no picture that can be read"],
])("%s is refused as what it is", (bytes, reason) => {
  expect(refusal(bytes)).toBe(`${reason}: send a PNG, JPEG, WebP, GIF, TIFF or AVIF picture`);
});

/** PNG header with these sides, and nothing behind it. */
function png(width: number, height: number): Buffer {
  const bytes = Buffer.from("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0\0\0\0\0\x08\x02\0\0\0", "latin1");
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes;
}

test.each([
  [Buffer.alloc(0), "is empty: send a PNG, JPEG, WebP, GIF, TIFF or AVIF picture"],
  [
    Buffer.concat([png(64, 64), Buffer.alloc(PICTURE_LIMITS.bytesMax)]),
    "has 10485789 bytes: a picture may have at most 10485760",
  ],
  [png(15, 64), "has 15x64 pixels: a picture has at least 16 pixels on each side"],
  [png(0, 0), "has 0x0 pixels: a picture has at least 16 pixels on each side"],
  [png(8161, 6127), "has 8161x6127 pixels: a picture may have at most 50 million pixels"],
  [png(65_535, 65_535), "has 65535x65535 pixels: a picture may have at most 50 million pixels"],
  [png(16, 257), "has 16x257 pixels: a picture may be at most 16 times as long as it is wide"],
])("a picture out of the limits is refused with its size", (bytes, reason) => {
  expect(refusal(bytes)).toBe(reason);
});

test("pictures at the limits are taken", () => {
  for (const [width, height] of [
    [16, 16],
    [16, 256],
    [8160, 6120],
  ] as const)
    expect(refusal(png(width, height))).toBeNull();
});

test("any bytes behind the beginning of any type are read or refused, and nothing is thrown", () => {
  const beginnings = [
    "",
    "\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "\xff\xd8\xff",
    "RIFF\0\0\0\0WEBPVP8",
    "GIF89a",
    "II*\0",
    "MM\0*",
    "\0\0\0\x0cftypavif\0\0\0\x40meta",
  ];
  fc.assert(
    fc.property(fc.constantFrom(...beginnings), fc.uint8Array({ maxLength: 400 }), (beginning, rest) => {
      const checked = checkPicture(Buffer.concat([Buffer.from(beginning, "latin1"), rest]));
      if (!checked.ok) return typeof checked.reason === "string";
      const { width, height } = checked.picture;
      return width >= PICTURE_LIMITS.sideMin && width * height <= PICTURE_LIMITS.pixelsMax;
    }),
    { numRuns: 2000 },
  );
});
