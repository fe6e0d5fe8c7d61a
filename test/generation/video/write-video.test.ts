import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Encoder,
  encodeVideo,
  psnr,
  ssim,
  startVideo,
  VideoError,
  writeVideo,
} from "../../../lib/generation/video/index.ts";
import { decodeWithFfmpeg, decodeWithWebcodecs, hasFfmpeg } from "./decode-mp4.ts";
import { describeMp4 } from "./mp4-boxes.ts";
import { discOverStripes, plain } from "./sample-frames.ts";

const folder = mkdtempSync(join(tmpdir(), "write-video-"));
afterAll(() => rmSync(folder, { recursive: true }));

if (!hasFfmpeg) console.warn("ffmpeg is not on PATH: its half of the video tests is skipped.");
const h264: Encoder[] = hasFfmpeg ? ["ffmpeg", "webcodecs"] : ["webcodecs"];

describe.each(h264)("an MP4 by %s", (encoder) => {
  const path = join(folder, `${encoder}.mp4`);
  const frames = discOverStripes();
  beforeAll(() => writeVideo(path, frames, { fps: 8, encoder }));

  test("an MP4 has the index before the data and one H.264 track of the right size", () => {
    const { order, tracks, codec, width, height } = describeMp4(readFileSync(path));
    expect(order[0]).toBe("ftyp");
    expect(order.indexOf("moov")).toBeGreaterThan(0);
    expect(order.indexOf("moov")).toBeLessThan(order.indexOf("mdat"));
    expect({ tracks, codec, width, height }).toEqual({ tracks: 1, codec: "avc1", width: 64, height: 64 });
  });

  test("an MP4 is tagged BT.709 in primaries, transfer and matrix, limited range", () => {
    const nclx = Buffer.concat([Buffer.from("nclx"), Buffer.from([0, 1, 0, 1, 0, 1, 0])]).toString("hex");
    expect(describeMp4(readFileSync(path)).colour).toBe(nclx);
  });

  test("an MP4 lasts exactly frames / fps, every frame as long as the next", () => {
    const { frames: count, frameSeconds, seconds, movieSeconds } = describeMp4(readFileSync(path));
    expect({ count, seconds, movieSeconds }).toEqual({ count: 16, seconds: 2, movieSeconds: 2 });
    expect(frameSeconds).toEqual([{ count: 16, seconds: 1 / 8 }]);
  });

  test("an MP4 lasts exactly frames / fps where a frame is no whole number of milliseconds", async () => {
    const other = join(folder, `${encoder}-24.mp4`);
    await writeVideo(other, discOverStripes({ count: 17 }), { fps: 24, encoder });
    const { frames: count, seconds } = describeMp4(readFileSync(other));
    expect(count).toBe(17);
    expect(seconds).toBeCloseTo(17 / 24, 12);
  });

  test("an MP4 holds no reordered frames and no creation time", () => {
    const { hasCompositionOffsets, times } = describeMp4(readFileSync(path));
    expect(hasCompositionOffsets).toBe(false);
    expect(times).toEqual([
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });

  test("an MP4 has the same bytes when the same frames are written again", async () => {
    const again = join(folder, `${encoder}-again.mp4`);
    await writeVideo(again, discOverStripes(), { fps: 8, encoder });
    expect(readFileSync(again).equals(readFileSync(path))).toBe(true);
  });

  test("an MP4 decodes to every frame in order, close to the original", async () => {
    const { frames: decoded, times } = await decodeWithWebcodecs(path);
    expect(times).toEqual(Array.from({ length: 16 }, (_, frame) => frame * 125_000));
    // The hard red edges suffer from the halved colour resolution: without any codec the PSNR is 29 dB.
    expect(psnr(decoded, frames)).toBeGreaterThan(27);
    expect(ssim(decoded, frames)).toBeGreaterThan(0.93);
  });

  test.each([
    ["red", [255, 0, 0]],
    ["green", [0, 255, 0]],
    ["blue", [0, 0, 255]],
    ["grey", [128, 128, 128]],
    ["white", [255, 255, 255]],
    ["black", [0, 0, 0]],
  ])("an MP4 keeps plain %s within 3 levels", async (name, colour) => {
    const file = join(folder, `${encoder}-${name}.mp4`);
    await writeVideo(file, plain(colour), { fps: 8, encoder });
    const decoders = [(await decodeWithWebcodecs(file)).frames];
    if (hasFfmpeg) decoders.push(decodeWithFfmpeg(file, { width: 64, height: 64 }));
    for (const { rgb, count } of decoders) {
      expect(count).toBe(3);
      const error = rgb.reduce((worst, value, at) => Math.max(worst, Math.abs(value - colour[at % 3]!)), 0);
      expect(error).toBeLessThanOrEqual(3);
    }
  });

  test("an MP4 grows an odd side by one, copying the last row and column", async () => {
    const file = join(folder, `${encoder}-odd.mp4`);
    const odd = plain([200, 60, 30], { width: 33, height: 17 });
    await writeVideo(file, odd, { fps: 8, encoder });
    const { frames: decoded } = await decodeWithWebcodecs(file);
    expect([decoded.width, decoded.height]).toEqual([34, 18]);
    expect(psnr(decoded, plain([200, 60, 30], { width: 34, height: 18 }))).toBeGreaterThan(38);
  });
});

test.skipIf(!hasFfmpeg)("both encoders give the same picture", async () => {
  const [one, other] = await Promise.all(
    h264.map(async (encoder) => (await decodeWithWebcodecs(join(folder, `${encoder}.mp4`))).frames),
  );
  expect(psnr(one!, other!)).toBeGreaterThan(38);
});

describe("without an H.264 encoder", () => {
  test("an animated WebP is written where no H.264 encoder exists, and its name is in the result", async () => {
    const frames = discOverStripes();
    const written = await writeVideo(join(folder, "fallback.mp4"), frames, { fps: 24, encoder: "webp" });
    expect(written.path).toBe(join(folder, "fallback.webp"));
    expect(written.bytes).toBe(readFileSync(written.path).length);
    const { pages, delay, loop, width, pageHeight } = await sharp(written.path, {
      animated: true,
    }).metadata();
    expect({ pages, loop, width, pageHeight }).toEqual({ pages: 16, loop: 0, width: 64, pageHeight: 64 });
    expect(delay!.reduce((sum, ms) => sum + ms, 0)).toBe(Math.round(16_000 / 24));
    expect(new Set(delay)).toEqual(new Set([41, 42]));
    const rgb = await sharp(written.path, { animated: true }).removeAlpha().raw().toBuffer();
    expect(psnr({ ...frames, rgb }, frames)).toBeGreaterThan(27);
  });

  test("the WebP has the same bytes when the same frames are written again", async () => {
    const files = [join(folder, "one.webp"), join(folder, "two.webp")];
    for (const file of files) await writeVideo(file, discOverStripes(), { fps: 8 });
    expect(readFileSync(files[0]!).equals(readFileSync(files[1]!))).toBe(true);
  });
});

describe("the encoder", () => {
  const pathBefore = process.env.PATH;
  const withoutPath = async <R>(body: () => Promise<R>) => {
    process.env.PATH = folder;
    try {
      return await body();
    } finally {
      process.env.PATH = pathBefore;
    }
  };

  test("the next encoder is used when ffmpeg is not on PATH", async () => {
    const write = () => writeVideo(join(folder, "next.mp4"), discOverStripes(), { fps: 8 });
    expect((await withoutPath(write)).encoder).toBe("webcodecs");
  });

  test("the next encoder is used when the ffmpeg on PATH cannot encode H.264", async () => {
    writeFileSync(join(folder, "ffmpeg"), "#!/bin/sh\necho \"Unknown encoder 'libx264'\" >&2\nexit 1\n", {
      mode: 0o755,
    });
    const write = () => writeVideo(join(folder, "next.mp4"), discOverStripes(), { fps: 8 });
    expect((await withoutPath(write)).encoder).toBe("webcodecs");
    const forced = () => writeVideo(join(folder, "x.mp4"), discOverStripes(), { fps: 8, encoder: "ffmpeg" });
    await expect(withoutPath(forced)).rejects.toThrow(
      "ffmpeg could not encode the video: Unknown encoder 'libx264'.",
    );
    rmSync(join(folder, "ffmpeg"));
  });

  test("an encoder that was chosen explicitly is the only one tried", async () => {
    const write = () => writeVideo(join(folder, "only.mp4"), plain([1, 2, 3]), { fps: 8, encoder: "ffmpeg" });
    await expect(withoutPath(write)).rejects.toThrow(/^ffmpeg could not encode the video: .*ENOENT/);
    expect(readdirSync(folder)).not.toContain("only.mp4");
  });
});

describe("a video that is started before there are frames", () => {
  const size = { width: 64, height: 64, fps: 8 };
  const temporary = () => readdirSync(scratch);
  let scratch: string;
  let tmpBefore: string | undefined;
  beforeAll(() => {
    tmpBefore = process.env.TMPDIR;
    scratch = process.env.TMPDIR = mkdtempSync(join(folder, "tmp-"));
  });
  afterAll(() => {
    if (tmpBefore === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = tmpBefore;
  });

  test("a started video has the bytes of one that is encoded at once", async () => {
    const started = startVideo(size);
    const { bytes, encoder } = await started.encode(discOverStripes());
    const whole = await encodeVideo(discOverStripes(), { fps: 8, encoder });
    expect(Buffer.compare(bytes, whole.bytes)).toBe(0);
    await started.cancel();
    expect(temporary()).toEqual([]);
  });

  test("a started video whose frames have another size is encoded in that size", async () => {
    const path = join(folder, "other-size.mp4");
    const frames = discOverStripes();
    const started = startVideo({ ...size, width: 32 });
    await writeVideo(path, frames, { fps: 8, started });
    expect(describeMp4(readFileSync(path))).toMatchObject({ width: 64, height: 64 });
  });

  test("a started video that gets no frames leaves nothing behind", async () => {
    const started = startVideo(size);
    await started.cancel();
    expect(temporary()).toEqual([]);
  });

  test("a started video is encoded by the next encoder where ffmpeg is missing", async () => {
    const pathBefore = process.env.PATH;
    process.env.PATH = folder;
    const started = startVideo(size);
    const { encoder } = await started.encode(discOverStripes()).finally(() => {
      process.env.PATH = pathBefore;
    });
    expect(encoder).toBe("webcodecs");
    await started.cancel();
  });
});

describe("writeVideo refuses in one sentence", () => {
  const frames = plain([9, 9, 9]);
  const cases: [string, string, Partial<typeof frames>, { fps: number; encoder?: Encoder }, RegExp][] = [
    ["another ending", "clip.gif", {}, { fps: 8 }, /ends in \.mp4 or \.webp/],
    ["H.264 in a .webp", "clip.webp", {}, { fps: 8, encoder: "webcodecs" }, /must end in \.mp4/],
    ["no frame rate", "clip.mp4", {}, { fps: 0 }, /1 to 240 whole frames per second, not 0/],
    ["half a frame per second", "clip.mp4", {}, { fps: 7.5 }, /not 7\.5/],
    ["no frames", "clip.mp4", { count: 0 }, { fps: 8 }, /at least one frame, not 0/],
    [
      "missing pixels",
      "clip.mp4",
      { count: 4 },
      { fps: 8 },
      /4 frames of 64x64 need 49152 bytes of RGB, not 36864/,
    ],
    ["an impossible side", "clip.mp4", { width: 0 }, { fps: 8 }, /0x64 cannot be written/],
  ];
  test.each(cases)(
    "a video with this fault is refused in one sentence: %s",
    async (_, name, change, options, message) => {
      const attempt = writeVideo(join(folder, name), { ...frames, ...change }, options);
      await expect(attempt).rejects.toThrow(VideoError);
      await expect(attempt).rejects.toThrow(message);
      expect(readdirSync(folder).filter((file) => file.includes("clip"))).toEqual([]);
    },
  );
});
