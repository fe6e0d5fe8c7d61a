import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Language } from "../../functions/api/pages/languages.ts";
import { describeApi } from "../../functions/api/pages/reference/description.ts";
import { operationPrograms } from "../../functions/api/pages/reference/operation.tsx";
import { PAGES_OF_VIDEOS } from "../../functions/api/pages/reference/paging.ts";
import type { Programs } from "../../functions/api/pages/reference/programs.ts";
import { QUICK_START } from "../../functions/api/pages/reference/quick-start.ts";
import { RECEIVERS } from "../../functions/api/pages/reference/receivers.ts";
import { fileRoutes, markRedirect } from "../../functions/local/files.ts";
import { signWebhook } from "../../lib/service/net/index.ts";
import type { ServedStore } from "../../lib/service/storage/index.ts";
import { DOCUMENT } from "../api/routes.ts";
import { testApi } from "../api/support.ts";

const has = (program: string) => {
  try {
    execFileSync(program, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    console.warn(`no ${program}: programs for it are not run`);
    return false;
  }
};
const COMMANDS: Record<Language, readonly string[]> = {
  curl: ["bash", "-c"],
  javascript: [process.execPath, "--input-type=module", "-e"],
  python: ["python3", "-c"],
};
const LANGUAGES = (Object.keys(COMMANDS) as Language[]).filter((language) =>
  language === "javascript" ? true : has(language === "curl" ? "curl" : "python3"),
);

let url = "";
let server: Server;
const folder = mkdtempSync(join(tmpdir(), "adareel-programs-"));
const api = await testApi({ baseUrl: () => url });
const environment: Record<string, string> = { PATH: process.env.PATH!, ADAREEL_API_KEY: api.ownKey };

let worker: NodeJS.Timeout;

beforeAll(async () => {
  const app = new Hono()
    .route("/files", fileRoutes(api.deps.store as ServedStore, api.signer))
    .mount("/", async (request) => markRedirect(await api.app.fetch(request), `${url}/files/`), {
      replaceRequest: false,
    });
  server = createAdaptorServer({ fetch: app.fetch }) as Server;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  environment.ADAREEL_URL = url;
  const made = async (path: string, json: object) =>
    (await (await api.send("POST", path, { json })).json()) as { id: string; signing_secret: string };
  const video = await api.create();
  await api.complete(video.id);
  api.hinted.work.length = 0;
  // Completes every job soon after its creation, as a worker would.
  worker = setInterval(() => {
    for (const id of api.hinted.work.splice(0)) void api.complete(id).catch(() => undefined);
  }, 20);
  environment.VIDEO_ID = video.id;
  environment.WEBHOOK_ENDPOINT_ID = (
    await made("/v1/webhook_endpoints", { url: "https://a.example/hook" })
  ).id;
  const trigger = await made("/v1/triggers", {
    prompt: "{{/issue/title}}",
    signature: { scheme: "github" },
  });
  environment.TRIGGER_ID = trigger.id;
  environment.TRIGGER_SECRET = trigger.signing_secret;
});
afterAll(async () => {
  clearInterval(worker);
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function run(programs: Programs, language: Language): Promise<string> {
  const [command, ...rest] = COMMANDS[language] as [string, ...string[]];
  const { stdout } = await promisify(execFile)(command, [...rest, programs[language]!], {
    env: environment,
    cwd: folder,
    timeout: 60_000,
  });
  return stdout;
}

const { routes } = describeApi(DOCUMENT as never);
const programsOf = (id: string) =>
  operationPrograms(routes.find(({ operation }) => operation.operationId === id)!, api.deps);

/** Operations whose programs are run. */
const RUN = [
  "createVideo",
  "listVideos",
  "getVideo",
  "remixVideo",
  "cancelVideo",
  "createWebhookEndpoint",
  "updateWebhookEndpoint",
  "testWebhookEndpoint",
  "createTrigger",
  "dryRunTrigger",
  "invokeTrigger",
  "getModel",
  "getHealth",
];

describe.each(LANGUAGES)("a program in %s", (language) => {
  test.each(RUN)(
    "a program that is pasted and run gets the answer of %s",
    async (id) => {
      const answered = await run(programsOf(id), language);
      expect(answered).toMatch(/"?(object|status)"?: ?["'](video|list|webhook|trigger|model|ok)/);
    },
    90_000,
  );

  test.each([
    ["getVideoContent", "video.mp4", /^video\.mp4 of video_/],
    ["getVideoSchedule", "schedule.svg", /^<svg /],
  ])(
    "a program that is pasted and run saves what %s answers",
    async (id, file, begins) => {
      rmSync(join(folder, file), { force: true });
      await run(programsOf(id), language);
      expect(readFileSync(join(folder, file), "utf8")).toMatch(begins);
    },
    90_000,
  );

  test("the quick start makes a video and saves it", async () => {
    rmSync(join(folder, "video.mp4"), { force: true });
    await run(QUICK_START, language);
    expect(readFileSync(join(folder, "video.mp4"), "utf8")).toMatch(/^video\.mp4 of video_/);
  });

  test("the program for lists goes through all pages", async () => {
    // One page of the program holds 100 videos.
    for (let count = 0; count < 100; count++) await api.create();
    const listed = await run(PAGES_OF_VIDEOS, language);
    // The oldest video is on the last page.
    expect(listed).toContain(environment.VIDEO_ID);
  });

  test("a program that is refused says why", async () => {
    const [command, ...rest] = COMMANDS[language] as [string, ...string[]];
    const said = await promisify(execFile)(command, [...rest, programsOf("listModels")[language]!], {
      env: { ...environment, ADAREEL_API_KEY: "adr_wrong" },
    }).catch((failure: { stderr: string }) => ({ stdout: "", ...failure }));
    expect(said.stdout + said.stderr).toContain("Send a valid API key");
  });
});

describe.each(LANGUAGES.filter((language) => RECEIVERS[language]))("the receiver in %s", (language) => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
  const body = JSON.stringify({ id: "evt_1", type: "video.completed", data: { id: "video_1" } });

  test("the receiver takes genuine webhooks, acts once on each, and refuses others", async () => {
    const [command, ...rest] = COMMANDS[language] as [string, ...string[]];
    const child = spawn(command, [...rest, RECEIVERS[language]!], {
      env: { ...environment, WEBHOOK_SECRET: secret, PORT: "0" },
    });
    let said = "";
    child.stdout.on("data", (text: Buffer) => {
      said += text;
    });
    try {
      await expect.poll(() => said, { timeout: 60_000 }).toMatch(/listening on \d+\n/);
      const [, port] = /listening on (\d+)/.exec(said)!;
      const send = async (headers: Record<string, string>, text = body) =>
        (await fetch(`http://127.0.0.1:${port}/`, { method: "POST", headers, body: text })).status;
      const signed = (timestampSeconds: number, secrets = [secret]) =>
        signWebhook({ id: "evt_1", timestampSeconds, body, secrets });
      const current = Math.floor(performance.timeOrigin / 1000 + performance.now() / 1000);
      const other = `whsec_${Buffer.alloc(32, 8).toString("base64")}`;
      expect(await send(signed(current))).toBe(204);
      expect(await send(signed(current))).toBe(204);
      expect(await send(signed(current, [other, secret]))).toBe(204);
      expect(await send(signed(current, [other]))).toBe(401);
      expect(await send(signed(current), body.replace("completed", "failed"))).toBe(401);
      expect(await send(signed(current - 600))).toBe(401);
      expect(await send({})).toBe(401);
      await expect.poll(() => said).toContain("video.completed video_1");
      expect(said.match(/video\.completed/g)).toHaveLength(1);
    } finally {
      child.kill();
      await once(child, "exit");
    }
  });
});

test("the programs name the address and the key by the same variables in all languages", () => {
  for (const { operation } of routes) {
    for (const [language, program] of Object.entries(programsOf(operation.operationId))) {
      expect(program, `${operation.operationId} ${language}`).toContain("ADAREEL_URL");
      if (operation.security?.length !== 0) expect(program).toContain("ADAREEL_API_KEY");
    }
  }
});
