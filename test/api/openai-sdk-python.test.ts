import { execFile, spawnSync } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { expect, it } from "vitest";
import { testApi } from "./support.ts";

const python = process.env.ADAREEL_PYTHON ?? "python3";
const hasPackage = spawnSync(python, ["-c", "import openai"]).status === 0;
if (!hasPackage) {
  console.warn(`The openai package is not driven: ${python} has no package openai (set ADAREEL_PYTHON).`);
}

it.skipIf(!hasPackage)("the openai package for Python makes, follows and fetches videos", async () => {
  const files = new Map<string, string>();
  let port = 0;
  // Signed URLs have another origin, like a bucket: the key must not be sent there.
  const api = await testApi({ baseUrl: () => `http://localhost:${port}` });
  const whole = new Hono()
    .get("/files/*", (c) => {
      expect(c.req.header("authorization")).toBeUndefined();
      const key = c.req.path.slice("/files/".length);
      return api.signer.verify(key, new URL(c.req.url).searchParams).ok
        ? c.text(files.get(key)!)
        : c.notFound();
    })
    .route("/", api.app);
  const server = createAdaptorServer({ fetch: whole.fetch }).listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
  const { id } = await api.create();
  const { outputs } = await api.complete(id);
  files.set(outputs!.video.key, "the bytes of a video");
  try {
    const script = join(import.meta.dirname, "openai_sdk_check.py");
    const { stdout } = await promisify(execFile)(python, [
      script,
      `http://127.0.0.1:${port}`,
      api.ownKey,
      id,
    ]);
    expect(JSON.parse(stdout)).toEqual({
      version: expect.any(String),
      created: ["queued", 0, "2", "64x64", 7],
      cache: ["slow", 2],
      metadata: { order: "42" },
      retrieved: true,
      listed: true,
      polled: "completed",
      content: "the bytes of a video",
      remix: true,
      deleted: true,
      models: ["demo"],
      missing: ["NotFoundError", "video_not_found", null, true],
      unknown: ["BadRequestError", "unknown_parameter", "loras", true],
      keyless: ["AuthenticationError", "invalid_api_key", null, true],
    });
  } finally {
    server.close();
  }
});
