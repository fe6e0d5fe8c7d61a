import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { fileRoutes, markRedirect } from "../../functions/local/files.ts";
import {
  openFolderStore,
  type ServedStore,
  type SignedUrlOptions,
  urlSigner,
} from "../../lib/service/storage/index.ts";
import { system } from "../../lib/shared/system.ts";

const KEY = "artifacts/acme/video_1/1/video.mp4";
const CONTENT = "0123456789";
const HOUR = { expiresInSeconds: 3600 };

const clock = { aheadMs: 0, now: () => Date.now() + clock.aheadMs };
const signer = urlSigner({ baseUrl: "http://local", secret: new Uint8Array(32), clock });
const stranger = urlSigner({ baseUrl: "http://local", secret: new Uint8Array(32).fill(1), clock });

let folder: string;
let store: ServedStore;
let app: Hono;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-files-"));
  store = await openFolderStore(folder, { signUrl: signer.sign, random: system.random });
  await store.put(KEY, Buffer.from(CONTENT), { contentType: "video/mp4" });
  await store.put("jobs/acme/secret.json", Buffer.from("{}"));
  app = new Hono().route("/files", fileRoutes(store, signer));
});
afterAll(() => rm(folder, { recursive: true }));

function get(headers: Record<string, string> = {}, options: Partial<SignedUrlOptions> = {}) {
  return app.request(signer.sign(KEY, { ...HOUR, ...options }), { headers });
}

describe("a signed URL", () => {
  it("a signed URL gives the file, which a browser treats as nothing but its type", async () => {
    const answer = await get();
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe(CONTENT);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "video/mp4",
      "content-length": "10",
      "accept-ranges": "bytes",
      "cache-control": "private, max-age=3600",
      etag: expect.stringMatching(/^"[!#-~]+"$/),
      "content-security-policy": expect.stringMatching(/^default-src 'none';.*; sandbox$/),
    });
    expect(answer.headers.has("content-disposition")).toBe(false);
  });

  it("a signed URL may set the content type, and the name under which the file is saved", async () => {
    const answer = await get({}, { contentType: "image/webp", downloadName: 'a "red" circle.mp4' });
    expect(answer.headers.get("content-type")).toBe("image/webp");
    expect(answer.headers.get("content-disposition")).toMatch(/^attachment; filename="a _red_ circle.mp4"; /);
  });

  it("a signed URL with a key beside it is refused, as S3 does, unless the API redirected to it", async () => {
    const answer = await get({ authorization: "Bearer adr_1" });
    expect([answer.status, await answer.text()]).toEqual([
      400,
      "InvalidArgument: send a signed URL without an Authorization header.\n",
    ]);
    const url = signer.sign(KEY, HOUR);
    const redirect = markRedirect(
      new Response(null, { status: 302, headers: { location: url } }),
      "http://local/files/",
    );
    const headers = { authorization: "Bearer adr_1" };
    expect((await app.request(redirect.headers.get("location")!, { headers })).status).toBe(200);
    const elsewhere = { status: 302, headers: { location: "https://bucket.example.com/files/a" } };
    expect(markRedirect(new Response(null, elsewhere), "http://local/files/").headers.get("location")).toBe(
      elsewhere.headers.location,
    );
  });

  it("a signed URL is refused once it has expired", async () => {
    const url = signer.sign(KEY, { expiresInSeconds: 60 });
    clock.aheadMs = 61_000;
    onTestFinished(() => {
      clock.aheadMs = 0;
    });
    const answer = await app.request(url);
    expect([answer.status, await answer.text()]).toEqual([403, "This URL has expired.\n"]);
  });

  it("a signed URL of a deleted file is answered 404", async () => {
    const answer = await app.request(signer.sign("artifacts/acme/video_1/2/video.mp4", HOUR));
    expect(answer.status).toBe(404);
  });

  const otherKeys = ["jobs/acme/secret.json", `..%2f..%2f${KEY}`, `%zz%c0%ae/${KEY}`, `${KEY}%00`, `/${KEY}`];
  it.each(otherKeys)("a signed URL for %s is refused", async (key) => {
    const answer = await app.request(signer.sign(KEY, HOUR).replace(KEY, key));
    expect(answer.status).toBe(403);
  });

  const changes: [what: string, change: (url: URL) => void][] = [
    ["that lasts longer", (url) => url.searchParams.set("expires", "99999999999")],
    ["that expires at no time", (url) => url.searchParams.set("expires", "NaN")],
    ["as HTML", (url) => url.searchParams.set("type", "text/html")],
    ["as HTML too", (url) => url.searchParams.append("type", "text/html")],
    ["with a header more", (url) => url.searchParams.set("type", "video/mp4\r\nset-cookie: a=b")],
    ["under another name", (url) => url.searchParams.set("name", "invoice.exe")],
    ["without a signature", (url) => url.searchParams.delete("signature")],
    ["with two signatures", (url) => url.searchParams.append("signature", "x")],
  ];
  it.each(changes)("a signed URL altered to one %s is refused", async (_what, change) => {
    const url = new URL(signer.sign(KEY, { ...HOUR, contentType: "video/mp4" }));
    change(url);
    const answer = await app.request(url);
    expect([answer.status, await answer.text()]).toEqual([403, "The signature of this URL is wrong.\n"]);
    expect(answer.headers.get("content-type")).toMatch(/^text\/plain/);
  });

  it("a signed URL of another service is refused", async () => {
    expect((await app.request(stranger.sign(KEY, HOUR))).status).toBe(403);
  });
});

describe("a range", () => {
  const ranges: [header: string, text: string, contentRange: string][] = [
    ["bytes=0-3", "0123", "bytes 0-3/10"],
    ["bytes=4-4", "4", "bytes 4-4/10"],
    ["bytes=7-", "789", "bytes 7-9/10"],
    ["bytes=7-99", "789", "bytes 7-9/10"],
    ["bytes=-3", "789", "bytes 7-9/10"],
    ["bytes=-99", CONTENT, "bytes 0-9/10"],
    ["bytes=0-", CONTENT, "bytes 0-9/10"],
  ];
  it.each(ranges)("the range %s is answered with %s", async (range, text, contentRange) => {
    const answer = await get({ range });
    expect([answer.status, await answer.text()]).toEqual([206, text]);
    expect(answer.headers.get("content-range")).toBe(contentRange);
    expect(answer.headers.get("content-length")).toBe(String(text.length));
  });

  for (const range of ["bytes=10-", "bytes=99-100", "bytes=-0", "bytes=5-4", `bytes=${"9".repeat(400)}-`]) {
    it(`the range ${range.slice(0, 20)} is answered with the length of the file`, async () => {
      const answer = await get({ range });
      expect([answer.status, await answer.text()]).toEqual([416, ""]);
      expect(answer.headers.get("content-range")).toBe("bytes */10");
    });
  }

  for (const range of ["bytes=0-1,3-4", "bytes=-", "bytes=a-b", "bytes=1.5-2", "seconds=0-1", "bytes 0-1"]) {
    it(`the range ${range}, which is not supported, is answered with the whole file`, async () => {
      const answer = await get({ range });
      expect([answer.status, await answer.text()]).toEqual([200, CONTENT]);
    });
  }
});

describe("HEAD", () => {
  it("HEAD tells the length and sends no body", async () => {
    const answer = await app.request(signer.sign(KEY, HOUR), { method: "HEAD" });
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
    expect(answer.headers.get("content-length")).toBe("10");
  });

  it("HEAD ignores a range, which only GET supports", async () => {
    const url = signer.sign(KEY, HOUR);
    for (const range of ["bytes=0-1", "bytes=99-"]) {
      const answer = await app.request(url, { method: "HEAD", headers: { range } });
      expect([answer.status, answer.headers.get("content-length")]).toEqual([200, "10"]);
    }
  });
});

describe("a condition", () => {
  const tagOf = async () => (await get()).headers.get("etag")!;
  const statuses = async (name: string, values: readonly string[], more: Record<string, string> = {}) =>
    Promise.all(values.map(async (value) => (await get({ [name]: value, ...more })).status));

  it("If-None-Match with the file's tag is answered 304 without a body, and with the tag to keep", async () => {
    const tag = await tagOf();
    for (const method of ["GET", "HEAD"]) {
      const headers = { "if-none-match": tag, range: "bytes=0-1" };
      const answer = await app.request(signer.sign(KEY, HOUR), { method, headers });
      expect([answer.status, await answer.text(), answer.headers.get("etag")]).toEqual([304, "", tag]);
      expect(answer.headers.get("cache-control")).toBe("private, max-age=3600");
    }
    expect(await statuses("if-none-match", ["*", `W/${tag}`, `"other", ${tag}`])).toEqual([304, 304, 304]);
    expect(await statuses("if-none-match", ['"other"', tag.slice(1, -1), ""])).toEqual([200, 200, 200]);
  });

  it("If-Match with another tag is answered 412", async () => {
    const tag = await tagOf();
    expect(await statuses("if-match", [tag, "*", `"other", ${tag}`])).toEqual([200, 200, 200]);
    expect(await statuses("if-match", ['"other"', `W/${tag}`])).toEqual([412, 412]);
    expect(await statuses("if-match", ['"other"'], { "if-none-match": tag })).toEqual([412]);
  });

  it("If-Range with the file's tag gives the range, and with any other tag or a date the whole file", async () => {
    const tag = await tagOf();
    const range = { range: "bytes=0-3" };
    expect(await statuses("if-range", [tag], range)).toEqual([206]);
    const stale = ['"other"', `W/${tag}`, "Sun, 22 Nov 2026 12:00:00 GMT"];
    expect(await statuses("if-range", stale, range)).toEqual([200, 200, 200]);
    const answer = await get({ "if-range": '"other"', range: "bytes=99-" });
    expect([answer.status, await answer.text()]).toEqual([200, CONTENT]);
  });

  it("conditions on dates do not apply, because a file has none", async () => {
    const date = "Sun, 22 Nov 2026 12:00:00 GMT";
    expect(await statuses("if-modified-since", [date])).toEqual([200]);
    expect(await statuses("if-unmodified-since", [date])).toEqual([200]);
  });

  it("a conditional answer leaves no file open", async () => {
    const opened: { isClosed: boolean }[] = [];
    const watched: ServedStore = {
      ...store,
      async openObject(key) {
        const object = (await store.openObject(key))!;
        const state = { isClosed: false };
        opened.push(state);
        const close = async () => {
          state.isClosed = true;
          await object.close();
        };
        return { ...object, close };
      },
    };
    const own = new Hono().route("/files", fileRoutes(watched, signer));
    const tag = await tagOf();
    for (const headers of [{ "if-none-match": tag }, { "if-match": '"other"' }, { range: "bytes=99-" }])
      await own.request(signer.sign(KEY, HOUR), { headers });
    expect(opened.map(({ isClosed }) => isClosed)).toEqual([true, true, true]);
  });
});

it("methods other than GET and HEAD are refused", async () => {
  for (const method of ["PUT", "POST", "DELETE"]) {
    expect((await app.request(signer.sign(KEY, HOUR), { method })).status).toBe(404);
  }
});
