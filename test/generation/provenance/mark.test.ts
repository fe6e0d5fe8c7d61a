import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import sharp from "sharp";
import { afterAll, describe, expect, test } from "vitest";
import { marked, markOf } from "../../../lib/generation/provenance/index.ts";
import { boxesOf, packetInMp4, withPacketInMp4 } from "../../../lib/generation/provenance/mark/mp4.ts";
import { MADE_BY_MODEL, packetOf, readPacket } from "../../../lib/generation/provenance/mark/packet.ts";
import { sourceOf } from "../../../lib/generation/provenance/source.ts";
import { type Encoder, encodePoster, encodeVideo } from "../../../lib/generation/video/index.ts";
import { VERSION } from "../../../lib/shared/version.ts";
import { decodeWithWebcodecs, hasFfmpeg } from "../video/decode-mp4.ts";
import { describeMp4 } from "../video/mp4-boxes.ts";
import { discOverStripes } from "../video/sample-frames.ts";

const folder = mkdtempSync(join(tmpdir(), "adareel-mark-"));
afterAll(() => rmSync(folder, { recursive: true }));

const MARK = {
  sourceType: MADE_BY_MODEL,
  system: "Adareel, model demo",
  systemVersion: VERSION,
  tool: `Adareel ${VERSION}`,
};

const frames = discOverStripes({ count: 4 });
const video = async (encoder: Encoder) => (await encodeVideo(frames, { fps: 8, encoder })).bytes;

/** Writes a box whose size is in 32 bits, in 64 bits, or left open to the end of the file. */
function box(type: string, content: Uint8Array, size: "short" | "large" | "open" = "short"): Buffer {
  const header = Buffer.alloc(size === "large" ? 16 : 8);
  header.write(type, 4, "latin1");
  if (size === "large") {
    header.writeUInt32BE(1);
    header.writeBigUInt64BE(BigInt(16 + content.length), 8);
  } else if (size === "short") header.writeUInt32BE(8 + content.length);
  return Buffer.concat([header, content]);
}

const FTYP = box("ftyp", Buffer.from("isom"));
const typesOf = async (mp4: Uint8Array) => {
  const boxes = [];
  for await (const { type, size } of boxesOf(sourceOf(mp4))) boxes.push([type, size]);
  return boxes;
};

const hasFfprobe = spawnSync("ffprobe", ["-version"]).status === 0;

describe("a mark in an MP4", () => {
  test.each<Encoder>(hasFfmpeg ? ["ffmpeg", "webcodecs"] : ["webcodecs"])(
    "a video by %s keeps its bytes, its order and its pictures, and is marked the same each time",
    async (encoder) => {
      const plain = Buffer.from(await video(encoder));
      const result = Buffer.from(await marked(plain, { model: "demo" }));
      expect(result.subarray(0, plain.length).equals(plain)).toBe(true);
      expect(describeMp4(result).order).toEqual([...describeMp4(plain).order, "uuid"]);
      expect(await markOf(sourceOf(result))).toEqual(MARK);
      expect(Buffer.from(await marked(plain, { model: "demo" })).equals(result)).toBe(true);
      const paths = [plain, result].map((bytes, index) => {
        const path = join(folder, `${encoder}-${index}.mp4`);
        writeFileSync(path, bytes);
        return path;
      });
      const [before, after] = await Promise.all(paths.map(decodeWithWebcodecs));
      expect(after).toEqual(before);
    },
  );

  test.skipIf(!hasFfprobe)("ffprobe reads the mark of an MP4, and plays what it played before", async () => {
    const path = join(folder, "probed.mp4");
    writeFileSync(path, await marked(await video("webcodecs"), { model: "a <b> & 'c'" }));
    const args = ["-v", "error", "-export_xmp", "1", "-count_frames", "-of", "json"];
    const entries = "format_tags=xmp:stream=nb_read_frames";
    const { stdout, stderr } = spawnSync("ffprobe", [...args, "-show_entries", entries, path]);
    expect(stderr.toString()).toBe("");
    const { format, streams } = JSON.parse(stdout.toString());
    expect(streams).toMatchObject([{ nb_read_frames: "4" }]);
    expect(readPacket(Buffer.from(format.tags.xmp))).toEqual({
      ...MARK,
      system: "Adareel, model a <b> & 'c'",
    });
  });

  test("a last box that runs to the end of the file says its size afterwards", async () => {
    const open = Buffer.concat([FTYP, box("mdat", Buffer.alloc(100), "open")]);
    const result = await withPacketInMp4(open, Buffer.from("packet"));
    expect(await typesOf(result)).toEqual([
      ["ftyp", 12],
      ["mdat", 108],
      ["uuid", 30],
    ]);
    expect(await packetInMp4(sourceOf(result))).toEqual(Buffer.from("packet"));
  });

  test("the index of fragments stays last, where readers look for it, and large boxes are passed over", async () => {
    const fragments = [box("moof", Buffer.alloc(8)), box("mdat", Buffer.alloc(9), "large")];
    const index = box("mfra", Buffer.alloc(16));
    const result = await withPacketInMp4(Buffer.concat([FTYP, ...fragments, index]), Buffer.from("packet"));
    expect((await typesOf(result)).map(([type]) => type)).toEqual(["ftyp", "moof", "mdat", "uuid", "mfra"]);
    expect(Buffer.from(result).subarray(-index.length).equals(index)).toBe(true);
  });

  test("an MP4 whose boxes do not fill it is not marked", async () => {
    const whole = Buffer.concat([FTYP, box("mdat", Buffer.alloc(100))]);
    const cut = whole.subarray(0, -1);
    await expect(withPacketInMp4(cut, Buffer.from("x"))).rejects.toThrow("do not fill it");
  });
});

describe("a mark in a WebP", () => {
  test("an animation keeps its frames and its delays", async () => {
    const plain = await video("webp");
    const result = await marked(plain, { model: "demo" });
    const [before, after] = await Promise.all([plain, result].map((bytes) => sharp(bytes).metadata()));
    expect(after).toEqual({
      ...before,
      size: result.length,
      xmp: after!.xmp,
      xmpAsString: after!.xmpAsString,
    });
    expect(readPacket(after!.xmp!)).toEqual(MARK);
    expect(await markOf(sourceOf(result))).toEqual(MARK);
    const pixels = (bytes: Uint8Array) => sharp(bytes, { animated: true }).raw().toBuffer();
    expect(await pixels(result)).toEqual(await pixels(plain));
  });

  test.each([
    ["lossy", {}],
    ["lossless", { lossless: true }],
  ])("a still picture, %s, in the simple form gets what metadata need", async (_, options) => {
    const rgb = Buffer.alloc(7 * 5 * 3, 90);
    const plain = await sharp(rgb, { raw: { width: 7, height: 5, channels: 3 } })
      .webp(options)
      .toBuffer();
    const result = await marked(plain, { model: "demo" });
    const { width, height, xmp } = await sharp(result).metadata();
    expect([width, height]).toEqual([7, 5]);
    expect(readPacket(xmp!)).toEqual(MARK);
    expect(await sharp(result).raw().toBuffer()).toEqual(await sharp(plain).raw().toBuffer());
  });

  test("a poster can be marked, and no WebP twice", async () => {
    const once = await marked(await encodePoster("poster.webp", frames), { model: "demo" });
    await expect(marked(once, { model: "demo" })).rejects.toThrow("cannot be marked");
    await expect(marked(Buffer.from("no picture at all"), { model: "demo" })).rejects.toThrow("Only MP4");
  });
});

describe("a packet", () => {
  test("a packet gives back any text that XML can hold", () => {
    const text = fc.string({ unit: "grapheme" }).map((drawn) => drawn.trim());
    fc.assert(
      fc.property(text, (system) => {
        fc.pre(!/[\p{Cc}\p{Cs}\ufffe\uffff]/u.test(system) && !/^\s|\s$/.test(system));
        expect(readPacket(packetOf({ ...MARK, system }))).toEqual({ ...MARK, system });
      }),
    );
  });

  test.each([
    ["an attribute", `<d p:DigitalSourceType="${MADE_BY_MODEL}"/>`],
    ["a resource", `<p:DigitalSourceType rdf:resource="${MADE_BY_MODEL}"/>`],
    ["an element", `<p:DigitalSourceType>\n ${MADE_BY_MODEL}\n</p:DigitalSourceType>`],
  ])("a packet of another tool may have %s, with a prefix of its own", (_, written) => {
    const packet = `<x xmlns:p='http://iptc.org/std/Iptc4xmpExt/2008-02-29/'>${written}</x>`;
    expect(readPacket(Buffer.from(packet))?.sourceType).toBe(MADE_BY_MODEL);
    const foreign = packet.replace("iptc.org", "example.com");
    expect(readPacket(Buffer.from(foreign))).toBeNull();
  });
});
