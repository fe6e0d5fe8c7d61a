import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ComparedVideo, comparisonPage } from "../../functions/cli/comparison-page.tsx";
import { writeVideo } from "../../lib/generation/video/index.ts";
import { sampleTrace } from "../generation/chart/sample-trace.ts";

const executablePath = process.env.ADAREEL_CHROMIUM ?? "/usr/bin/chromium";
const isHere = existsSync(executablePath);
if (!isHere) console.warn(`no Chromium at ${executablePath}: the comparison page's tests are skipped`);

const VIDEOS = "[...document.querySelectorAll('video')]";

describe.skipIf(!isHere)("the comparison page, opened as a file", () => {
  let browser: Browser;
  let folder: string;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
    folder = mkdtempSync(join(tmpdir(), "adareel-comparison-"));
    for (const encoder of ["mp4", "webp"] as const) {
      const video = await comparedVideo(encoder);
      const page = { prompt: "a circle", seed: 1, cached: video, uncached: video, psnr: 30, ssim: 0.9 };
      writeFileSync(join(folder, `${encoder}.html`), comparisonPage(page));
    }
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Sixteen frames of noise, two seconds long. */
  async function comparedVideo(kind: "mp4" | "webp"): Promise<ComparedVideo> {
    const shape = { count: 16, width: 64, height: 64 };
    const rgb = Uint8Array.from({ length: 16 * 64 * 64 * 3 }, (_, index) => (index * 2654435761) >>> 24);
    const { path, encoder } = await writeVideo(join(folder, `video.${kind}`), { ...shape, rgb }, { fps: 8 });
    const mime = encoder === "webp" ? "image/webp" : "video/mp4";
    return { videoBytes: readFileSync(path), mime, seconds: 1, trace: sampleTrace("fast") };
  }

  async function open(name: string, settings: Parameters<Browser["newPage"]>[0] = {}): Promise<Page> {
    const page = await browser.newPage(settings);
    const complaints: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", ({ message }) => complaints.push(message));
    await page.goto(pathToFileURL(join(folder, name)).href);
    expect(complaints).toEqual([]);
    return page;
  }

  const becomes = (page: Page, claim: string) => expect.poll(() => page.evaluate(claim)).toBe(true);
  const times = (page: Page) => page.evaluate<number[]>(`${VIDEOS}.map((video) => video.currentTime)`);

  test("both videos play, pause and move in step, by mouse and by keyboard", async () => {
    const page = await open("mp4.html");
    await becomes(page, `${VIDEOS}.every((video) => video.currentTime > 0.2 && !video.controls)`);
    await page.getByRole("button", { name: "Pause" }).click();
    await becomes(page, `${VIDEOS}.every((video) => video.paused)`);
    await page.getByLabel("Position").fill("500");
    expect(await times(page)).toEqual([1, 1]);
    await page.getByLabel("Position").press("Home");
    expect(await times(page)).toEqual([0, 0]);
    await page.getByRole("button", { name: "Play" }).press("Space");
    await becomes(page, `${VIDEOS}.every((video) => !video.paused)`);
    await page.close();
  });

  test("both videos begin again once both have ended", async () => {
    const page = await open("mp4.html");
    await becomes(page, `${VIDEOS}.every((video) => video.currentTime > 1.5)`);
    await becomes(page, `${VIDEOS}.every((video) => video.currentTime < 1)`);
    await page.close();
  });

  test("sharp pixels need no script, and without one each video has its own controls", async () => {
    const page = await open("mp4.html", { javaScriptEnabled: false });
    expect(await page.locator("video[controls][autoplay][loop]").count()).toBe(2);
    expect(await page.getByRole("button", { name: "Play" }).count()).toBe(0);
    const rendering = "getComputedStyle(document.querySelector('video')).imageRendering";
    expect(await page.evaluate(rendering)).toBe("auto");
    await page.getByLabel("Sharp pixels").check();
    expect(await page.evaluate(rendering)).toBe("pixelated");
    await page.close();
  });

  test("animated pictures have no controls of a video", async () => {
    const page = await open("webp.html");
    expect(await page.locator("figure img").count()).toBe(2);
    expect(await page.locator("#play").isVisible()).toBe(false);
    expect(await page.getByLabel("Position").isVisible()).toBe(false);
    expect(await page.getByLabel("Sharp pixels").isVisible()).toBe(true);
    await page.close();
  });

  test("nothing moves for those who want nothing to move", async () => {
    const page = await open("mp4.html", { reducedMotion: "reduce" });
    await page.getByRole("button", { name: "Play" }).waitFor();
    await becomes(page, `${VIDEOS}.every((video) => video.paused)`);
    await page.close();
  });

  test("the page fits a narrow screen", async () => {
    const page = await open("mp4.html", { viewport: { width: 320, height: 640 } });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(320);
    await page.close();
  });
});
