import { execFile } from "node:child_process";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { openModelFolder } from "../../../lib/generation/checkpoint/index.ts";
import { openPipeline, type Pipeline } from "../../../lib/generation/pipeline/index.ts";
import { resolveRequest } from "../../../lib/generation/request/index.ts";
import { circumstances } from "../machine.ts";
import { probeSession } from "../model/session-process.ts";
import { demoModel, docsFolder, repository, resultsFolder, userPath, type Written } from "../options.ts";
import { readResults, updateDocument, writeText } from "../results-file.ts";
import { say, times } from "../rounds.ts";
import { benchmarkPrompts } from "../scenes.ts";
import { quantile } from "../statistics.ts";
import { startTorch, type TorchProcess } from "../torch-process.ts";
import { stepReport } from "./report.ts";
import {
  probeSchema,
  SESSIONS,
  type StepResults,
  type StepTiming,
  stepResultsSchema,
  torchTimesSchema,
} from "./results.ts";
import { timeSegments } from "./segments.ts";

const run = promisify(execFile);

/** Number of our steps per round; with static:2 every other step is reused. */
const STEPS_PER_ROUND = 25;
const TORCH_STEPS_PER_ROUND = 10;
const THREADS = [1, 2] as const;
const WHOLE = { rounds: 15, probes: 5, commands: 5 } as const;
const QUICK = { rounds: 3, probes: 1, commands: 1 } as const;

/**
 * Runs `step [--model DIR] [--quick] [--from FILE]`: times computed and reused steps, sessions, PyTorch if it is
 * installed, and the whole command. A quick run has a fifth of the rounds, and writes its report to out/bench.
 */
export async function runStep({ values, args }: Written<"model" | "from">): Promise<void> {
  const folder = values.model === undefined ? demoModel : userPath(values.model);
  const results = values.from
    ? await readResults(userPath(values.from), stepResultsSchema)
    : await measure(folder, values.quick ? QUICK : WHOLE, ["step", ...args]);
  const isWhole = results.timings.every(({ computed }) => computed.length >= WHOLE.rounds);
  const path = join(isWhole ? docsFolder : resultsFolder, "benchmarks.md");
  await updateDocument(path, "step", stepReport(results));
  process.stdout.write(`Wrote ${path}.\n`);
}

async function measure(
  folder: string,
  repeats: { rounds: number; probes: number; commands: number },
  args: readonly string[],
): Promise<StepResults> {
  await openModelFolder(folder); // throws if the folder is not a model
  const described = await circumstances(args, folder);
  const timings: StepTiming[] = [];
  for (const threads of THREADS.filter((count) => count <= availableParallelism())) {
    say(`steps with ${threads} ${threads === 1 ? "thread" : "threads"}`);
    timings.push(await timeSteps(folder, threads, repeats.rounds));
  }
  say("segments");
  const segments = await timeSegments(
    folder,
    Math.min(availableParallelism(), THREADS.at(-1)!),
    repeats.rounds,
  );
  say("opening sessions");
  const sessions: StepResults["sessions"] = [];
  for (const name of SESSIONS)
    sessions.push({
      name,
      probes: await times(repeats.probes, () => probeSession(folder, name, probeSchema)),
    });
  say("from command to MP4");
  const command = await timeCommand(folder, repeats.commands);
  const results: StepResults = {
    kind: "step",
    circumstances: described,
    timings,
    segments,
    sessions,
    command,
  };
  await writeText(join(resultsFolder, "step.json"), `${JSON.stringify(results, null, 1)}\n`);
  return results;
}

/** Times rounds of one generation of ours and as many steps of PyTorch. Neither runs during the other. */
async function timeSteps(folder: string, threads: number, count: number): Promise<StepTiming> {
  const pipeline = await openPipeline(folder, { threads });
  // A second pipeline, so that neither has to reopen its sessions in every round.
  const unguided = await openPipeline(folder, { threads });
  const torch = await startTorch(new URL("./torch_step.py", import.meta.url), [
    "--model",
    folder,
    "--threads",
    String(threads),
  ]);
  if (typeof torch === "string") say(`PyTorch ${torch}`);
  try {
    const prompt = benchmarkPrompts(1)[0]!.text;
    const round = async (timed: Pipeline, guidance: { guidance_scale?: number } = {}) => {
      const asked = { prompt, seed: 0, steps: STEPS_PER_ROUND, cache: "static:2", ...guidance };
      const { trace, stepSeconds } = await timed.generate(resolveRequest(asked, timed));
      const of = (computed: boolean) =>
        median(stepSeconds.filter((_, step) => trace.schedule[step]!.computed === computed)) * 1000;
      return { computed: of(true), reused: of(false) };
    };
    const ours = () => round(pipeline);
    const alone = () => round(unguided, { guidance_scale: 1 });
    await ours(); // opens the sessions
    await alone();
    const rounds = await times(count, async () => ({
      ours: await ours(),
      alone: await alone(),
      torch: typeof torch === "string" ? null : await torchRound(torch),
    }));
    return {
      threads,
      computed: rounds.map((round) => round.ours.computed),
      reused: rounds.map((round) => round.ours.reused),
      unguided: {
        computed: rounds.map((round) => round.alone.computed),
        reused: rounds.map((round) => round.alone.reused),
      },
      torch:
        typeof torch === "string"
          ? torch
          : {
              version: torch.version,
              written: rounds.map((round) => round.torch!.written),
              fused: rounds.map((round) => round.torch!.fused),
            },
    };
  } finally {
    await pipeline.close();
    await unguided.close();
    if (typeof torch !== "string") await torch.close();
  }
}

async function torchRound(torch: TorchProcess): Promise<{ written: number; fused: number }> {
  const { written, fused } = torchTimesSchema.parse(await torch.ask(String(TORCH_STEPS_PER_ROUND)));
  return { written: median(written), fused: median(fused) };
}

/** Times the whole command in fresh processes, alternately with and without cache. */
async function timeCommand(folder: string, count: number): Promise<StepResults["command"]> {
  const { text, seed } = benchmarkPrompts(3).at(-1)!;
  const caches = ["fast", "off"];
  const scratch = await mkdtemp(join(tmpdir(), "adareel-bench-"));
  try {
    const rounds = await times(count, async () => {
      const seconds: number[] = [];
      for (const cache of caches) {
        const out = join(scratch, `${cache}.mp4`);
        const options = ["--out", out, "--seed", String(seed), "--cache", cache, "--model", folder];
        const began = performance.now();
        await generate([text, ...options]);
        seconds.push((performance.now() - began) / 1000);
        await stat(out);
      }
      return seconds;
    });
    const runs = caches.map((cache, index) => ({ cache, seconds: rounds.map((round) => round[index]!) }));
    return { prompt: text, runs };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * Runs `npm run generate`.
 *
 * @throws Error with the last message of the command
 */
async function generate(args: readonly string[]): Promise<void> {
  // npm passes its own path to scripts; Windows does not find it by name alone.
  const npm = process.env.npm_execpath;
  const [program, ...first] = npm ? [process.execPath, npm] : ["npm"];
  const words = [...first, "run", "--silent", "generate", "--", ...args];
  await run(program!, words, { cwd: repository }).catch((cause: { stderr?: string; message: string }) => {
    const said = cause.stderr?.trim().split("\n").at(-1) || cause.message;
    throw new Error(`npm run generate failed: ${said}`, { cause });
  });
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}
