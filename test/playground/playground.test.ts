import { expect, test } from "vitest";
import { describeVisits, PROMPT } from "./visit.ts";

/** Script for the page: returns the markup of all controls without an accessible name. */
const NAMELESS = `
  const named = (node) =>
    node.getAttribute("aria-label") ||
    node.getAttribute("aria-labelledby") ||
    node.labels?.[0]?.textContent.trim() ||
    (node.matches("button, a, summary") && node.textContent.trim());
  const operable = "input, select, textarea, button, a, summary, video, progress, [tabindex='0']";
  [...document.querySelectorAll(operable)].filter((node) => !named(node)).map((node) => node.outerHTML)`;

describeVisits("the playground", (visit) => {
  test("the playground removes the key from the address, and remembers it after a reload", async () => {
    await visit.begin();
    expect(visit.page.url()).toBe(`${visit.service.url}/`);
    expect(await visit.page.getByLabel("API key").inputValue()).toBe(visit.service.key);
    await visit.page.reload();
    await visit.page.waitForSelector("#settings:enabled");
    expect(await visit.page.locator("#model").inputValue()).toBe("demo");
    await visit.unfold();
    expect(await visit.page.locator("#num_frames option:checked").textContent()).toBe("2 s (16 frames)");
    expect(await visit.page.getByLabel("Steps", { exact: true }).inputValue()).toBe("30");
  });

  test("the playground makes a video from an example and plays it", async () => {
    await visit.begin();
    await visit.page.getByRole("button", { name: PROMPT }).click();
    await visit.unfold();
    await visit.page.locator("#seed").fill("1");
    await visit.generate();
    await visit.result();
    await visit.becomes("document.querySelector('video').currentTime > 0.2");
    const video = "document.querySelector('video')";
    expect(await visit.page.evaluate(`[${video}.videoWidth, ${video}.videoHeight]`)).toEqual([64, 64]);
    expect(await visit.page.evaluate(`${video}.readyState`)).toBeGreaterThanOrEqual(3);
    await visit.page.getByRole("button", { name: "Pause" }).click();
    expect(await visit.page.evaluate("document.querySelector('video').paused")).toBe(true);

    const { params, compute } = await visit.shown();
    expect(params.seed).toBe(1);
    const { computed, requested, reused } = compute!.steps;
    expect(await visit.page.locator("#receipt").textContent()).toContain(
      `${computed} of ${requested} denoising steps were computed; the other ${reused} reused`,
    );
    await visit.page.locator("#chart svg.schedule-chart").waitFor();
    // The chart's inline style is allowed by the content security policy.
    const fill = "getComputedStyle(document.querySelector('#chart .computed')).fill";
    expect(await visit.page.evaluate(fill)).toBe("rgb(29, 78, 216)");
    expect(await visit.page.locator("#recent a").first().textContent()).toContain(PROMPT);
    await visit.page.locator("#recent img").waitFor();
  });

  test("the playground plays a comparison with no cache in step, with the measured figures", async () => {
    await visit.begin();
    await visit.order({ steps: "10" });
    await visit.result();
    const { params } = await visit.shown();
    await visit.page.getByRole("button", { name: "Compare with no cache" }).click();
    await visit.page.locator("figure").nth(1).waitFor();
    const videos = "[...document.querySelectorAll('video')]";
    await visit.becomes(`${videos}.every((video) => video.currentTime > 0.2)`);
    const times = await visit.page.evaluate<number[]>(`${videos}.map((video) => video.currentTime)`);
    expect(Math.abs(times[0]! - times[1]!)).toBeLessThan(0.5);
    const compared = await visit.shown();
    expect(compared.params).toEqual({ ...params, compare: true });
    const { psnr, ssim, speedup } = compared.compute!.comparison!;
    const figures = await visit.page.locator("#numbers").textContent();
    expect(figures).toContain(psnr === null ? "identical" : `${psnr.toFixed(2)} dB`);
    expect(figures).toContain(ssim.toFixed(4));
    expect(figures).toContain(`${speedup.toFixed(2)}×`);
    expect(await visit.page.getByRole("button", { name: "Compare with no cache" }).isVisible()).toBe(false);
  });

  test("a wrong key is answered beside its field, in the words of a key, and disables the form", async () => {
    visit.provoked = ["status of 401"];
    const { page, service } = visit;
    const error = page.locator("#key-error");
    await page.goto(`${service.url}/#key=adr_wrong`);
    await error.waitFor();
    expect(await error.textContent()).toBe(
      "The service does not know this key: copy it whole, or make another one if it was revoked.",
    );
    expect(await page.locator("#settings:disabled").count()).toBe(1);
    for (const [key, sentence] of [
      ["ключ", "An API key begins with adr_ and has no spaces."],
      ["", "Enter an API key."],
    ]) {
      await page.getByLabel("API key").fill(key!);
      await page.getByRole("button", { name: "Connect" }).click();
      await page.getByText(sentence!).waitFor();
    }
    await page.getByLabel("API key").fill(service.key);
    await page.keyboard.press("Enter");
    await page.waitForSelector("#settings:enabled");
    expect(await error.isVisible()).toBe(false);
    await page.getByText("Connected", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Change key" }).click();
    expect(await page.getByLabel("API key").isVisible()).toBe(true);
  });

  test.each([
    [1280, 860],
    [390, 844],
  ])(
    "the button Generate is in sight at %i x %i pixels, however much of the form is unfolded",
    async (width, height) => {
      const button = visit.page.getByRole("button", { name: "Generate" });
      const isInSight = async () => {
        const { y, height: own } = (await button.boundingBox())!;
        return y >= 0 && y + own <= height;
      };
      await visit.page.setViewportSize({ width, height });
      await visit.begin();
      expect(await isInSight()).toBe(true);
      await visit.page.getByRole("radio", { name: "Custom" }).check();
      await visit.unfold();
      await visit.page.evaluate("scrollTo(0, 0)");
      expect(await isInSight()).toBe(true);
      await visit.page.locator("#webhook_url").focus();
      const webhook = (await visit.page.locator("#webhook_url").boundingBox())!;
      expect(webhook.y + webhook.height).toBeLessThanOrEqual((await button.boundingBox())!.y);
    },
  );

  test("the button says at once that the request is sent, and a second press sends no other", async () => {
    await visit.begin();
    let requests = 0;
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    await visit.page.route("**/v1/videos", async (route) => {
      if (route.request().method() === "POST") {
        requests++;
        await held;
      }
      await route.continue();
    });
    await visit.order({ steps: "3" });
    const sending = visit.page.getByRole("button", { name: "Sending…" });
    await sending.waitFor();
    expect(await visit.page.evaluate("document.activeElement.id")).toBe("generate");
    await visit.page.keyboard.press("Enter");
    letGo();
    await visit.result();
    expect(requests).toBe(1);
    expect(await visit.page.getByRole("button", { name: "Generate" }).isEnabled()).toBe(true);
  });

  test.each(["Control+Enter", "Meta+Enter"])("%s in the prompt sends the request", async (keys) => {
    await visit.begin();
    await visit.page.getByLabel("Prompt", { exact: true }).fill("a purple ring grows");
    await visit.page.keyboard.press(keys);
    await visit.page.getByRole("heading", { name: "a purple ring grows" }).waitFor();
    await visit.result();
  });

  test("the form survives a reload, and the way to the reference and back", async () => {
    await visit.begin();
    await visit.page.getByRole("radio", { name: "Slow" }).check();
    await visit.unfold();
    const values = {
      prompt: "two\nlines",
      steps: "12",
      seed: "5",
      negative_prompt: "fog",
      "cache.warmup_steps": "3",
    };
    for (const [name, value] of Object.entries(values))
      await visit.page.locator(`[name="${name}"]`).fill(value);
    await visit.page.getByLabel("Compute more where more moves").uncheck();
    const isAsFilled = async () => {
      await visit.page.waitForSelector("#settings:enabled");
      for (const [name, value] of Object.entries(values))
        expect(await visit.page.locator(`[name="${name}"]`).inputValue()).toBe(value);
      expect(await visit.page.getByRole("radio", { name: "Slow" }).isChecked()).toBe(true);
      expect(await visit.page.getByLabel("Compute more where more moves").isChecked()).toBe(false);
      expect(await visit.page.locator("#model").inputValue()).toBe("demo");
    };
    await visit.page.reload();
    await isAsFilled();
    await visit.page.getByRole("link", { name: "API reference" }).click();
    await visit.page.waitForURL("**/docs");
    await visit.page.goBack();
    await isAsFilled();
    expect(await visit.page.locator("#steps").isVisible()).toBe(true);
  });

  test("the labels are plain words, and what cannot be chosen is not offered", async () => {
    await visit.begin();
    await visit.unfold();
    expect(await visit.page.locator(".choices label").allTextContents()).toEqual([
      "Auto",
      "Off",
      "Fast",
      "Slow",
      "At least",
      "At most",
      "Computed",
      "Custom",
    ]);
    expect(await visit.page.getByRole("radio", { name: "Auto" }).isChecked()).toBe(true);
    await visit.page.getByRole("button", { name: "Random" }).click();
    expect(await visit.page.locator("#seed").inputValue()).toMatch(/^\d+$/);
    expect(await visit.page.locator(".chips button").allTextContents()).toEqual([
      PROMPT,
      "a green square bounces around over a white gradient",
      "a black triangle flies down over horizontal red stripes",
      "a purple ring grows",
    ]);
  });

  test("an error of the service is shown beside its field", async () => {
    visit.provoked = ["status of 400"];
    await visit.begin();
    await visit.order({ steps: "5000" });
    await visit.page.locator("#steps-error").waitFor();
    expect(await visit.page.locator("#steps-error").textContent()).toContain("1000");
    expect(await visit.page.evaluate("document.activeElement?.id")).toBe("steps");
  });

  test("a video can be made with the keyboard alone", async () => {
    await visit.page.goto(visit.service.url);
    const hasFocus = (selector: string) =>
      visit.page.evaluate<boolean>(`document.activeElement.matches("${selector}")`);
    const focusOn = async (selector: string) => {
      for (let presses = 0; presses < 60; presses++) {
        await visit.page.keyboard.press("Tab");
        if (await hasFocus(selector)) return;
      }
      throw new Error(`Tab does not lead to ${selector}.`);
    };
    await focusOn("#key");
    await visit.page.keyboard.type(visit.service.key);
    await visit.page.keyboard.press("Enter");
    await visit.page.waitForSelector("#settings:enabled");
    expect(await hasFocus("#prompt")).toBe(true);
    await visit.page.keyboard.type(PROMPT);
    await focusOn("#more-settings summary");
    await visit.page.keyboard.press("Enter");
    await focusOn("#steps");
    await visit.page.keyboard.press("ControlOrMeta+A");
    await visit.page.keyboard.type("5");
    await visit.page.keyboard.press("Enter");
    await visit.result();
    expect((await visit.shown()).params.steps).toBe(5);
    await focusOn("#play");
    const outline = await visit.page.evaluate("getComputedStyle(document.activeElement).outlineStyle");
    expect(outline).toBe("solid");
    await visit.page.keyboard.press("Space");
    await visit.becomes("document.querySelector('video').paused");
  });

  test.each([
    ["/", 360],
    ["/", 320],
    ["/docs", 320],
  ])("the page %s fits a screen of %i pixels", async (path, width) => {
    await visit.page.setViewportSize({ width, height: 640 });
    if (path === "/") {
      await visit.begin();
      await visit.page.getByRole("radio", { name: "Custom" }).check();
      await visit.order({ prompt: `${"wide".repeat(60)} ${PROMPT}`, steps: "3" });
      await visit.page.locator("#chart svg").waitFor();
      for (const summary of await visit.page.locator(".stage summary").all()) await summary.click();
    } else {
      await visit.page.goto(visit.service.url + path);
    }
    expect(await visit.page.evaluate("document.documentElement.scrollWidth")).toBe(width);
  });

  test("every control has an accessible name", async () => {
    await visit.begin();
    await visit.order({ steps: "3" });
    await visit.result();
    await visit.page.getByRole("radio", { name: "Custom" }).check();
    const nameless = await visit.page.evaluate(NAMELESS);
    expect(nameless).toEqual([]);
    const levels = await visit.page.evaluate<number[]>(
      "[...document.querySelectorAll('h1, h2, h3')].map(({ tagName }) => Number(tagName[1]))",
    );
    expect(levels[0]).toBe(1);
    expect(levels.every((level, index) => index === 0 || level <= levels[index - 1]! + 1)).toBe(true);
  });

  test("the playground shows its text without scripts, and plays nothing under reduced motion", async () => {
    const plain = await visit.browser.newContext({ javaScriptEnabled: false });
    const without = await plain.newPage();
    await without.goto(visit.service.url);
    expect(await without.locator("noscript").textContent()).toContain("The playground needs JavaScript");
    await plain.close();

    await visit.page.emulateMedia({ reducedMotion: "reduce" });
    await visit.begin();
    await visit.order({ steps: "3" });
    await visit.page.getByRole("button", { name: "Play", exact: true }).waitFor();
    expect(await visit.page.evaluate("document.querySelector('video').paused")).toBe(true);
  });
});
