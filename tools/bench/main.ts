/** `npm run bench -- <benchmark> [options]`: measures, and writes what it measured into docs/benchmarks.md. */
import { type Program, runMain, runProgram, subcommand } from "../../lib/shared/command-line/index.ts";

const model = { value: "FOLDER", text: "the measured model; otherwise models/demo" } as const;
const quick = { text: "measures less, and reports in out/bench rather than in docs" } as const;
const from = { value: "FILE", text: "reports earlier measurements again, those in FILE" } as const;

/** Each benchmark is loaded when it is run: none needs what the others measure. */
const PROGRAM: Program = {
  name: "npm run bench --",
  notes: "A whole run writes its section of docs/benchmarks.md.",
  commands: {
    quality: subcommand({
      text: "measures how far videos with a cache are from those without, and how much faster they are",
      positionals: [],
      options: { model, prompts: { value: "N", text: "how many prompts" }, quick, from },
      run: async (given) => (await import("./quality/quality.ts")).runQuality(given),
    }),
    step: subcommand({
      text: "measures the two kinds of step, the sessions, PyTorch where there is one, and the whole command",
      positionals: [],
      options: { model, quick, from },
      run: async (given) => (await import("./step/step.ts")).runStep(given),
    }),
    model: subcommand({
      text: "measures steps of the published architectures beside PyTorch, and what it takes to open them",
      positionals: [],
      options: { threads: { value: "N", text: "of the CPU; otherwise one a core" }, quick, from },
      run: async (given) => (await import("./model/model.ts")).runModel(given),
    }),
    api: subcommand({
      text: "measures requests a second, the time to the worker's start, and memory",
      positionals: [],
      options: { quick, from },
      run: async (given) => (await import("./api/api.ts")).runApi(given),
    }),
    prompts: subcommand({
      text: "checks whether the demo model follows prompts that it was never trained on",
      positionals: [],
      options: {
        model: { value: "FOLDER", text: "the checked model", default: "models/demo" },
        count: { value: "N", text: "how many prompts, from the first; otherwise all" },
        steps: { value: "N", text: "denoising steps; otherwise the model's own number" },
        guidance: { value: "X", text: "guidance scale; otherwise the model's own" },
        cache: { value: "POLICY", text: "cache policy", default: "off" },
        json: { value: "FILE", text: "where the scores go as JSON" },
        "contact-sheet": { value: "FILE", text: "where a picture of the videos goes" },
      },
      run: async ({ values }) => (await import("./prompts/prompts.ts")).runPromptCheck(values),
    }),
  },
};

await runMain(() => runProgram(PROGRAM, process.argv.slice(2)));
