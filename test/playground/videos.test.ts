import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import type { Video } from "../../functions/api/schemas/video.ts";
import { describeVisits, PATIENCE_MS, PROMPT } from "./visit.ts";

/** Text beside the bar, with the time that is left once it is known. */
const STEP = /^step \d+ of 1000( · about \d+\s\w+ left)?$/;

describeVisits("the videos of the playground", (visit) => {
  const heading = (name: string | RegExp) => visit.page.getByRole("heading", { name, level: 2 });
  const item = (id: string, page = visit.page) => page.locator(`#recent a[href="#video=${id}"]`);

  async function finished(fields: object = {}): Promise<Video> {
    let video = await visit.create(fields);
    while (video.status !== "completed")
      video = await visit.service.send<Video>("GET", `/v1/videos/${video.id}`);
    return video;
  }

  /** Returns a video that nobody has to wait for. */
  async function cancelled(fields: object = {}): Promise<Video> {
    const { id } = await visit.create(fields);
    return visit.service.send<Video>("POST", `/v1/videos/${id}/cancel`);
  }

  /** Orders a video of many steps, and waits until it is being denoised. */
  async function underWay(): Promise<string> {
    await visit.page.getByRole("radio", { name: "Off" }).check();
    await visit.order({ steps: "1000" });
    await visit.page.getByRole("progressbar", { name: "Denoising" }).waitFor();
    return (await visit.shown()).id;
  }

  test("a video has an address, which shows it in another tab and after a reload", async () => {
    const { id } = await finished({ prompt: "a blue cross spins over yellow" });
    await visit.begin({ hash: `&video=${id}` });
    await heading("a blue cross spins over yellow").waitFor();
    expect(visit.page.url()).toBe(`${visit.service.url}/#video=${id}`);
    expect(await visit.page.title()).toBe("a blue cross spins over yellow · Adareel");
    await visit.page.reload();
    await heading("a blue cross spins over yellow").waitFor();
    await visit.result();
  });

  test("a video's address asks for a key where the tab has none, and then shows the video", async () => {
    const { id } = await finished();
    await visit.page.goto(`${visit.service.url}/#video=${id}`);
    await visit.page.getByLabel("API key").fill(visit.service.key);
    await visit.page.getByRole("button", { name: "Connect" }).click();
    await heading(PROMPT).waitFor();
    await visit.result();
  });

  test("the address of a video that is not there says so", async () => {
    visit.provoked = ["status of 404"];
    await visit.begin({ hash: "&video=video_00000000000000000000000000" });
    await heading("There is no such video").waitFor();
  });

  test("Back and Forward move between videos, and back to the empty stage", async () => {
    await visit.begin();
    await visit.order({ prompt: "a purple ring grows", steps: "3" });
    await visit.result();
    await visit.order({ prompt: "a blue cross spins over yellow", steps: "3" });
    await heading("a blue cross").waitFor();
    await visit.result();
    await visit.page.goBack();
    await heading("a purple ring grows").waitFor();
    await visit.page.goBack();
    await heading("Your video appears here").waitFor();
    expect(await visit.page.locator("#film").isVisible()).toBe(false);
    await visit.page.goForward();
    await heading("a purple ring grows").waitFor();
  });

  test("a link with a key that is opened in the same tab connects, and leaves the video's address", async () => {
    const { id } = await finished();
    await visit.begin();
    await visit.page.evaluate("sessionStorage.clear()");
    await visit.page.goto(`${visit.service.url}/#key=${visit.service.key}&video=${id}`);
    await heading(PROMPT).waitFor();
    expect(visit.page.url()).toBe(`${visit.service.url}/#video=${id}`);
    expect(await visit.page.evaluate("history.length")).toBeLessThanOrEqual(3);
    await visit.page.getByText("Connected with the key of the link").waitFor();
  });

  test("the recent videos follow what other programs do, and an item stays the same element", async () => {
    await visit.begin();
    const { id } = await visit.create({ prompt: "a purple ring grows", cache: "off", steps: 1000 });
    await item(id).waitFor();
    const mark = (of: string) =>
      item(of).evaluate((link) => Object.assign(link, { isTheSame: true }).tagName);
    const isTheSame = (of: string) => item(of).evaluate((link) => "isTheSame" in link);
    await mark(id);
    await visit.reads(item(id), /^\d+ %.*in progress/s);
    const other = await visit.create({ prompt: "a blue cross spins over yellow" });
    await item(other.id).waitFor();
    await mark(other.id);
    expect(await visit.page.locator("#recent a").first().getAttribute("href")).toBe(`#video=${other.id}`);
    await visit.service.send("POST", `/v1/videos/${id}/cancel`);
    await visit.reads(item(id), /cancelled/);
    await item(other.id).locator("img").waitFor();
    expect(await item(other.id).textContent()).not.toContain("in progress");
    expect([await isTheSame(id), await isTheSame(other.id)]).toEqual([true, true]);
    await visit.service.send("DELETE", `/v1/videos/${id}`);
    await item(id).waitFor({ state: "detached" });
    expect(await item(other.id).count()).toBe(1);
  });

  test("the item of the open video is marked, and a compared one says so and has a divided picture", async () => {
    const compared = await finished({ compare: true });
    const plain = await finished();
    await visit.begin();
    await item(plain.id).click();
    await visit.result();
    expect(await visit.page.locator("#recent [aria-current]").count()).toBe(1);
    expect(await item(plain.id).getAttribute("aria-current")).toBe("true");
    expect(await item(compared.id).textContent()).toContain("compared");
    expect(await item(compared.id).locator(".picture.compared").count()).toBe(1);
    expect(await item(plain.id).locator(".picture.compared").count()).toBe(0);
    await item(compared.id).press("Enter");
    await visit.page.locator("figure").nth(1).waitFor();
    expect(await item(compared.id).getAttribute("aria-current")).toBe("true");
    expect(await item(plain.id).getAttribute("aria-current")).toBe(null);
  });

  test("older videos are shown on demand, and stay when the list is brought up to date", async () => {
    for (let made = 0; made < 10; made++) await cancelled();
    await visit.begin();
    await visit.becomes("document.querySelectorAll('#recent li').length === 8");
    await visit.page.getByRole("button", { name: "Show older" }).click();
    await visit.becomes("document.querySelectorAll('#recent li').length > 8");
    const shown = await visit.page.locator("#recent li").count();
    const { id } = await cancelled();
    await item(id).waitFor();
    expect(await visit.page.locator("#recent li").count()).toBeGreaterThanOrEqual(shown);
  });

  test("a long prompt is a heading of three lines, and a button unfolds the rest", async () => {
    const { id } = await cancelled({ prompt: `${PROMPT}, and `.repeat(35).slice(0, 2000) });
    const short = await cancelled({ prompt: "a purple ring grows" });
    await visit.begin({ hash: `&video=${id}` });
    await heading(PROMPT).waitFor();
    const heightOf = async () => (await visit.page.locator("#stage-heading").boundingBox())!.height;
    const lines =
      (await heightOf()) /
      (await visit.page.evaluate<number>(
        `parseFloat(getComputedStyle(document.querySelector("#stage-heading")).lineHeight)`,
      ));
    expect(Math.round(lines)).toBe(3);
    const more = visit.page.getByRole("button", { name: "more", exact: true });
    expect(await more.getAttribute("aria-expanded")).toBe("false");
    await visit.page.evaluate("scrollTo(0, 0)");
    expect((await visit.page.locator("#remark").boundingBox())!.y).toBeLessThan(300);
    const folded = await heightOf();
    await more.press("Enter");
    const less = visit.page.getByRole("button", { name: "less", exact: true });
    expect(await less.getAttribute("aria-expanded")).toBe("true");
    expect(await heightOf()).toBeGreaterThan(2 * folded);
    await less.click();
    expect(await heightOf()).toBe(folded);
    await item(short.id).click();
    await heading("a purple ring grows").waitFor();
    expect(await more.isVisible()).toBe(false);
  });

  test("words that the model does not know are named under the heading", async () => {
    const { id } = await finished();
    await visit.page.route(`**/v1/videos/${id}`, async (route) => {
      const response = await route.fetch();
      const video = (await response.json()) as Video;
      await route.fulfill({
        response,
        json: { ...video, compute: { ...video.compute, unknown_words: ["dog", "beach"] } },
      });
    });
    await visit.begin({ hash: `&video=${id}` });
    await visit.page.getByText("The model does not know: dog, beach").waitFor();
    await visit.page.unrouteAll({ behavior: "wait" });
    await visit.page.reload();
    await visit.result();
    expect(await visit.page.getByText("The model does not know").isVisible()).toBe(false);
  });

  test("a video is deleted after a question, by keyboard too", async () => {
    visit.provoked = ["status of 404"];
    const { id } = await finished();
    await visit.begin({ hash: `&video=${id}` });
    await visit.result();
    const button = visit.page.getByRole("button", { name: "Delete", exact: true });
    await button.press("Enter");
    const question = visit.page.getByRole("dialog", { name: "Delete this video?" });
    await question.waitFor();
    expect(await visit.page.evaluate("document.activeElement.id")).toBe("keep");
    await visit.page.keyboard.press("Escape");
    await question.waitFor({ state: "hidden" });
    expect(await visit.page.evaluate("document.activeElement.id")).toBe("delete");
    expect((await visit.service.send<Video>("GET", `/v1/videos/${id}`)).id).toBe(id);
    await button.press("Enter");
    await visit.page.keyboard.press("Tab");
    await visit.page.keyboard.press("Enter");
    await heading("The video is deleted").waitFor();
    expect(visit.page.url()).toBe(`${visit.service.url}/`);
    await item(id).waitFor({ state: "detached" });
    const gone = await visit.service.send<{ error: { code: string } }>("GET", `/v1/videos/${id}`);
    expect(gone.error.code).toBe("video_not_found");
  });

  test("the progress is shown step by step, and a cancelled video is no error", async () => {
    await visit.begin();
    const id = await underWay();
    await visit.becomes("document.querySelector('progress').value > 0");
    expect(await visit.page.locator("#stage-detail").textContent()).toMatch(STEP);
    const bar = visit.page.getByRole("progressbar", { name: "Denoising" });
    expect(await bar.getAttribute("aria-valuetext")).toMatch(
      /^\d+ %, step \d+ of 1000( · about \d+\s\w+ left)?$/,
    );
    expect(await visit.page.getByRole("status").textContent()).toBe("Denoising");
    await visit.page.getByRole("button", { name: "Cancel" }).click();
    await visit.page.getByText("This video was cancelled.").first().waitFor();
    expect(await visit.page.locator("#failure").isVisible()).toBe(false);
    expect(await bar.isVisible()).toBe(false);
    expect((await visit.shown()).error?.code).toBe("canceled");
    await visit.reads(item(id), /cancelled/);
    expect(await visit.page.getByRole("button", { name: "Edit and run again" }).isVisible()).toBe(true);
  });

  test("a service that stopped is asked again, with the seconds until then, and the video goes on", async () => {
    visit.provoked = ["net::ERR_FAILED", "status of 429"];
    // A stream that is open goes on beside the requests that are cut off below, so the page has to poll.
    await visit.page.route("**/stream", (route) => route.fulfill({ status: 429, json: {} }));
    await visit.begin();
    const id = await underWay();
    await visit.page.route("**/v1/**", (route) => route.abort());
    await visit.page.getByText("The service does not answer.", { exact: true }).waitFor();
    await visit.page.getByText(/^trying again in \d+ s$/).waitFor();
    expect(await visit.page.locator("#failure").isVisible()).toBe(false);
    await visit.page.unrouteAll({ behavior: "wait" });
    await visit.page.getByText(STEP).waitFor();
    expect(await visit.page.getByText("The service does not answer.", { exact: true }).isVisible()).toBe(
      false,
    );
    await visit.service.send("POST", `/v1/videos/${id}/cancel`);
    await visit.page.getByText("This video was cancelled.").first().waitFor();
  });

  test("a video that is deleted elsewhere leaves the stage, made or under way", async () => {
    visit.provoked = ["status of 404"];
    await visit.begin();
    const id = await underWay();
    await visit.service.send("DELETE", `/v1/videos/${id}`);
    await visit.page.locator("#remark", { hasText: "This video was deleted." }).waitFor();
    expect(await visit.page.locator("#progress").isVisible()).toBe(false);
    await item(id).waitFor({ state: "detached" });

    const made = await finished();
    await item(made.id).click();
    await visit.result();
    await visit.service.send("DELETE", `/v1/videos/${made.id}`);
    await visit.page.locator("#remark", { hasText: "This video was deleted." }).waitFor();
    expect(await visit.page.locator("#film").isVisible()).toBe(false);
  });

  test("a key that is revoked during a generation ends the bar, and another key goes on", async () => {
    visit.provoked = ["status of 401"];
    const key = (await visit.service.keys("create", "--tenant", "default", "--name", "second")).trim();
    await visit.begin({ key });
    const id = await underWay();
    const [, keyId] = /^adr_([a-z0-9]+)_/.exec(key)!;
    await visit.service.keys("revoke", keyId!);
    await visit.page.locator("#key-error").waitFor();
    expect(await visit.page.locator("#progress").isVisible()).toBe(false);
    expect(await visit.page.locator("#remark").textContent()).toContain("refuses the key");
    expect(await visit.page.locator("#settings:disabled").count()).toBe(1);
    await visit.page.getByLabel("API key").fill(visit.service.key);
    await visit.page.getByRole("button", { name: "Connect" }).click();
    await visit.page.getByText(STEP).waitFor();
    await visit.service.send("POST", `/v1/videos/${id}/cancel`);
  });

  test("the webhook of a request and its deliveries are shown, and an event can be delivered again", async () => {
    const statuses = [500, 204, 204];
    const receiver = createServer((_, response) => response.writeHead(statuses.shift() ?? 204).end());
    receiver.listen(0, "127.0.0.1");
    await once(receiver, "listening");
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/told`;
    try {
      await visit.begin();
      await visit.order({ steps: "3", webhook_url: url });
      const webhooks = visit.page.getByRole("region", { name: "Webhooks" });
      await webhooks.getByText("waiting, next try").waitFor();
      expect(await webhooks.textContent()).toContain(url);
      await webhooks.getByText("delivered", { exact: true }).waitFor();
      expect(await webhooks.locator("ol li").allTextContents()).toEqual([
        expect.stringMatching(/ · 500 · /),
        expect.stringMatching(/ · 204 · /),
      ]);
      await webhooks.getByRole("button", { name: `Deliver video.completed again to ${url}` }).click();
      await expect.poll(() => statuses.length, { timeout: PATIENCE_MS }).toBe(0);
      await webhooks.getByText("delivered", { exact: true }).waitFor();
    } finally {
      receiver.close();
    }
  });

  test("the request of an earlier video can be edited and run again", async () => {
    const cache = { codebook: [{ below: 0.2, rate: 3 }, { rate: 1 }], warmup_steps: 2 };
    const webhook_url = "http://127.0.0.1:9/told";
    const { id, params } = await finished({
      prompt: "a purple ring grows",
      seed: 7,
      steps: 4,
      cache,
      webhook_url,
    });
    await visit.begin();
    await visit.page.getByLabel("Prompt", { exact: true }).fill("something else");
    await item(id).click();
    await visit.result();
    await visit.page.getByRole("button", { name: "Edit and run again" }).click();
    expect(await visit.page.getByLabel("Prompt", { exact: true }).inputValue()).toBe("a purple ring grows");
    expect(await visit.page.locator("#seed").inputValue()).toBe("7");
    expect(await visit.page.locator("#webhook_url").inputValue()).toBe(webhook_url);
    await visit.generate();
    await expect.poll(async () => (await visit.shown()).id, { timeout: PATIENCE_MS }).not.toBe(id);
    await visit.result();
    expect((await visit.shown()).params).toEqual(params);
  });

  test("two tabs show what the other does", async () => {
    const page: Page = await visit.newPage();
    await visit.begin();
    await visit.begin({ page });
    await visit.order({ steps: "3" });
    await visit.result();
    const { id } = await visit.shown();
    await item(id, page).waitFor();
    await page.close();
  });
});
