import { RequestError } from "../../lib/generation/request/index.ts";
import { runMain, runProgram } from "../../lib/shared/command-line/index.ts";
import { MODELS } from "./models-program.ts";

await runMain(() => runProgram(MODELS, process.argv.slice(2)), { usageErrors: [RequestError, RangeError] });
