import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { verifyRoutes } from "../../functions/local/verify-routes.ts";
import { marked } from "../../lib/generation/provenance/index.ts";
import { encodeVideo } from "../../lib/generation/video/index.ts";
import type { ApiKeys } from "../../lib/service/keys/index.ts";
import { discOverStripes } from "../generation/video/sample-frames.ts";

const KEY = "adr_known";
const keys = { authenticate: async (token: string) => (token === KEY ? {} : null) } as unknown as ApiKeys;
const app = new Hono().route("/verify", verifyRoutes(keys, { bytesMax: 100_000 }));

async function post(body: Uint8Array<ArrayBuffer>, key = KEY) {
  const headers = { authorization: `Bearer ${key}` };
  const response = await app.request("/verify", { method: "POST", headers, body });
  // biome-ignore lint/suspicious/noExplicitAny: each answer has its own shape.
  const answer: any = await response.json();
  return { status: response.status, answer };
}

const { bytes } = await encodeVideo(discOverStripes({ count: 2 }), { fps: 8, encoder: "webp" });

describe("the page that checks videos", () => {
  test("the page says how large a file may be, and runs no script of another host", async () => {
    const response = await app.request("/verify");
    expect(response.headers.get("content-security-policy")).toContain("script-src 'self'");
    expect(await response.text()).toContain("Drop a video here");
  });

  test("a video is answered with what it says, in the words of the command", async () => {
    const { status, answer } = await post(Buffer.from(await marked(bytes, { model: "demo" })));
    expect(status).toBe(200);
    expect(answer).toMatchObject({
      outcome: "marked",
      kind: "image/webp",
      lines: [expect.stringMatching(/^No Content Credentials/), expect.stringContaining("model demo")],
    });
  });

  test.each([
    ["a wrong key", "adr_other", Buffer.from(bytes), 401, "Send a valid API key"],
    ["a text", KEY, Buffer.from("no video at all"), 415, "The file is neither an MP4 nor a WebP."],
    ["nothing", KEY, Buffer.alloc(0), 415, "The file is empty."],
    ["too much", KEY, Buffer.alloc(100_001), 413, "check a larger file with npm run verify -- FILE"],
  ])("%s is answered in one sentence", async (_, key, body, status, sentence) => {
    const refused = await post(body, key);
    expect(refused.status).toBe(status);
    expect(refused.answer.error.message).toContain(sentence);
  });

  test("a third video waits for its sender to come again while two are being checked", async () => {
    const held = [0, 1].map(() => {
      let end!: () => void;
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(Buffer.from(bytes));
          end = () => controller.close();
        },
      });
      const headers = { authorization: `Bearer ${KEY}` };
      const request = new Request("http://a/verify", {
        method: "POST",
        headers,
        body,
        duplex: "half",
      } as never);
      return { answered: app.request(request), end };
    });
    // The first two have read what there is, and wait for the rest.
    await new Promise((resolve) => setImmediate(resolve));
    expect((await post(Buffer.from(bytes))).status).toBe(429);
    for (const { end } of held) end();
    for (const { answered } of held) expect((await answered).status).toBe(200);
    expect((await post(Buffer.from(bytes))).status).toBe(200);
  });
});
