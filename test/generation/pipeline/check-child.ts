import { readFileSync } from "node:fs";
import { checkModel } from "../../../lib/generation/pipeline/index.ts";

/** Child process that checks a model, and sends the faults and its peak memory in MiB to the parent. */

const { faults, parts } = await checkModel(process.argv[2]!);
const [, peakKiB] = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))!;
const parameters = Object.fromEntries(parts.map((part) => [part.name, part.parameters]));
process.send!({ faults, parameters, peakMiB: Number(peakKiB) / 1024 });
