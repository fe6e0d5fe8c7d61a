import { readFileSync } from "node:fs";
import { convertModel } from "../../../lib/generation/checkpoint/index.ts";

/** Child process that converts a model, and sends its peak memory in MiB to the parent. */

const [folder, out] = process.argv.slice(2);
await convertModel({ folder: folder!, out: out!, dtype: "float16" });
const [, peakKiB] = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))!;
process.send!(Number(peakKiB) / 1024);
