/** `npm run bench -- <benchmark> [options]`: measures, and writes a section of docs/benchmarks.md. */
import { type Program, runMain, runProgram, subcommand } from "../../lib/shared/command-line/index.ts";

const model = { value: "FOLDER", text: "model to measure; default models/demo" } as const;
const quick = { text: "measures less, and writes the report to out/bench instead of docs" } as const;
const from = { value: "FILE", text: "writes the report from the measurements in FILE" } as const;

/** Command line of the benchmarks. A benchmark's modules are loaded when it is run. */
const PROGRAM: Program = {
  name: "npm run bench --",
  notes: "A complete run writes its section of docs/benchmarks.md.",
  commands: {
    quality: subcommand({
      text: "compares videos with and without cache: PSNR, SSIM and speedup",
      positionals: [],
      options: { model, prompts: { value: "N", text: "number of prompts" }, quick, from },
      run: async (given) => (await import("./quality/quality.ts")).runQuality(given),
    }),
    pictures: subcommand({
      text: "draws the same videos without cache and under each policy, in less than a minute",
      positionals: [],
      options: {
        model,
        quick: { text: "writes picture and report to out/bench instead of docs" },
      },
      run: async (given) => (await import("./quality/pictures.ts")).runPictures(given),
    }),
    step: subcommand({
      text: "times computed and reused steps, sessions, PyTorch if it is installed, and the whole command",
      positionals: [],
      options: { model, quick, from },
      run: async (given) => (await import("./step/step.ts")).runStep(given),
    }),
    model: subcommand({
      text: "compares steps of the published architectures with PyTorch, and opens them at full size",
      positionals: [],
      options: { threads: { value: "N", text: "number of CPU threads; default one per core" }, quick, from },
      run: async (given) => (await import("./model/model.ts")).runModel(given),
    }),
    api: subcommand({
      text: "measures requests per second, the time to the worker's start, and memory",
      positionals: [],
      options: { quick, from },
      run: async (given) => (await import("./api/api.ts")).runApi(given),
    }),
    prompts: subcommand({
      text: "checks whether the demo model follows prompts that were held out of training",
      positionals: [],
      options: {
        model: { value: "FOLDER", text: "model to check", default: "models/demo" },
        count: { value: "N", text: "number of prompts, from the first; default all" },
        steps: { value: "N", text: "denoising steps; default that of the model" },
        guidance: { value: "X", text: "guidance scale; default that of the model" },
        cache: { value: "POLICY", text: "cache policy", default: "off" },
        json: { value: "FILE", text: "file for the scores as JSON" },
        "contact-sheet": { value: "FILE", text: "file for a picture of the videos" },
      },
      run: async ({ values }) => (await import("./prompts/prompts.ts")).runPromptCheck(values),
    }),
  },
};

await runMain(() => runProgram(PROGRAM, process.argv.slice(2)));
