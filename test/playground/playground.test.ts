import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Video } from "../../functions/api/schemas/video.ts";
import { type LocalService, startService } from "./service.ts";

const executablePath = process.env.ADAREEL_CHROMIUM ?? "/usr/bin/chromium";
const isHere = existsSync(executablePath);
if (!isHere) console.warn(`no Chromium at ${executablePath}: the playground's tests are skipped`);

const PROMPT = "a red circle moves fast to the left over blue stripes";

/** Script for the page: returns the markup of all controls without an accessible name. */
const NAMELESS = `
  const named = (node) =>
    node.getAttribute("aria-label") ||
    node.getAttribute("aria-labelledby") ||
    node.labels?.[0]?.textContent.trim() ||
    (node.matches("button, a, summary") && node.textContent.trim());
  const operable = "input, select, textarea, button, a, summary, video, progress, [tabindex='0']";
  [...document.querySelectorAll(operable)].filter((node) => !named(node)).map((node) => node.outerHTML)`;

describe.skipIf(!isHere)("the playground", () => {
  let service: LocalService;
  let browser: Browser;
  let page: Page;
  let complaints: string[];
  /** Console message of Chromium for a failure that the test provokes. */
  let provoked: string | null;

  beforeAll(async () => {
    service = await startService();
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  });
  afterAll(async () => {
    await browser?.close();
    await service?.stop();
  });

  beforeEach(async () => {
    complaints = [];
    provoked = null;
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(30_000);
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", ({ message }) => complaints.push(message));
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(service.url) && !url.startsWith("data:")) complaints.push(`it asked for ${url}`);
    });
  });
  afterEach(async () => {
    await page.close();
    expect(complaints.filter((text) => !text.includes(provoked ?? "\0"))).toEqual([]);
  });

  async function begin(): Promise<void> {
    await page.goto(`${service.url}/#key=${service.key}`);
    await page.waitForSelector("#settings:enabled");
  }

  const generate = () => page.getByRole("button", { name: "Generate" }).click();
  const result = () => page.locator("#result");
  const shownVideo = async () => JSON.parse((await page.locator("#json").textContent())!) as Video;

  /** Waits until an expression is true. Playwright's own waiting uses eval, which the content policy forbids. */
  const becomes = (claim: string) => expect.poll(() => page.evaluate(claim), { timeout: 30_000 }).toBe(true);

  async function order(fields: Record<string, string>): Promise<void> {
    for (const [name, value] of Object.entries({ prompt: PROMPT, ...fields })) {
      await page.locator(`[name="${name}"]`).fill(value);
    }
    await generate();
  }

  test("the playground removes the key from the address, and remembers it after a reload", async () => {
    await begin();
    expect(page.url()).toBe(`${service.url}/`);
    expect(await page.getByLabel("API key").inputValue()).toBe(service.key);
    await page.reload();
    await page.waitForSelector("#settings:enabled");
    expect(await page.locator("#model").inputValue()).toBe("demo");
    expect(await page.locator("#num_frames option:checked").textContent()).toBe("2 s (16 frames)");
    expect(await page.getByLabel("Steps", { exact: true }).inputValue()).toBe("30");
  });

  test("the playground makes a video from an example and plays it", async () => {
    await begin();
    await page.getByRole("button", { name: PROMPT }).click();
    await page.locator("#seed").fill("1");
    await generate();
    await result().waitFor();
    await becomes("document.querySelector('video').currentTime > 0.2");
    const video = "document.querySelector('video')";
    expect(await page.evaluate(`[${video}.videoWidth, ${video}.videoHeight]`)).toEqual([64, 64]);
    expect(await page.evaluate(`${video}.readyState`)).toBeGreaterThanOrEqual(3);
    await page.getByRole("button", { name: "Pause" }).click();
    expect(await page.evaluate("document.querySelector('video').paused")).toBe(true);

    const { params, compute } = await shownVideo();
    expect(params.seed).toBe(1);
    const { computed, requested, reused } = compute!.steps;
    expect(await page.locator("#receipt").textContent()).toContain(
      `${computed} of ${requested} denoising steps were computed; the other ${reused} reused`,
    );
    await page.locator("#chart svg.schedule-chart").waitFor();
    // The chart's inline style is allowed by the content security policy.
    const fill = "getComputedStyle(document.querySelector('#chart .computed')).fill";
    expect(await page.evaluate(fill)).toBe("rgb(29, 78, 216)");
    expect(await page.locator("#recent button").first().textContent()).toContain(PROMPT);
    expect(await page.locator("#recent img").count()).toBe(1);
  });

  test("the playground shows the progress, and cancels", async () => {
    await begin();
    await page.getByRole("radio", { name: "Off" }).check();
    await order({ steps: "1000" });
    const bar = page.getByRole("progressbar", { name: "Denoising" });
    await bar.waitFor();
    await becomes("document.querySelector('progress').value > 0");
    expect(await page.locator("#stage-detail").textContent()).toMatch(/^step \d+ of 1000$/);
    expect(await bar.getAttribute("aria-valuetext")).toMatch(/^\d+ %, step \d+ of 1000$/);
    expect(await page.getByRole("status").textContent()).toBe("Denoising");
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.locator("#failure").waitFor();
    expect(await page.locator("#failure").textContent()).toMatch(/cancel/i);
    expect(await bar.isVisible()).toBe(false);
    expect((await shownVideo()).error?.code).toBe("canceled");
  });

  test("the playground says that the service does not answer, and goes on once it does", async () => {
    provoked = "net::ERR_FAILED";
    let failures = 2;
    await begin();
    await page.route("**/v1/videos/video_*", (route) => (failures-- > 0 ? route.abort() : route.continue()));
    await order({ steps: "3" });
    await page.getByText("The service does not answer.").waitFor();
    await result().waitFor();
    expect(await page.getByText("The service does not answer.").isVisible()).toBe(false);
    expect(failures).toBeLessThan(0);
  });

  test("the playground plays a comparison with no cache in step, with the measured figures", async () => {
    await begin();
    await order({ steps: "10" });
    await result().waitFor();
    const { params } = await shownVideo();
    await page.getByRole("button", { name: "Compare with no cache" }).click();
    await page.locator("figure").nth(1).waitFor();
    const videos = "[...document.querySelectorAll('video')]";
    await becomes(`${videos}.every((video) => video.currentTime > 0.2)`);
    const times = await page.evaluate<number[]>(`${videos}.map((video) => video.currentTime)`);
    expect(Math.abs(times[0]! - times[1]!)).toBeLessThan(0.5);
    const compared = await shownVideo();
    expect(compared.params).toEqual({ ...params, compare: true });
    const { psnr, ssim, speedup } = compared.compute!.comparison!;
    const figures = await page.locator("#numbers").textContent();
    expect(figures).toContain(psnr === null ? "identical" : `${psnr.toFixed(2)} dB`);
    expect(figures).toContain(ssim.toFixed(4));
    expect(figures).toContain(`${speedup.toFixed(2)}×`);
    expect(await page.getByRole("button", { name: "Compare with no cache" }).isVisible()).toBe(false);
  });

  test("a custom codebook is used, and its faults are shown beside it", async () => {
    await begin();
    await page.getByRole("radio", { name: "Own" }).check();
    const codebook = page.locator('[id="cache.codebook"]');
    await codebook.fill("[{");
    await order({ steps: "10" });
    expect(await page.locator('[id="cache.codebook-error"]').textContent()).toMatch(
      /^The codebook is not JSON/,
    );
    expect(await codebook.getAttribute("aria-invalid")).toBe("true");
    await codebook.fill(`[{"below": 100, "rate": 3}, {"rate": 2}]`);
    await page.getByLabel("Warm-up steps").fill("2");
    await generate();
    await result().waitFor();
    const { compute } = await shownVideo();
    expect(compute!.cache).toMatchObject({
      codebook: [
        { below: 100, rate: 3 },
        { below: null, rate: 2 },
      ],
      warmup_steps: 2,
    });
    expect(await codebook.getAttribute("aria-invalid")).toBe(null);
  });

  test("an error of the service is shown beside its field", async () => {
    provoked = "status of 400";
    await begin();
    await order({ steps: "5000" });
    await page.locator("#steps-error").waitFor();
    expect(await page.locator("#steps-error").textContent()).toContain("1000");
    expect(await page.evaluate("document.activeElement?.id")).toBe("steps");
  });

  test("a wrong key is reported beside the key, and disables the form", async () => {
    provoked = "status of 401";
    await page.goto(`${service.url}/#key=adr_wrong`);
    await page.locator("#key-error").waitFor();
    expect(await page.locator("#key-error").textContent()).toContain("API key");
    expect(await page.locator("#settings:disabled").count()).toBe(1);
    await page.getByLabel("API key").fill("ключ");
    await page.getByRole("button", { name: "Use", exact: true }).click();
    await page.getByText("This is not an API key.").waitFor();
    await page.getByLabel("API key").fill(service.key);
    await page.keyboard.press("Enter");
    await page.waitForSelector("#settings:enabled");
    expect(await page.locator("#key-error").isVisible()).toBe(false);
  });

  test("a prompt is shown as text everywhere, and is one word in the shell command", async () => {
    const hostile = `<img src=x onerror=alert(1)> '"; $(touch x) \`id\` \\`;
    await begin();
    await order({ prompt: hostile, steps: "3" });
    await result().waitFor();
    expect(await page.locator("#stage-heading").textContent()).toBe(hostile);
    expect(await page.locator("#recent .prompt").first().textContent()).toBe(hostile);
    expect(await page.locator("main img[src=x]").count()).toBe(0);
    const command = (await page.locator("#curl").textContent())!;
    expect(command).not.toContain(service.key);
    const script = `curl() { printf '%s\\0' "$@"; }; ${command}`;
    const words = execFileSync("sh", ["-c", script], { encoding: "utf8" }).split("\0");
    const body = JSON.parse(words[words.indexOf("-d") + 1]!) as { prompt: string };
    expect(body.prompt).toBe(hostile);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByText("The request as curl").click();
    await page.getByRole("button", { name: "Copy" }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(command);
    // The command reproduces this video.
    const { id, params } = await shownVideo();
    const again = await fetch(words[0]!, {
      method: "POST",
      headers: { authorization: `Bearer ${service.key}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const made = (await again.json()) as Video;
    expect(made.id).not.toBe(id);
    expect(made.params).toEqual(params);
  });

  test("an earlier video can be shown again, and its settings taken over", async () => {
    await begin();
    await order({ prompt: "a green ring stays still over a plain black background", steps: "4", seed: "7" });
    await result().waitFor();
    await order({ prompt: "a blue cross spins over a plain white background", steps: "3" });
    await page.getByText("3 steps · guidance").waitFor();
    await result().waitFor();
    await page.locator("#recent button", { hasText: "a green ring" }).first().click();
    await page.getByRole("heading", { name: /^a green ring/ }).waitFor();
    await page.getByRole("button", { name: "Use these settings" }).click();
    expect(await page.getByLabel("Prompt", { exact: true }).inputValue()).toMatch(/^a green ring/);
    expect(await page.locator("#seed").inputValue()).toBe("7");
    expect(await page.getByLabel("Steps", { exact: true }).inputValue()).toBe("4");
  });

  test("a video can be made with the keyboard alone", async () => {
    await page.goto(service.url);
    const focusOn = async (id: string) => {
      for (let presses = 0; presses < 60; presses++) {
        await page.keyboard.press("Tab");
        if ((await page.evaluate("document.activeElement?.id")) === id) return;
      }
      throw new Error(`Tab does not lead to ${id}.`);
    };
    await focusOn("key");
    await page.keyboard.type(service.key);
    await page.keyboard.press("Enter");
    await page.waitForSelector("#settings:enabled");
    await focusOn("prompt");
    await page.keyboard.type(PROMPT);
    await focusOn("steps");
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.type("5");
    await page.keyboard.press("Enter");
    await result().waitFor();
    expect((await shownVideo()).params.steps).toBe(5);
    await focusOn("play");
    const outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle");
    expect(outline).toBe("solid");
    await page.keyboard.press("Space");
    await becomes("document.querySelector('video').paused");
  });

  test.each([
    ["/", 360],
    ["/", 320],
    ["/docs", 320],
  ])("the page %s fits a screen of %i pixels", async (path, width) => {
    await page.setViewportSize({ width, height: 640 });
    if (path === "/") {
      await begin();
      await page.getByRole("radio", { name: "Own" }).check();
      await order({ prompt: `${"wide".repeat(60)} ${PROMPT}`, steps: "3" });
      await page.locator("#chart svg").waitFor();
      for (const summary of await page.locator(".stage summary").all()) await summary.click();
    } else {
      await page.goto(service.url + path);
    }
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
  });

  test("every control has an accessible name", async () => {
    await begin();
    await order({ steps: "3" });
    await result().waitFor();
    await page.getByRole("radio", { name: "Own" }).check();
    const nameless = await page.evaluate(NAMELESS);
    expect(nameless).toEqual([]);
    const levels = await page.evaluate<number[]>(
      "[...document.querySelectorAll('h1, h2, h3')].map(({ tagName }) => Number(tagName[1]))",
    );
    expect(levels[0]).toBe(1);
    expect(levels.every((level, index) => index === 0 || level <= levels[index - 1]! + 1)).toBe(true);
  });

  test("the playground shows its text without scripts, and plays nothing under reduced motion", async () => {
    const plain = await browser.newContext({ javaScriptEnabled: false });
    const without = await plain.newPage();
    await without.goto(service.url);
    expect(await without.locator("noscript").textContent()).toContain("The playground needs JavaScript");
    await plain.close();

    await page.emulateMedia({ reducedMotion: "reduce" });
    await begin();
    await order({ steps: "3" });
    await page.getByRole("button", { name: "Play", exact: true }).waitFor();
    expect(await page.evaluate("document.querySelector('video').paused")).toBe(true);
  });
});
