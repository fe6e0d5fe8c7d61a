import { runMain, runProgram } from "../../lib/shared/command-line/index.ts";
import { KEYS } from "./keys-program.ts";

await runMain(() => runProgram(KEYS, process.argv.slice(2)), { usageErrors: [RangeError] });
