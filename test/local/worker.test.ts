import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { RUNNER } from "../../lib/shared/run/index.ts";
import { eventually } from "../eventually.ts";
import { endless, openTinyWorkplace, openWorkplace, type Workplace } from "../gpu/job-fixture.ts";
import { startS3Stub } from "../s3-stub/s3-stub.ts";
import { hasProcessList, processesWith } from "./processes.ts";

const script = join(import.meta.dirname, "../../functions/local/worker.ts");
const TIMEOUT_MS = 120_000;

let folder: string;
let place: Workplace;

beforeAll(async () => {
  ({ folder, place } = await openTinyWorkplace());
});
afterAll(() => place.remove());

/** Starts the command as in another terminal. */
function start(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const started = spawn(process.execPath, [RUNNER, script, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      MODELS: folder,
      PULL_PAUSE_MS: "50",
      PROGRESS_INTERVAL_MS: "50",
      PROVENANCE: "off",
      LOG_FORMAT: "text",
      NODE_NO_WARNINGS: "1",
      ...env,
    },
  });
  onTestFinished(() => void started.kill("SIGKILL"));
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const)
    started[stream].setEncoding("utf8").on("data", (text: string) => {
      output[stream] += text;
    });
  const exited = once(started, "close").then(([code]) => code as number | null);
  return { process: started, output, exited };
}

describe.skipIf(!hasProcessList)("npm run worker", { timeout: TIMEOUT_MS }, () => {
  it("several workers make the jobs of a store, tell of each in a line, and stop in order at Ctrl-C", async () => {
    const { process: command, output, exited } = start(["--store", place.url, "--workers", "2"]);
    const refs = [await place.queue(), await place.queue(), await place.queue()];
    await eventually(() => {
      for (const { id } of refs) expect(output.stderr).toMatch(`${id} finished in `);
    });
    expect(output.stderr).toMatch(`Pulling jobs from ${place.url}, 2 workers.\n`);
    for (const ref of refs) expect(await place.jobs.read(ref)).toMatchObject({ attempt: 1 });
    command.kill("SIGINT");
    expect(await exited).toBe(0);
    expect(output.stderr).toMatch(/Stopping\.\n$/);
    expect([output.stdout, processesWith("STORE", place.url)]).toEqual(["", []]);
  });

  it("the job of a GPU process that is killed is made by another at once, and not at the end of its lease", async () => {
    const {
      process: command,
      output,
      exited,
    } = start([], {
      STORE: place.url,
      LEASE_MS: "600000",
      STOP_GRACE_MS: "0",
    });
    const ref = await place.queue(endless);
    await eventually(async () => expect((await place.jobs.read(ref))?.progress?.done).toBeGreaterThan(0));
    const [gpu] = processesWith("STORE", place.url).filter(({ role }) => role === "gpu");
    process.kill(gpu!.pid, "SIGKILL");
    await eventually(async () => {
      expect(await place.jobs.read(ref)).toMatchObject({ status: "running", attempt: 2, losses: 1 });
    });
    expect(output.stderr).toMatch("Error: The GPU function ended (SIGKILL) and is started again.");
    await eventually(() => expect(output.stderr).toMatch(`${ref.id} started again`));
    command.kill("SIGTERM");
    expect(await exited).toBe(0);
    expect(await place.jobs.read(ref)).toMatchObject({ status: "queued", lease: null });
  });

  it("a worker over a store without anything in it says that no job can come yet", async () => {
    const empty = await openWorkplace(folder);
    onTestFinished(() => empty.remove());
    const { process: command, output, exited } = start(["--store", empty.url]);
    const sentence = `There is nothing in ${empty.url} yet: jobs come once npm start has it as its STORE.`;
    await eventually(() => expect(output.stderr).toMatch(sentence));
    command.kill("SIGTERM");
    expect(await exited).toBe(0);
  });

  it("a command that cannot work says why in one sentence", async () => {
    const stub = await startS3Stub({ buckets: ["there"] });
    onTestFinished(() => stub.close());
    const careless = await startS3Stub({
      fault({ headers }) {
        delete headers["if-none-match"];
        return undefined;
      },
    });
    onTestFinished(() => careless.close());
    const nowhere = { ...stub.env, AWS_ENDPOINT_URL_S3: "http://127.0.0.1:9" };
    const noRegion = {
      AWS_REGION: "",
      AWS_ENDPOINT_URL_S3: "",
      AWS_CONFIG_FILE: fileURLToPath(import.meta.url),
    };
    const wrong: [readonly string[], NodeJS.ProcessEnv, number, RegExp][] = [
      [[], { STORE: "" }, 2, /^There is no store: name that of the service, as in --store s3:\/\/videos\.$/],
      [
        ["--store", "gs://videos"],
        {},
        2,
        /^"gs:\/\/videos" is not a store: give a folder, s3:\/\/bucket or s3:\/\/bucket\/prefix\.$/,
      ],
      [
        ["--store", "/nowhere/store"],
        {},
        2,
        /^There is no folder .*nowhere.store: name that of the service, /,
      ],
      [["--workers", "0"], {}, 2, /^--workers is a whole number from 1 to 64, or auto, not 0\.$/],
      [
        ["--workers", "3"],
        { PROVIDER: "cuda", CUDA_VISIBLE_DEVICES: "0,1", STORE: place.url },
        2,
        /names 2 GPUs: set it to 2 at most/,
      ],
      [["--store", place.url], { MODELS: "nowhere" }, 2, /^There is no model "nowhere": /],
      [["--store", "s3://gone"], stub.env, 1, /^The bucket gone does not exist; /],
      [
        ["--store", "s3://videos"],
        nowhere,
        1,
        /^The bucket videos does not answer \(ECONNREFUSED\); try again\.$/,
      ],
      [["--store", "s3://videos"], noRegion, 1, /^No region is set for S3; set AWS_REGION\.$/],
      [
        ["--store", "s3://videos"],
        careless.env,
        1,
        /^The store created .* \(If-None-Match: \*\), so jobs could be lost or made twice: /,
      ],
    ];
    for (const [args, env, code, sentence] of wrong) {
      const { output, exited } = start(args, env);
      expect([await exited, output.stdout], args.join(" ")).toEqual([code, ""]);
      expect(output.stderr.trim()).toMatch(sentence);
      expect(output.stderr).toMatch(/^[^\n]+\n$/);
    }
  });
});
