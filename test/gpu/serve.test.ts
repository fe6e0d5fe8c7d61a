import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import type { FromGpu } from "../../functions/gpu/messages.ts";
import { type JobRef, jobOfKey } from "../../lib/service/jobs/index.ts";
import { RUNNER } from "../../lib/shared/run/index.ts";
import { eventually } from "../eventually.ts";
import { endless, openTinyWorkplace, type Workplace } from "./job-fixture.ts";

const script = join(import.meta.dirname, "../../functions/gpu/serve.ts");

let folder: string;
let place: Workplace;

beforeAll(async () => {
  ({ folder, place } = await openTinyWorkplace());
});
afterAll(() => place.remove());

interface Started {
  readonly process: ChildProcess;
  readonly messages: FromGpu[];
  readonly exited: Promise<{ code: number | null; stdout: string; stderr: string }>;
  /** Resolves to the URL and the owner's id once the server accepts jobs. */
  readonly listening: Promise<{ url: string; owner: string }>;
}

function start(env: NodeJS.ProcessEnv = {}, args: readonly string[] = ["serve"]): Started {
  const process_ = fork(RUNNER, [script, ...args], {
    execArgv: [],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: {
      ...process.env,
      STORE: place.url,
      MODELS: folder,
      PORT: "0",
      HOST: "127.0.0.1",
      THREADS: "1",
      PROGRESS_INTERVAL_MS: "20",
      ...env,
    },
  });
  onTestFinished(() => void process_.kill("SIGKILL"));
  const messages: FromGpu[] = [];
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    process_[stream]!.setEncoding("utf8").on("data", (text: string) => {
      output[stream] += text;
    });
  }
  const exited = once(process_, "close").then(([code]) => ({ code: code as number | null, ...output }));
  const listening = new Promise<{ url: string; owner: string }>((resolve) => {
    process_.on("message", (message: FromGpu) => {
      messages.push(message);
      if (message.kind !== "listening") return;
      resolve({ url: `http://127.0.0.1:${message.port}`, owner: message.owner });
    });
  });
  return { process: process_, messages, exited, listening };
}

const invoke = (url: string, ref: JobRef) =>
  fetch(`${url}/invocations`, { method: "POST", body: JSON.stringify(ref) });

function begun(ref: JobRef): Promise<void> {
  return eventually(async () => expect((await place.jobs.read(ref))!.progress?.done).toBeGreaterThan(0));
}

it("a worker hands its job back when it is told to stop twice, answers until then, and logs no prompt", async () => {
  const [ref, other] = [await place.queue(endless), await place.queue()];
  const gpu = start();
  const { url, owner } = await gpu.listening;
  const answer = invoke(url, ref);
  await begun(ref);
  expect((await place.jobs.read(ref))!.lease!.owner).toBe(owner);
  gpu.process.kill("SIGTERM");
  await eventually(async () => {
    const ping = await fetch(`${url}/ping`);
    expect([ping.status, await ping.json()]).toMatchObject([200, { status: "stopping", busy: true }]);
  });
  expect((await invoke(url, other)).status).toBe(503);
  gpu.process.kill("SIGTERM");
  const response = await answer;
  const body = await response.text();
  expect(JSON.parse(body)).toEqual({ id: ref.id, status: "queued", attempt: 1 });
  expect(response.headers.get("Content-Length")).toBe(String(body.length));
  const { code, stdout, stderr } = await gpu.exited;
  expect([code, stderr]).toEqual([0, ""]);
  expect(gpu.messages.filter(({ kind }) => kind === "changed")).toEqual([{ kind: "changed", ref }]);
  const lines = stdout.trim().split("\n");
  expect(JSON.parse(lines.at(-1)!)).toMatchObject({ msg: "job", ...ref, attempt: 1, status: "queued" });
  expect(stdout).not.toMatch(/red circle|file:/);
});

it("a killed worker leaves a lease, and the next worker begins with the next attempt", async () => {
  const ref = await place.queue(endless);
  const first = start();
  const lost = invoke((await first.listening).url, ref).catch(() => "lost");
  await begun(ref);
  first.process.kill("SIGKILL");
  expect(await lost).toBe("lost");
  expect(await place.jobs.read(ref)).toMatchObject({ status: "running", attempt: 1 });
  // The process that started it would do the same after its exit.
  const { owner } = await first.listening;
  expect(await place.jobs.apply(ref, { type: "abandon", owner })).toHaveProperty("ok", true);

  const second = start({}, []);
  const answer = invoke((await second.listening).url, ref);
  await begun(ref);
  // After disconnect() the process emits no "close" event.
  const exit = once(second.process, "exit");
  second.process.disconnect();
  expect(await (await answer).json()).toEqual({ id: ref.id, status: "queued", attempt: 2 });
  expect(await exit).toEqual([0, null]);
  expect(await place.artifacts()).toEqual([]);
});

/** Returns the port that a worker logs when it listens. */
async function portOf(gpu: ChildProcess): Promise<number> {
  for await (const line of createInterface({ input: gpu.stdout! })) {
    const { msg, port } = JSON.parse(line);
    if (msg === "listening") return port;
  }
  throw new Error("The worker ended before it listened.");
}

it("a worker without a parent writes a marker when a job begins", async () => {
  const ref = await place.queue(endless);
  const gpu = spawn(process.execPath, [RUNNER, script, "serve"], {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...process.env,
      STORE: place.url,
      MODELS: folder,
      PORT: "0",
      HOST: "127.0.0.1",
      THREADS: "1",
      // On a fast machine the job would end before the first write at the usual interval.
      PROGRESS_INTERVAL_MS: "20",
    },
  });
  onTestFinished(() => void gpu.kill("SIGKILL"));
  const answer = invoke(`http://127.0.0.1:${await portOf(gpu)}`, ref);
  await begun(ref);
  await eventually(async () => {
    const { keys } = await place.store.list("undelivered/");
    expect(keys.map(jobOfKey)).toEqual([{ tenant: ref.tenant, id: ref.id }]);
  });
  const exit = once(gpu, "exit");
  gpu.kill("SIGINT");
  expect(await (await answer).json()).toMatchObject({ status: "queued" });
  expect(await exit).toEqual([0, null]);
});

it("a worker exits when its parent exits before it was ready", async () => {
  const { process: gpu } = start();
  const exit = once(gpu, "exit");
  gpu.disconnect();
  expect(await exit).toEqual([0, null]);
});

it("a worker with an unusable configuration does not start, and says why in one sentence", async () => {
  const wrong = [
    start({ LEASE_MS: "soon" }),
    start({}, ["train"]),
    start({ MODELS: join(folder, "vae") }),
    start({ STORE: "s3://-" }),
    ...(existsSync("/dev/nvidia0") ? [] : [start({ PROVIDER: "cuda" })]),
  ];
  for (const { exited } of wrong) {
    const { code, stdout, stderr } = await exited;
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^[^\n]+\n$/);
  }
});
