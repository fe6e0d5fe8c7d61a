import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { parseCommand } from "../../lib/shared/command-line/index.ts";
import { NAME, openSmoke, SMOKE } from "../../tools/smoke/arguments.ts";
import { smoke } from "../../tools/smoke/smoke.ts";
import { type LocalService, startLocal } from "../local/local-service.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-smoke-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** Starts a stand-in of the service that gives one answer for each path. */
async function standIn(answers: Readonly<Record<string, readonly [status: number, body: object]>>) {
  const server = createServer((request, response) => {
    const [status, body] = answers[`${request.method} ${request.url}`] ?? [
      404,
      { error: { message: "Nothing." } },
    ];
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  closing.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function run(url: string, key = "adr_x", minutes = 1) {
  const lines: string[] = [];
  const options = { url, key, prompt: "a red circle over white", out: join(folder, "made/smoke.mp4") };
  await smoke({ ...options, minutes, pollSeconds: 0.1 }, (line) => lines.push(line));
  return { lines, out: options.out };
}

const HEALTHY = { "GET /healthz": [200, { status: "ok" }] } as const;

describe("a smoke test of a real service", () => {
  let service: LocalService;
  beforeAll(async () => {
    service = await startLocal({ DATA_DIR: join(folder, "data"), LOG_LEVEL: "silent" });
  });
  afterAll(async () => {
    service.child.kill("SIGTERM");
    await service.ended;
  });

  test("a smoke test makes a video and says how long it took", { timeout: 120_000 }, async () => {
    const { lines, out } = await run(service.url, service.key!, 2);
    expect(lines[0]).toBe(`ok       ${service.url}/healthz answers.`);
    expect(lines[1]).toMatch(/^ok {7}The key is taken, and the video \S+ is ordered\.$/);
    expect(lines.at(-1)).toBe("The service works.");
    expect((await readFile(out)).subarray(4, 8).toString()).toBe("ftyp");
  });

  test("a smoke test with a wrong key says what the service says", async () => {
    await expect(run(service.url, "adr_wrong")).rejects.toThrow(/^\/v1\/videos was answered with 401: .+/);
  });
});

describe("a smoke test that fails", () => {
  test("a smoke test without a service says where it asked", async () => {
    const url = await standIn({});
    closing.pop()!();
    await expect(run(url)).rejects.toThrow(
      `${url} does not answer (ECONNREFUSED): is ADAREEL_URL the address that was printed?`,
    );
  });

  test("a smoke test whose video fails gives the reason", async () => {
    const url = await standIn({
      ...HEALTHY,
      "POST /v1/videos": [201, { id: "v1", status: "queued" }],
      "GET /v1/videos/v1": [200, { id: "v1", status: "failed", error: { message: "The worker was lost." } }],
    });
    await expect(run(url)).rejects.toThrow("The video is failed: The worker was lost.");
  });

  test("a smoke test that waits too long says how to look again", async () => {
    const url = await standIn({
      ...HEALTHY,
      "POST /v1/videos": [201, { id: "v1", status: "queued" }],
      "GET /v1/videos/v1": [200, { id: "v1", status: "queued" }],
    });
    await expect(run(url, "adr_x", 0.001)).rejects.toThrow(
      /^The video is still queued after 0\.001 min\. It goes on: look at it again with curl http:\S+\/v1\/videos\/v1 /,
    );
  });

  test("a smoke test that downloads something else than a video is refused", async () => {
    const url = await standIn({
      ...HEALTHY,
      "POST /v1/videos": [201, { id: "v1", status: "completed" }],
      "GET /v1/videos/v1/content": [200, { error: "no video" }],
    });
    await expect(run(url)).rejects.toThrow("What was downloaded is no MP4 file.");
  });
});

describe("the environment of a smoke test", () => {
  const given = parseCommand(NAME, SMOKE, []) as { readonly values: Parameters<typeof openSmoke>[0] };

  test.each([
    [
      {},
      /^ADAREEL_URL must be the address of the service, which npm start prints, and cdk deploy as ApiUrl\.$/,
    ],
    [{ ADAREEL_URL: "d123.cloudfront.net" }, /^ADAREEL_URL must be the address of the service, /],
    [
      { ADAREEL_URL: "https://x.example" },
      /^ADAREEL_API_KEY must be a key of the service: npm run keys -- create /,
    ],
  ])("the environment %o is refused in a sentence that says what to set", (env, sentence) => {
    expect(() => openSmoke(given.values, env)).toThrow(sentence);
  });

  test("the address may end with a slash", () => {
    const env = { ADAREEL_URL: "https://x.example/", ADAREEL_API_KEY: "adr_x" };
    expect(openSmoke(given.values, env)).toMatchObject({ url: "https://x.example", minutes: 30 });
  });

  test("the minutes to wait are a whole number", () => {
    expect(() => parseCommand(NAME, SMOKE, ["--minutes", "soon"])).toThrow(
      /^--minutes must be a whole number/,
    );
  });
});
