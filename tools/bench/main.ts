/** `npm run bench -- <benchmark> [options]`: measures, and writes a section of docs/benchmarks.md. */
import { runMain, runProgram } from "../../lib/shared/command-line/index.ts";
import { BENCH } from "./program.ts";

await runMain(() => runProgram(BENCH, process.argv.slice(2)));
