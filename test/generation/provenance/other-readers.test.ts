import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  makeDevelopmentCertificate,
  openProvenance,
  seal,
  signerOf,
} from "../../../lib/generation/provenance/index.ts";
import { MADE_BY_MODEL } from "../../../lib/generation/provenance/mark/packet.ts";
import { loadNative } from "../../../lib/generation/provenance/native.ts";
import { type Encoder, encodeVideo } from "../../../lib/generation/video/index.ts";
import { discOverStripes } from "../video/sample-frames.ts";

const python = process.env.ADAREEL_PYTHON ?? "python3";
const hasPython = spawnSync(python, ["-c", "import c2pa"]).status === 0;
if (!hasPython) console.warn(`Signed files are not read by another library: ${python} has no package c2pa.`);
const tool = process.env.ADAREEL_C2PATOOL ?? "c2patool";
const hasTool = spawnSync(tool, ["--version"]).status === 0;
const executablePath = process.env.ADAREEL_CHROMIUM ?? "/usr/bin/chromium";
const { missing } = await loadNative();

const READ = "import sys, c2pa\nwith c2pa.Reader(sys.argv[1]) as reader: print(reader.json())";

/** Programs that print what a file claims, as JSON. */
const readers: [string, boolean, (path: string) => Buffer][] = [
  ["the library for Python", hasPython, (path) => execFileSync(python, ["-c", READ, path])],
  ["c2patool", hasTool, (path) => execFileSync(tool, [path])],
];

const folder = await mkdtemp(join(tmpdir(), "adareel-readers-"));
afterAll(() => rm(folder, { recursive: true }));

const frames = discOverStripes({ count: 8 });

async function signedFile(encoder: Encoder, ending: string): Promise<string> {
  const provenance = await openProvenance("required", async () =>
    signerOf(makeDevelopmentCertificate(Date.now()), Date.now()),
  );
  const claims = {
    pictures: { image: "cd".repeat(32) },
    receipt: { seed: 7, settings: { fps: 8, x: 0.25 } },
  };
  const { bytes } = await encodeVideo(frames, { fps: 8, encoder });
  const path = join(folder, `signed.${ending}`);
  await writeFile(path, (await seal(bytes, { provenance, model: "demo", claims })).bytes);
  return path;
}

describe.skipIf(missing !== null)("a signed file", () => {
  let files: string[] = [];
  beforeAll(async () => {
    files = [await signedFile("webcodecs", "mp4"), await signedFile("webp", "webp")];
  });

  for (const [name, isHere, read] of readers) {
    test.skipIf(!isHere)(`a signed file is read by ${name}, which finds that it holds`, () => {
      for (const file of files) {
        const store = JSON.parse(read(file).toString());
        expect(store.validation_state).toBe("Valid");
        const { assertions, ingredients } = store.manifests[store.active_manifest];
        const dataOf = (label: string) =>
          assertions.find((each: { label: string }) => each.label === label).data;
        expect(dataOf("c2pa.actions.v2").actions).toMatchObject([
          { action: "c2pa.created", digitalSourceType: MADE_BY_MODEL, softwareAgent: { name: "Adareel" } },
        ]);
        expect(dataOf("org.adareel.receipt")).toMatchObject({ seed: 7, settings: { fps: 8, x: 0.25 } });
        expect(ingredients).toMatchObject([{ title: "image", relationship: "inputTo" }]);
      }
    });
  }

  test.skipIf(!existsSync(executablePath))("Chromium plays a signed MP4 to its end", async () => {
    const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
    try {
      const page = await browser.newPage();
      await page.goto(`file://${files[0]}`);
      const played = await page.evaluate(async () => {
        // biome-ignore lint/suspicious/noExplicitAny: this runs in the page.
        const video = (globalThis as any).document.querySelector("video");
        video.muted = true;
        await video.play();
        await new Promise((resolve) => video.addEventListener("ended", resolve, { once: true }));
        return [video.videoWidth, video.videoHeight, video.duration, video.error];
      });
      expect(played).toEqual([64, 64, 1, null]);
    } finally {
      await browser.close();
    }
  });
});
