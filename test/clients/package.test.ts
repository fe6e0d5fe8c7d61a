import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildClients } from "../../clients/build.ts";
import { type LoopbackService, startLoopbackService } from "../conformance/service.ts";

/* The packages as a user gets them: built, packed, and installed by npm into a folder that knows no repository. */

const ROOT = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "adareel-packages-"));
const project = join(folder, "project");

let service: LoopbackService;
beforeAll(async () => {
  service = await startLoopbackService();
  const archives = Object.values(buildClients(join(folder, "built")));
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  // What the packages depend on is linked from here, so that npm asks no registry.
  const others = ["hono", "ai", "zod", "@ai-sdk/provider", "@ai-sdk/provider-utils"];
  const links = others.map((name) => join(ROOT, "node_modules", name));
  const flags = ["--offline", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"];
  execFileSync("npm", ["install", ...flags, ...archives, ...links], { cwd: project });
});
afterAll(() => {
  service?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Compiles a program with the strictest settings; returns what the compiler says. */
function compiled(name: string, source: string): string {
  writeFileSync(join(project, `${name}.ts`), source);
  const compilerOptions = {
    target: "es2022",
    lib: ["es2024", "dom", "dom.iterable"],
    module: "nodenext",
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    // The declarations of the packages are checked with the rest; those of ai are not ours.
    skipLibCheck: name !== "client",
  };
  const config = join(project, `tsconfig.${name}.json`);
  writeFileSync(config, JSON.stringify({ compilerOptions, files: [`${name}.ts`] }));
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  return spawnSync(process.execPath, [tsc, "-p", config], { cwd: project, encoding: "utf8" }).stdout;
}

/** Runs a compiled program, which prints JSON. */
async function printed(name: string): Promise<unknown> {
  const { origin, api } = service;
  const env = { ...process.env, ADAREEL_URL: origin, ADAREEL_API_KEY: api.ownKey };
  const child = spawn(process.execPath, [join(project, `${name}.js`)], { env });
  const [output, complaints] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (output === "") throw new Error(complaints);
  return JSON.parse(output);
}

describe("the packed client", () => {
  it("the packed client typechecks and runs in a folder of its own", async () => {
    const source = `
      import { adareelClient, AdareelError, type Video, type VideoRequest, verifyWebhook } from "@adareel/client";

      declare const process: { env: Record<string, string> };
      const adareel = adareelClient(process.env.ADAREEL_URL!, process.env.ADAREEL_API_KEY!);
      const request: VideoRequest = { prompt: "a red circle", steps: 4, cache: { policy: "slow" } };
      const { id } = await adareel.create(request);
      const video: Video = await adareel.wait(id);
      const computed: number | undefined = video.compute?.steps.computed;
      const mp4 = await adareel.content(id);
      const models = await (await adareel.v1.models.$get()).json();
      const sizes: string[] = models.data[0]!.sizes;
      const refused: unknown = await adareel.create({ prompt: "" }).catch((error: unknown) => error);
      const code = refused instanceof AdareelError ? refused.code : null;
      const { status } = video;
      const is = typeof verifyWebhook;
      console.log(JSON.stringify({ status, text: await mp4.text(), computed, sizes, code, is }));
    `;
    expect(compiled("client", source)).toBe("");
    expect(await printed("client")).toEqual({
      status: "completed",
      text: expect.stringMatching(/^video\.mp4 of video_/),
      computed: expect.any(Number),
      sizes: ["64x64"],
      code: "invalid_value",
      is: "function",
    });
  });

  it("a program that the service would refuse does not compile", () => {
    const mistakes = [
      `await adareel.create({ prompt: "a", colour: "red" });`,
      `await adareel.create({ prompt: "a", seed: "1" });`,
      `await adareel.create({ seed: 1 });`,
      `(await adareel.wait("video_1")).status === "done";`,
      `await adareel.v1.films.$get();`,
    ];
    const opening = `import { adareelClient } from "@adareel/client"; const adareel = adareelClient("", "");`;
    const complaints = compiled("mistakes", [opening, ...mistakes].join("\n"));
    const lines = [...complaints.matchAll(/^mistakes\.ts\((\d+),/gm)].map(([, line]) => Number(line));
    expect(lines).toEqual(mistakes.map((_, index) => index + 2));
  });

  it("a package holds its module and its declarations, and nothing of the server", () => {
    for (const name of ["client", "ai-sdk"]) {
      const own = join(project, "node_modules/@adareel", name);
      expect(readdirSync(own).sort()).toEqual(["LICENSE", "README.md", "dist", "package.json"]);
      const files = readdirSync(join(own, "dist"));
      expect(files.filter((file) => file.endsWith(".js"))).toEqual(["index.js"]);
      const texts = files.map((file) => readFileSync(join(own, "dist", file), "utf8"));
      expect(texts.filter((each) => /from "\.\.|import\("\.|node:|functions\/|lib\//.test(each))).toEqual([]);
    }
  });

  it("the packages have the version of the repository, and ask for what it is tested with", () => {
    const read = (path: string) => JSON.parse(readFileSync(join(ROOT, path), "utf8"));
    const whole = read("package.json");
    const installed = { ...whole.dependencies, ...whole.devDependencies };
    for (const name of ["typescript", "ai-sdk"]) {
      const { version, dependencies } = read(`clients/${name}/package.json`);
      expect(version).toBe(whole.version);
      const asked = Object.fromEntries(
        Object.keys(dependencies).map((each) => [each, `^${installed[each]}`]),
      );
      expect(dependencies).toEqual(asked);
    }
  });
});

describe("the packed provider of the AI SDK", () => {
  it("the packed provider typechecks and runs with the AI SDK", async () => {
    const source = `
      import { experimental_generateVideo as generateVideo } from "ai";
      import { adareel, type AdareelVideoOptions, createAdareel } from "@adareel/ai-sdk";

      (globalThis as { AI_SDK_LOG_WARNINGS?: boolean }).AI_SDK_LOG_WARNINGS = false;
      const options: AdareelVideoOptions = { steps: 4, cache: { policy: "slow" }, metadata: { order: "42" } };
      createAdareel({ baseURL: "https://videos.example.com", apiKey: "adr_", headers: { team: "a" } }).video("wan");
      const { video, providerMetadata } = await generateVideo({
        model: adareel.video("demo"),
        prompt: "a red circle",
        providerOptions: { adareel: options },
        poll: { intervalMs: 20 },
      });
      console.log(JSON.stringify({ text: new TextDecoder().decode(video.uint8Array), providerMetadata }));
    `;
    expect(compiled("ai-sdk", source)).toBe("");
    expect(await printed("ai-sdk")).toMatchObject({
      text: expect.stringMatching(/^video\.mp4 of video_/),
      providerMetadata: { adareel: { videos: [{ id: expect.stringMatching(/^video_/), size: "64x64" }] } },
    });
  });
});
