/** `npm run bench -- <benchmark> [options]`: measures, and writes a section of docs/benchmarks.md. */
import { UsageError } from "./usage-error.ts";

const benchmarks: Readonly<Record<string, (args: string[]) => Promise<void>>> = {
  quality: async (args) => (await import("./quality/quality.ts")).runQuality(args),
  step: async (args) => (await import("./step/step.ts")).runStep(args),
  model: async (args) => (await import("./model/model.ts")).runModel(args),
  api: async (args) => (await import("./api/api.ts")).runApi(args),
  prompts: async (args) => (await import("./prompts/prompts.ts")).runPromptCheck(args),
};

const [name, ...args] = process.argv.slice(2);
const benchmark = name !== undefined && Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined;
const known = Object.keys(benchmarks).join(", ");
try {
  if (!benchmark) {
    const given = name === undefined ? "The benchmark's name is missing" : `There is no benchmark ${name}`;
    throw new UsageError(`${given}: choose one of ${known}, as in npm run bench -- quality.`);
  }
  await benchmark(args);
} catch (error) {
  const { message } = error as Error;
  // An error of parseArgs has several sentences; the first says what is wrong.
  const isArgument = (error as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS") ?? false;
  process.stderr.write(`${isArgument ? `${message.split(". ")[0]}.` : message}\n`);
  process.exitCode = isArgument || error instanceof UsageError ? 2 : 1;
}
