import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type LocalService, startService } from "../playground/service.ts";

const executablePath = process.env.ADAREEL_CHROMIUM ?? "/usr/bin/chromium";
const isHere = existsSync(executablePath);
if (!isHere) console.warn(`no Chromium at ${executablePath}: the reference's tests in it are skipped`);

const PAGES = ["", "/requests", "/videos", "/webhooks", "/triggers", "/models", "/errors"];

/** Script for the page: returns controls without an accessible name. */
const NAMELESS = `
  [...document.querySelectorAll("input, button, a, summary, section[aria-label], [role='listbox']")]
    .filter((node) => !(node.getAttribute("aria-label") || node.labels?.[0]?.textContent || node.textContent.trim()))
    .map((node) => node.outerHTML)`;

describe.skipIf(!isHere)("the reference in a browser", { timeout: 120_000 }, () => {
  let service: LocalService;
  let browser: Browser;
  let page: Page;
  let complaints: string[];

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
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(250_000);
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", ({ message }) => complaints.push(message));
    page.on("request", (request) => {
      if (!request.url().startsWith(service.url)) complaints.push(`it asked for ${request.url()}`);
    });
  });
  afterEach(async () => {
    await page.close();
    expect(complaints).toEqual([]);
  });

  const open = (path: string) => page.goto(`${service.url}${path}`);
  /** Waits until a script returns the value. Playwright's own waiting uses eval, which the content policy forbids. */
  const becomes = (script: string, value: unknown) => expect.poll(() => page.evaluate(script)).toEqual(value);

  test("every page fits screens of 1280 and 390 pixels, and names all its controls", async () => {
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 900 });
      for (const path of PAGES) {
        await open(`/docs${path}`);
        expect(await page.evaluate("document.documentElement.scrollWidth"), `${path} ${width}`).toBe(width);
        expect(await page.evaluate(NAMELESS)).toEqual([]);
      }
    }
  });

  test("the chosen language is that of all programs of all pages, and is remembered", async () => {
    const shown = `[...new Set([...document.querySelectorAll(".program[data-language]")]
      .filter((each) => each.offsetParent).map((each) => each.dataset.language))]`;
    await open("/docs/videos");
    expect(await page.evaluate(shown)).toEqual(["curl"]);
    await page.getByRole("button", { name: "Python" }).first().click();
    expect(await page.evaluate(shown)).toEqual(["python"]);
    await open("/docs/triggers");
    expect(await page.evaluate(shown)).toEqual(["python"]);
    const button = page.getByRole("button", { name: "Python" }).first();
    expect(await button.getAttribute("aria-pressed")).toBe("true");
  });

  test("programs that are not there in the chosen language are shown in another", async () => {
    await open("/docs/webhooks");
    const receiver = page.getByRole("region", { name: "A complete receiver" });
    expect(await receiver.locator("pre").first().isVisible()).toBe(true);
    const button = receiver.getByRole("button", { name: "JavaScript" });
    expect(await button.getAttribute("aria-pressed")).toBe("true");
  });

  test("a program is copied as it is shown", async () => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await open("/docs");
    const start = page.getByRole("region", { name: "Your terminal" });
    await start.getByRole("button", { name: "Copy" }).click();
    await becomes("document.querySelector('.copy').textContent", "Copied");
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(
      `export ADAREEL_URL=${service.url}\nexport ADAREEL_API_KEY=adr_…`,
    );
  });

  test.each([
    ["warmup", "createVideo.cache.warmup_steps"],
    ["queue_full", "error-queue_full"],
    ["remix", "remixVideo"],
    ["429", "error-queue_full"],
    ["static:K", "cache"],
  ])("the search leads from %s to #%s", async (query, id) => {
    await open("/docs");
    await page.keyboard.press("/");
    await page.keyboard.type(query);
    await becomes("document.querySelectorAll('#found [role=option]').length > 0", true);
    await page.keyboard.press("Enter");
    await expect.poll(() => new URL(page.url()).hash).toBe(`#${id}`);
    await becomes(
      `(() => { const box = document.getElementById(${JSON.stringify(id)})?.getBoundingClientRect();
        return Boolean(box && box.height > 0 && box.top >= 0 && box.top < innerHeight); })()`,
      true,
    );
  });

  test("the search says that nothing is found, and Escape closes it", async () => {
    await open("/docs");
    await page.getByRole("combobox").fill("zebra");
    await page.getByText("Nothing is called “zebra”.").waitFor();
    await page.keyboard.press("Escape");
    expect(await page.locator("#found").isVisible()).toBe(false);
  });

  test.each([
    ["#createVideo", "/docs/videos#createVideo"],
    ["#schema-Video", "/docs/videos#schema-Video"],
    ["#error-queue_full", "/docs/errors#error-queue_full"],
  ])("the old address /docs%s leads to %s", async (old, moved) => {
    await open(`/docs${old}`);
    await expect.poll(() => page.url()).toBe(service.url + moved);
  });

  test.each(["#main", "#%"])(
    "the address /docs%s stays where it is, and the search works there",
    async (hash) => {
      await open(`/docs${hash}`);
      await page.getByRole("combobox").fill("queue_full");
      await becomes("document.querySelectorAll('#found [role=option]').length > 0", true);
      expect(page.url()).toBe(`${service.url}/docs${hash}`);
    },
  );

  test("the contents mark what is being read, and fold on a phone", async () => {
    await open("/docs/videos#remixVideo");
    await becomes(
      "document.querySelector('.contents [aria-current=location]')?.textContent",
      "Remix a video",
    );
    await page.setViewportSize({ width: 390, height: 800 });
    await open("/docs/videos");
    expect(await page.locator("#contents ul").first().isVisible()).toBe(false);
    await page.getByText("Contents").click();
    expect(await page.locator("#contents ul").first().isVisible()).toBe(true);
    await page.locator("#contents").getByRole("link", { name: "Cancel a video" }).click();
    expect(await page.locator("#contents ul").first().isVisible()).toBe(false);
  });

  test("all programs can be read without scripts, with no button that needs one", async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const bare = await context.newPage();
    await bare.goto(`${service.url}/docs`);
    const start = bare.getByRole("region", { name: "Make a video" });
    expect(await start.locator("pre").count()).toBe(3);
    for (const program of await start.locator("pre").all()) expect(await program.isVisible()).toBe(true);
    expect(await start.getByRole("button").count()).toBe(0);
    expect(await bare.getByRole("combobox").count()).toBe(0);
    expect(await bare.getByText(`export ADAREEL_URL=${service.url}`).isVisible()).toBe(true);
    await context.close();
  });
});
