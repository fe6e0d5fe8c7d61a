/** `npm run bench -- <benchmark> [options]`: measures, and writes a section of docs/benchmarks.md. */
import { RequestError } from "../../lib/generation/request/index.ts";
import { runMain, runProgram } from "../../lib/shared/command-line/index.ts";
import { BENCH } from "./program.ts";

await runMain(() => runProgram(BENCH, process.argv.slice(2)), { usageErrors: [RequestError] });
