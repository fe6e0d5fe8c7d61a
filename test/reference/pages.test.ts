import { describe, expect, test } from "vitest";
import { createApp } from "../../functions/api/app.ts";
import { operationsOf } from "../../functions/api/openapi/operation.ts";
import type { SearchEntry } from "../../functions/api/pages/reference/search-entries.ts";
import { PROBLEM_CODES, STATUS_OF } from "../../functions/api/problem.ts";
import { JOB_ERROR_CODES } from "../../lib/service/jobs/index.ts";
import { WAITS_SECONDS } from "../../lib/service/webhooks/index.ts";
import { BASE_URL, testApi } from "../api/support.ts";

const api = await testApi();
const all = operationsOf(api.app.routes);
const pages = ["videos", "webhooks", "triggers", "models"].map((page) => `/docs/${page}`);

async function load(path: string): Promise<string> {
  const response = await api.send("GET", path, { key: null });
  expect(response.status).toBe(200);
  return response.text();
}

const plain = (html: string) => html.replaceAll(/<[^>]*>/g, "").replaceAll("&quot;", '"');

describe("the reference", () => {
  test("the pages of the reference describe every operation with its method and path, each once", async () => {
    const texts = await Promise.all(pages.map(load));
    for (const { id, method, path } of all) {
      const own = texts.filter((text) => text.includes(`<h2 id="${id}"`));
      expect(own.length, id).toBe(1);
      expect(own[0]).toContain(`<b class="${method}">${method.toUpperCase()}</b> <code>${path}</code>`);
    }
  });

  test("the first page of the reference has every anchor that it ever had, with a link to its new place", async () => {
    const text = await load("/docs");
    const anchors = [
      ...all.map(({ id }) => id),
      ...PROBLEM_CODES.map((code) => `error-${code}`),
      "errors",
      "schema-Video",
      "schema-Problem",
    ];
    for (const id of anchors) {
      expect(text).toMatch(new RegExp(`id="${id}"><a data-moved="true" href="/docs/\\w+#${id}"`));
    }
    for (const id of ["begin", "schemas", "tag-Videos", "tag-Models"]) expect(text).toContain(`id="${id}"`);
  });

  test("the reference has an answer to look at for every error code, with its status and whether a retry helps", async () => {
    const text = await load("/docs/errors");
    for (const code of PROBLEM_CODES) {
      const [, section] = new RegExp(`<h2 id="error-${code}".*?</h2>(.*?)</section></div>`, "s").exec(text)!;
      expect(plain(section!), code).toMatch(
        new RegExp(`Try again: .*"status": ${STATUS_OF[code]},.*"code": "${code}"`, "s"),
      );
    }
    for (const code of JOB_ERROR_CODES) expect(text).toContain(`<td><code>${code}</code></td>`);
  });

  test("the reference tells types, bounds and defaults of fields", async () => {
    const text = await load("/docs/videos");
    const [, steps] = /<li id="createVideo.steps">(.*?)<\/li>/.exec(text)!;
    expect(steps).toMatch(/integer.*Denoising steps\..*1 to 1000\./);
    const [, timeout] = /<li id="createVideo.timeout">(.*?)<\/li>/.exec(text)!;
    expect(timeout).toMatch(/10 to 21600\..*Default <code>3600<\/code>\./);
  });

  test("the reference lists every value of the cache, and the sizes and lengths of this deployment's model", async () => {
    const text = plain(await load("/docs/videos"));
    for (const word of ["auto", "fast", "slow", "static:K", "static:3", "off", "64x64"]) {
      expect(text).toContain(word);
    }
    expect(text).toMatch(/2 at 8 frames a second/);
  });

  test("the reference lists the schedule by which webhooks are sent again", async () => {
    const text = plain((await load("/docs/webhooks")).replaceAll("</td>", " "));
    expect(text).toContain("1 at once");
    expect(text).toContain("3 5 minutes 5 minutes");
    expect(text).toContain(`${WAITS_SECONDS.length} 24 hours 75.6 hours`);
  });

  test("a path of the reference that has no page is answered with 404", async () => {
    expect((await api.send("GET", "/docs/nothing", { key: null })).status).toBe(404);
  });

  test("the reference escapes the texts it is given", async () => {
    const app = createApp({ ...api.deps, version: `"><script>alert(1)</script>` });
    for (const path of ["/docs", "/docs/models"]) {
      const text = await (await app.request(BASE_URL + path)).text();
      expect(text).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
      expect(text).not.toContain("<script>");
    }
  });
});

describe("the quick start", () => {
  const exported = async (origin: string) => {
    const text = await (await api.app.request(`${origin}/docs`)).text();
    expect(text).not.toContain("adareel.invalid");
    return /ADAREEL_URL=(\S+)/.exec(plain(text))![1];
  };

  test.each([
    "https://videos.example.com",
    "http://127.0.0.1:3000",
    "http://[::1]:8080",
    "https://api.example.com:8443",
  ])("the quick start names the address %s by which it was asked", async (origin) => {
    expect(await exported(origin)).toBe(origin);
  });

  test("the quick start does not repeat a host that a shell would run", async () => {
    expect(await exported("http://$(reboot)")).toBe("http://127.0.0.1:3000");
    expect(await exported("http://a'b")).toBe("http://127.0.0.1:3000");
  });

  test("a browser that asks by another address is sent the page again", async () => {
    const tag = async (origin: string) => (await api.app.request(`${origin}/docs`)).headers.get("etag");
    expect(await tag("https://a.example")).toBe(await tag("https://a.example"));
    expect(await tag("https://a.example")).not.toBe(await tag("https://b.example"));
  });
});

describe("the entries of the search", () => {
  test("the search knows every operation, error, field of a request and field of a video, each by its address", async () => {
    const entries = JSON.parse(await load("/docs/search.json")) as SearchEntry[];
    const urls = new Set(entries.map(({ url }) => url));
    const found = (url: string) => [...urls].some((each) => each.endsWith(url));
    for (const { id } of all) expect(found(`#${id}`), id).toBe(true);
    for (const code of PROBLEM_CODES) expect(urls).toContain(`/docs/errors#error-${code}`);
    for (const field of ["createVideo.cache.codebook.rate", "schema-Video.compute.steps.computed"]) {
      expect(urls).toContain(`/docs/videos#${field}`);
    }
    const texts = new Map<string, string>();
    for (const { url } of entries) {
      const [path, id] = url.split("#") as [string, string];
      if (!texts.has(path)) texts.set(path, await load(path));
      expect(texts.get(path)!.includes(` id="${id}"`), url).toBe(true);
    }
  });
});
