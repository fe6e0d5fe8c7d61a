/**
 * Builds one graph of a model, opens a session, runs it once, and prints times and memory as JSON. It runs in its own
 * process, so that memory is that of one session: `node --expose-gc --import tsx session-probe.ts DIR
 * full|reuse|decoder|text THREADS OPTIONS`. `OPTIONS` is JSON (`ProbeOptions`).
 */
import { readFileSync } from "node:fs";
import { openModelFolder } from "../../../lib/generation/checkpoint/index.ts";
import { openSession, type Session, type Tensor } from "../../../lib/generation/onnx/index.ts";
import type { SessionName } from "../step/results.ts";
import { firstVideo, openPart } from "./part.ts";
import type { ProbeOptions } from "./session-process.ts";

const [folder, name, threads, options] = process.argv.slice(2);
const told = await probe(folder!, name as SessionName, Number(threads), JSON.parse(options!));
process.stdout.write(`${JSON.stringify(told)}\n`);
// Exits without waiting for the session's threads.
process.exit(0);

async function probe(
  folder: string,
  name: SessionName,
  threads: number,
  { video, precision, runs = true, ...mapping }: ProbeOptions,
): Promise<unknown> {
  const model = await openModelFolder(folder);
  const beforeWeights = performance.now();
  const { weights, build, feeds } = await openPart(model, name, video ?? firstVideo(model), precision);
  const weightsMs = performance.now() - beforeWeights;
  const beforeBuild = performance.now();
  const graph = build(mapping);
  const bytes = graph.build();
  const buildMs = performance.now() - beforeBuild;
  const before = residentBytes();
  const beforeOpen = performance.now();
  const session = await openSession(bytes, {
    threads,
    weightsFolder: weights.root,
    weightBytes: graph.weightBytes,
    ...mapping,
  });
  const openMs = performance.now() - beforeOpen;
  const opened = residentBytes();
  const runMs = runs ? await runOnce(session, feeds()) : null;
  const ran = residentBytes();
  const processorMs = runs ? await processorTime(session, feeds()) : null;
  return {
    weights: weightsMs,
    build: buildMs,
    open: openMs,
    run: runMs,
    processor: processorMs,
    graphBytes: bytes.length,
    weightBytes: graph.weightBytes,
    memory: before &&
      opened &&
      ran && {
        opened: added(before, opened),
        ran: added(before, ran),
        peak: ran.peak,
        before: before.anonymous + before.file,
      },
  };
}

async function runOnce(session: Session, feeds: Record<string, Tensor>): Promise<number> {
  const began = performance.now();
  await session.run(feeds);
  return performance.now() - began;
}

/** Milliseconds of the processor for a second run, which reads no weights from the disk and takes no new memory. */
async function processorTime(session: Session, feeds: Record<string, Tensor>): Promise<number> {
  const before = process.cpuUsage();
  await session.run(feeds);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Returns the resident bytes of this process: anonymous, mapped files, and the peak of both; null outside Linux. */
function residentBytes(): { anonymous: number; file: number; peak: number } | null {
  if (process.platform !== "linux") return null;
  global.gc?.();
  const status = readFileSync("/proc/self/status", "utf8");
  const bytes = (field: string) =>
    1024 * Number(new RegExp(`^${field}:\\s*(\\d+) kB`, "m").exec(status)?.[1]);
  return { anonymous: bytes("RssAnon"), file: bytes("RssFile"), peak: bytes("VmHWM") };
}

type Resident = Omit<NonNullable<ReturnType<typeof residentBytes>>, "peak">;

function added(from: Resident, to: Resident): Resident {
  return { anonymous: to.anonymous - from.anonymous, file: to.file - from.file };
}
