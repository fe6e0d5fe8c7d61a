import { existsSync } from "node:fs";
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from "vitest";
import type { Video } from "../../functions/api/schemas/video.ts";
import { type LocalService, startService } from "./service.ts";

const executablePath = process.env.ADAREEL_CHROMIUM ?? "/usr/bin/chromium";
const isHere = existsSync(executablePath);
if (!isHere) console.warn(`no Chromium at ${executablePath}: the playground's tests are skipped`);

export const PROMPT = "a red circle moves fast to the left over blue stripes";

/** Milliseconds that a step of a test may take on a busy machine: little less than the whole test. */
export const PATIENCE_MS = 200_000;

/** Visit of the playground in a real browser. Fails the test if the page complains of anything. */
export class Visit {
  service!: LocalService;
  browser!: Browser;
  page!: Page;
  /** Console messages of Chromium for failures that the test provokes. */
  provoked: string[] = [];
  complaints: string[] = [];

  async start(): Promise<void> {
    this.service = await startService();
    this.browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  }

  async stop(): Promise<void> {
    await this.browser?.close();
    await this.service?.stop();
  }

  /** Opens an empty page; pages of one context share nothing but permissions, as tabs do that were opened by hand. */
  async newPage(context: Browser | BrowserContext = this.browser): Promise<Page> {
    const page = await context.newPage();
    await page.setViewportSize({ width: 1280, height: 860 });
    page.setDefaultTimeout(PATIENCE_MS);
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.complaints.push(message.text());
    });
    page.on("pageerror", ({ message }) => this.complaints.push(message));
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(this.service.url) && !/^(data|blob):/.test(url))
        this.complaints.push(`it asked for ${url}`);
    });
    return page;
  }

  /** Opens the playground with a key, and waits until its form can be used. */
  async begin({ key = this.service.key, hash = "", page = this.page } = {}): Promise<void> {
    await page.goto(`${this.service.url}/#key=${key}${hash}`);
    await page.waitForSelector("#settings:enabled");
  }

  /** Fills fields of the form, with the folded ones unfolded, and sends it. */
  async order(fields: Record<string, string> = {}): Promise<void> {
    await this.unfold();
    for (const [name, value] of Object.entries({ prompt: PROMPT, ...fields })) {
      await this.page.locator(`[name="${name}"]`).fill(value);
    }
    await this.generate();
  }

  async unfold(): Promise<void> {
    if (await this.page.locator("#more-settings:not([open])").count()) {
      await this.page.getByText("More settings").click();
    }
  }

  generate(): Promise<void> {
    return this.page.getByRole("button", { name: "Generate" }).click();
  }

  /** Waits for the video on the stage to be made. */
  result(): Promise<void> {
    return this.page.locator("#film").waitFor();
  }

  /** The video on the stage, as the page has it. */
  async shown(): Promise<Video> {
    return JSON.parse((await this.page.locator("#json").textContent())!) as Video;
  }

  /** Makes a video with the API, as another program would. */
  create(fields: object = {}): Promise<Video> {
    return this.service.send<Video>("POST", "/v1/videos", { prompt: PROMPT, steps: 3, ...fields });
  }

  /** Waits until an expression is true. Playwright's own waiting uses eval, which the content policy forbids. */
  becomes(claim: string): Promise<void> {
    return expect.poll(() => this.page.evaluate(claim), { timeout: PATIENCE_MS }).toBe(true);
  }

  /** Waits until an element reads like this. */
  reads(place: Locator, like: RegExp): Promise<void> {
    return expect.poll(() => place.textContent(), { timeout: PATIENCE_MS }).toMatch(like);
  }
}

/** Describes the playground, with a service and a page of its own for each test. */
export function describeVisits(title: string, tests: (visit: Visit) => void): void {
  describe.skipIf(!isHere)(title, { timeout: PATIENCE_MS + 20_000 }, () => {
    const visit = new Visit();
    beforeAll(() => visit.start(), PATIENCE_MS);
    afterAll(() => visit.stop());
    beforeEach(async () => {
      visit.complaints = [];
      visit.provoked = [];
      visit.page = await visit.newPage();
    });
    afterEach(async () => {
      await visit.page.close();
      const isProvoked = (text: string) => visit.provoked.some((part) => text.includes(part));
      expect(visit.complaints.filter((text) => !isProvoked(text))).toEqual([]);
    });
    tests(visit);
  });
}
