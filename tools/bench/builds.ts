/**
 * Compares this checkout with another one in whole videos of the demo model, in turns:
 *
 *     node --import tsx tools/bench/builds.ts FOLDER [ROUNDS]
 *
 * Times `npm run generate` from the start of npm to its exit, and a request with `Prefer: wait` to its answer, with the
 * model open. Writes ratios into docs/benchmarks.md: this checkout over that in FOLDER, which has its packages
 * installed.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { circumstances, describeCircumstances } from "./machine.ts";
import { table } from "./markdown.ts";
import { updateDocument } from "./results-file.ts";
import { quantile, ratios } from "./statistics.ts";

const PROMPT = "a red circle moves fast to the left over blue stripes";
const ROUNDS = 8;

interface Build {
  readonly folder: string;
  readonly seconds: number[];
}

/** Makes the video with `npm run generate`, and returns the seconds that it took. */
async function runCommand({ folder }: Build, path: string): Promise<number> {
  const started = performance.now();
  const words = ["run", "-s", "generate", "--", PROMPT, "--seed", "1", "--out", path];
  await promisify(execFile)("npm", words, { cwd: folder });
  return (performance.now() - started) / 1000;
}

interface Service {
  readonly process: ChildProcess;
  /** Makes the video, and returns the seconds from the request to its answer. */
  make(): Promise<number>;
}

/** Starts the service of a checkout, and makes a first video, which opens the model. */
async function startService({ folder }: Build, data: string): Promise<Service> {
  const started = spawn("npm", ["-s", "start"], {
    cwd: folder,
    env: { ...process.env, PORT: "0", DATA_DIR: data },
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
  });
  let printed = "";
  await new Promise<void>((greeted, failed) => {
    started.stdout.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
      if (printed.includes("(Ctrl-C)")) greeted();
    });
    started.once("exit", () => failed(new Error(`The service of ${folder} does not start.`)));
  });
  const url = /listens on (\S+)/.exec(printed)![1]!;
  const key = /#key=(\S+)/.exec(printed)![1]!;
  const service = {
    process: started,
    async make() {
      const begun = performance.now();
      const answer = await fetch(`${url}/v1/videos`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json", prefer: "wait=25" },
        body: JSON.stringify({ prompt: PROMPT, seed: 1 }),
      });
      const { status, error } = (await answer.json()) as { status: string; error: unknown };
      if (status !== "completed")
        throw new Error(`The video of ${folder} is ${status}: ${JSON.stringify(error)}`);
      return (performance.now() - begun) / 1000;
    },
  };
  await service.make();
  return service;
}

/** Runs both builds in turns, after one turn that is not counted, and prints how this one compares. */
async function compare(
  title: string,
  builds: readonly [Build, Build],
  run: (build: Build) => Promise<number>,
) {
  for (let round = 0; round <= rounds; round++) {
    for (const build of builds) {
      const seconds = await run(build);
      if (round > 0) build.seconds.push(seconds);
    }
  }
  const [own, other] = builds.map(({ seconds }) => seconds) as [number[], number[]];
  const [low, middle, high] = [0.1, 0.5, 0.9].map((share) => quantile(ratios(own, other), share).toFixed(2));
  const fastest = [Math.min(...own), Math.min(...other)] as const;
  const ratio = (fastest[0] / fastest[1]).toFixed(2);
  return [title, `${middle} (${low}–${high})`, ratio, ...fastest.map((seconds) => seconds.toFixed(2))];
}

const [otherFolder, roundsAsked] = process.argv.slice(2);
if (otherFolder === undefined) throw new Error("Name the folder of the checkout to compare with.");
const rounds = Number(roundsAsked ?? ROUNDS);
const pair = (): [Build, Build] => [
  { folder: process.cwd(), seconds: [] },
  { folder: otherFolder, seconds: [] },
];
const scratch = await mkdtemp(join(tmpdir(), "adareel-builds-"));
const measured = await circumstances([], "models/demo");
const services = new Map<string, Service>();
try {
  const path = ({ folder }: Build) => join(scratch, folder === otherFolder ? "other.mp4" : "own.mp4");
  const commands = pair();
  const rows = [await compare("From command to MP4", commands, (build) => runCommand(build, path(build)))];
  const [own, other] = await Promise.all(commands.map((build) => readFile(path(build))));
  const jobs = pair();
  for (const build of jobs)
    services.set(build.folder, await startService(build, join(scratch, `data-${services.size}`)));
  rows.push(
    await compare("A warm job, from POST to its answer", jobs, ({ folder }) => services.get(folder)!.make()),
  );
  const revision = async (folder: string) =>
    (await promisify(execFile)("git", ["rev-parse", "--short", "HEAD"], { cwd: folder })).stdout.trim();
  const command = `node --import tsx tools/bench/builds.ts FOLDER ${rounds}`;
  const described = describeCircumstances({ ...measured, command });
  const body = `## Whole videos, compared with an earlier build

The demo model's video of “${PROMPT}”, made by both builds in turns.
Ratios are this build's time over the earlier one's: medians of ${rounds} rounds with the 10th and 90th percentiles in
parentheses, and of the fastest runs. Both videos have ${own!.equals(other!) ? "the same bytes" : "different bytes"}. The aims
are 0.8 for the command and 0.7 for the job.

${table(["Timed", "Ratio", "Fastest", "Seconds", "Earlier, seconds"], rows)}

${described.map((item) => `- ${item}`).join("\n")}
- A job is a request with \`Prefer: wait=25\` to \`npm start\`, which has made a video before. FOLDER was a checkout of
  ${await revision(otherFolder)}.
`;
  await updateDocument("docs/benchmarks.md", "builds", body);
} finally {
  for (const { process: running } of services.values()) {
    const exit = once(running, "exit");
    // npm does not pass signals on; the service is in its group.
    process.kill(-running.pid!, "SIGTERM");
    await exit;
  }
  await rm(scratch, { recursive: true, force: true });
}
