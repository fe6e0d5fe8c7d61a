import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, cp, mkdir, mkdtemp, open, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Video } from "../../functions/api/schemas/video.ts";
import { runKeys } from "../cli/run-keys.ts";
import { eventually } from "../eventually.ts";
import { writeTinyModel } from "../generation/pipeline/tiny-model.ts";
import { clientOf, spawnLocal, startLocal } from "./local-service.ts";
import { hasProcessList, processesWith } from "./processes.ts";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;

let folder: string;
let dataFolder: string;
let model: string;

beforeEach(async () => {
  [folder, model] = await Promise.all([mkdtemp(join(tmpdir(), "adareel-start-")), writeTinyModel()]);
  dataFolder = join(folder, "data");
});
afterEach(async () => {
  // The process that holds the model ends soon after its parent.
  if (hasProcessList) await eventually(() => expect(processesWith("DATA_DIR", dataFolder)).toEqual([]));
  for (const path of [folder, model]) await rm(path, { recursive: true });
});

/** Starts a service that cannot start, and returns its exit code and output. */
async function startFailing(env: NodeJS.ProcessEnv, options = {}, args: readonly string[] = []) {
  const all = { DATA_DIR: dataFolder, MODELS: model, LOG_LEVEL: "error", ...env };
  const started = spawnLocal(all, options, args);
  const code = await started.ended;
  return { code, stdout: started.stdout, stderr: started.stderr };
}

describe("a start that cannot succeed", () => {
  it("a start on a taken port says so in one sentence, and makes no key yet", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const failed = await startFailing({ PORT: String(port) });
    other.close();
    expect(failed).toEqual({
      code: 1,
      stdout: "",
      stderr:
        `Port ${port} of 127.0.0.1 is taken, perhaps by another npm start: stop that, or choose another port, ` +
        `as in: PORT=${port + 1} npm start\n`,
    });
    const service = await startLocal({ DATA_DIR: dataFolder, MODELS: model });
    service.child.kill("SIGTERM");
    expect([await service.ended, service.key]).toEqual([0, expect.stringMatching(/^adr_/)]);
  });

  it("a start with a host of another machine says so in one sentence", async () => {
    const stderr = "HOST 192.0.2.1 is not an address of this machine: choose another one.\n";
    expect(await startFailing({ HOST: "192.0.2.1" })).toEqual({ code: 1, stdout: "", stderr });
  });

  it("a start with a wrong variable says so in one sentence, and leaves nothing", async () => {
    const stderr = "PORT must be a whole number from 0 to 65535.\n";
    expect(await startFailing({ PORT: "http" })).toEqual({ code: 2, stdout: "", stderr });
    expect(await readdir(folder)).toEqual([]);
  });

  it("a start with an invalid model folder says so in one sentence, and leaves nothing", async () => {
    const missing = join(folder, "missing");
    const failed = await startFailing({ MODELS: missing });
    expect([failed.code, failed.stdout]).toEqual([2, ""]);
    expect(failed.stderr).toBe(`There is no folder ${missing}; this machine has demo.\n`);
    expect(await readdir(folder)).toEqual([]);
  });

  it("a start with two models of one name says so in one sentence, after the GPU function said so", async () => {
    const twin = join(folder, basename(model));
    await cp(model, twin, { recursive: true });
    const { code, stdout, stderr } = await startFailing({ MODELS: [model, twin].join(delimiter) });
    expect([code, stdout]).toEqual([1, ""]);
    const [first, second, ...more] = stderr.trimEnd().split("\n");
    expect(first).toMatch(/^MODELS has two models named /);
    expect([second, ...more]).toEqual(["The GPU function ended while it started (exit code 2)."]);
  });

  it("a start with a data folder that is a file, or is in one, says so in one sentence", async () => {
    await writeFile(dataFolder, "precious");
    for (const [path, code] of [
      [dataFolder, "EEXIST"],
      [join(dataFolder, "below"), "ENOTDIR"],
    ]) {
      const stderr = `The data folder ${path} cannot be made (${code}): choose another DATA_DIR.\n`;
      expect(await startFailing({ DATA_DIR: path })).toEqual({ code: 1, stdout: "", stderr });
    }
  });

  it("a start with a read-only data folder says so in one sentence, and leaves nothing in it", async () => {
    await mkdir(dataFolder);
    await chmod(dataFolder, 0o555);
    await chmod(folder, 0o755);
    // File permissions do not apply to root, so root starts the service as another user.
    if (isRoot) for (const path of [model, dataFolder]) await chown(path, NOBODY, NOBODY);
    const { code, stdout, stderr } = await startFailing({}, isRoot ? { uid: NOBODY, gid: NOBODY } : {});
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^The data folder \S+ may not be written or read by this process; .*\.\n$/);
    expect(await readdir(dataFolder)).toEqual([]);
  });
});

it("a start without the master key of its store says what to do, and starts over only when it is told to", async () => {
  const env = { DATA_DIR: dataFolder, MODELS: model };
  const first = await startLocal(env);
  const { id } = await clientOf(first.url, first.key!).create({ prompt: "a red circle", steps: 2 });
  await clientOf(first.url, first.key!).finished(id);
  first.child.kill("SIGTERM");
  await first.ended;
  await rm(join(dataFolder, "master.key"));

  const { code, stdout, stderr } = await startFailing({});
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(/^The master key \S+ is missing, .* put the file back .* NEW_MASTER_KEY=1 .*\.\n$/);
  expect(await readdir(dataFolder)).toEqual(["development-certificate.pem", "store"]);

  const second = await startLocal({ ...env, NEW_MASTER_KEY: "1" });
  const { url } = await clientOf(second.url, first.key!).read(id);
  second.child.kill("SIGTERM");
  await second.ended;
  expect(url).toContain("/files/");
  expect(second.stderr).toContain("NEW_MASTER_KEY is set: unset it after this start");
});

it.skipIf(process.platform !== "linux")(
  "a log that cannot be written stops neither the service nor its stopping",
  async () => {
    const full = await open("/dev/full", "w");
    const service = await startLocal(
      { DATA_DIR: dataFolder, MODELS: model },
      { stdio: ["ignore", "pipe", full.fd] },
    );
    const client = clientOf(service.url, service.key!);
    const { id } = await client.create({ prompt: "a red circle moves", steps: 2 });
    const { status }: Video = await client.finished(id);
    service.child.kill("SIGTERM");
    expect([status, await service.ended]).toEqual(["completed", 0]);
    await full.close();
  },
);

it("a greeting that nobody can read stops the service no more than its log", async () => {
  const free = createServer().listen(0, "127.0.0.1");
  await once(free, "listening");
  const { port } = free.address() as AddressInfo;
  free.close();
  const { child, ended } = spawnLocal({ DATA_DIR: dataFolder, MODELS: model, PORT: String(port) });
  child.stdout!.destroy();
  const health = async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).json();
  const ok = expect.objectContaining({ status: "ok" });
  await eventually(async () => expect(await health()).toEqual(ok));
  // The greeting comes a moment after the first job could be made.
  for (let looks = 0; looks < 20; looks++) {
    expect(await health()).toEqual(ok);
    await sleep(50);
  }
  child.kill("SIGTERM");
  expect(await ended).toBe(0);
});

it.skipIf(!hasProcessList)(
  "the service stops in order when npm's shell is ended instead of this process",
  async () => {
    const env = { DATA_DIR: dataFolder, MODELS: model, npm_lifecycle_event: "start" };
    const service = await startLocal(env, { shell: "/bin/sh" });
    service.child.kill("SIGTERM");
    await service.ended;
    expect(service.stderr).toContain('"msg":"stopping: ');
  },
);

it.skipIf(!hasProcessList)(
  "the service stops in order when npm is killed, though its shell stays",
  async () => {
    const npm = spawn("npm", ["start"], {
      cwd: join(import.meta.dirname, "../.."),
      env: { ...process.env, PORT: "0", THREADS: "1", INIT_CWD: "", DATA_DIR: dataFolder, MODELS: model },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const)
      npm[name].setEncoding("utf8").on("data", (text: string) => {
        output[name] += text;
      });
    await eventually(() => expect(output.stdout).toContain("curl"));
    const closed = once(npm, "close");
    npm.kill("SIGKILL");
    // The streams are those of the service, which is gone when they close.
    await closed;
    expect(output.stderr).toContain('"msg":"stopping: ');
  },
);

describe("the link to the playground", () => {
  it("the link has a key that shows earlier videos, ends with its process even if killed, and is in no list", async () => {
    const env = { DATA_DIR: dataFolder, MODELS: model, LOG_LEVEL: "error" };
    const listed = async () => (await runKeys(["list"], folder, env)).stdout.trimEnd().split("\n");
    const first = await startLocal(env);
    const { id } = await clientOf(first.url, first.sessionKey!).create({ prompt: "a red circle", steps: 2 });
    const keys = await listed();
    expect(keys).toEqual([expect.stringMatching(/\tdefault\t.*\tfirst start$/)]);
    first.child.kill("SIGKILL");
    await first.ended;

    const second = await startLocal(env);
    expect(second.key).toBe(second.sessionKey);
    expect((await clientOf(second.url, second.sessionKey!).read(id)).id).toBe(id);
    const old = await clientOf(second.url, first.sessionKey!).send("GET", "/v1/videos");
    expect([old.status, await listed()]).toEqual([401, keys]);
    second.child.kill("SIGTERM");
    expect([await second.ended, await listed()]).toEqual([0, keys]);
  });

  it("the link has no key where a proxy leads to the service", async () => {
    const env = { DATA_DIR: dataFolder, MODELS: model, PUBLIC_URL: "https://videos.example.com" };
    const service = await startLocal(env).catch(({ message }: Error) => message);
    if (typeof service === "string") throw new Error(service);
    service.child.kill("SIGTERM");
    await service.ended;
    expect(service.sessionKey).toBeNull();
    expect(service.stdout).toMatch(/^Playground: https:\/\/videos\.example\.com\/$/m);
    expect(service.stdout).not.toContain("#key");
  });
});

describe("a start on a terminal", () => {
  it("a start for people tells of jobs in a line each, and of nothing that is for machines", async () => {
    const service = await startLocal({ DATA_DIR: dataFolder, MODELS: model, LOG_FORMAT: "text" });
    const client = clientOf(service.url, service.key!);
    const { id } = await client.create({ prompt: "a heron of lapis lazuli", steps: 2 });
    await client.finished(id);
    await eventually(() => expect(service.stderr).toContain("finished"));
    service.child.kill("SIGINT");
    expect(await service.ended).toBe(0);
    const [started, finished, ...more] = service.stderr.trimEnd().split("\n");
    expect(started).toBe(`${id} started`);
    expect(finished).toMatch(new RegExp(`^${id} finished in \\d+\\.\\d s, 2 of 2 steps computed$`));
    expect(more).toEqual(["Stopping."]);
  });

  it("the command npm start -- --help lists the settings with their defaults, and starts nothing", async () => {
    const { code, stdout, stderr } = await startFailing({}, {}, ["--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^usage: npm start\n/);
    expect(stdout).toMatch(/\n {2}PORT {2,}\S.*; default 3000\n/);
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([
    [["--port", "3001"], "There is no option '--port': write PORT=... before the command; see --help.\n"],
    [["now"], '"now" is one word too many; write it as in: npm start\n'],
  ])("the arguments %j are refused in one sentence", async (args, stderr) => {
    expect(await startFailing({}, {}, args)).toEqual({ code: 2, stdout: "", stderr });
  });
});

it("the service prints a reachable address and no key of its own when it listens on all addresses", async () => {
  const service = await startLocal({ DATA_DIR: dataFolder, MODELS: model, HOST: "0.0.0.0" });
  const answer = await fetch(`${service.url}/healthz`);
  service.child.kill("SIGINT");
  expect([service.sessionKey, service.stdout.match(/adr_\S{56}/g)]).toEqual([null, [service.key]]);
  expect(service.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect([answer.status, await service.ended]).toEqual([200, 0]);
});
