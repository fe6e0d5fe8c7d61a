import { expect, test } from "vitest";
import type { Video } from "../../functions/api/schemas/video.ts";
import { describeVisits, PATIENCE_MS } from "./visit.ts";

describeVisits("a video that is watched in the playground", (visit) => {
  const box = (selector: string) => visit.page.locator(selector).first().boundingBox();

  /** Makes a first video, from which the service learns how to draw previews. */
  async function learnt(): Promise<void> {
    let video = await visit.create();
    while (video.status !== "completed")
      video = await visit.service.send<Video>("GET", `/v1/videos/${video.id}`);
  }

  test("A preview is where the video will be, beside its steps and the seconds left, and then gives way to it", async () => {
    await learnt();
    const polls: string[] = [];
    await visit.begin();
    visit.page.on("request", (request) => {
      if (/\/v1\/videos\/\w+$/.test(request.url()) && request.method() === "GET") polls.push(request.url());
    });
    await visit.page.getByRole("radio", { name: "Off" }).check();
    await visit.order({ steps: "100" });
    await visit.page.locator("#preview-picture:visible").waitFor({ timeout: PATIENCE_MS });
    const preview = await box("#preview");
    await visit.reads(visit.page.locator("#stage-detail"), /^step \d+ of 100 · about \d+\s(s|min) left$/);
    await visit.becomes(`document.querySelectorAll("#taken i.computed").length > 2`);
    expect(await visit.page.locator("#taken i").count()).toBe(100);
    await visit.result();
    expect(await box("#figures :is(video, img)")).toEqual(preview);
    expect(await visit.page.locator("#preview").isVisible()).toBe(false);
    // The list of recent videos may look once.
    expect(polls.length).toBeLessThan(3);
  });

  test("A video without previews shows its steps alone", async () => {
    await visit.begin();
    const { id } = await visit.create({ steps: 1000, cache: "off", preview: false });
    await visit.page.goto(`${visit.service.url}/#video=${id}`);
    await visit.becomes(`document.querySelectorAll("#taken i.computed").length > 2`);
    expect(await visit.page.locator("#preview").isVisible()).toBe(false);
    await visit.page.getByRole("button", { name: "Cancel" }).click();
    await visit.reads(visit.page.locator("#remark"), /^This video was cancelled\.$/);
  });

  test("Where there is no stream, the page polls", async () => {
    await visit.page.route("**/stream", (route) =>
      route.fulfill({ status: 200, contentType: "text/html", body: "a proxy" }),
    );
    await visit.begin();
    await visit.order({ steps: "30" });
    await visit.result();
  });

  test("Where there are too many streams, the page polls", async () => {
    visit.provoked = ["status of 429"];
    const problem = JSON.stringify({ error: { message: "too many" } });
    await visit.page.route("**/stream", (route) =>
      route.fulfill({ status: 429, contentType: "application/problem+json", body: problem }),
    );
    await visit.begin();
    await visit.order({ steps: "30" });
    await visit.result();
  });

  test("A stream that breaks off goes on where it was", async () => {
    visit.provoked = ["net::ERR"];
    const ids: (string | undefined)[] = [];
    await visit.page.route("**/stream", async (route) => {
      ids.push((await route.request().allHeaders())["last-event-id"]);
      if (ids.length > 1) return route.continue();
      const { url, key } = visit.service;
      const id = /(video_\w+)/.exec(route.request().url())![1]!;
      const headers = { authorization: `Bearer ${key}` };
      const video = await (await fetch(`${url}/v1/videos/${id}`, { headers })).text();
      const body = `retry: 100\n\nevent: status\nid: ${id}.queued.0.0.-.0.-\ndata: ${video}\n\n`;
      return route.fulfill({ status: 200, contentType: "text/event-stream", body });
    });
    await visit.begin();
    await visit.order({ steps: "30" });
    await visit.result();
    expect(ids).toEqual([undefined, expect.stringMatching(/^video_\w+\.queued\.0\.0\.-\.0\.-$/)]);
  });
});
