import { findModel } from "../../lib/generation/pipeline/index.ts";
import { type Program, subcommand } from "../../lib/shared/command-line/index.ts";
import { userPath } from "./options.ts";

const model = {
  value: "MODEL",
  text: "name of a model in models/, or its folder",
  default: "demo",
  read: (text: string) => findModel(text, userPath(".")),
} as const;
const quick = { text: "measures less, and writes the report to out/bench instead of docs" } as const;
const from = { value: "FILE", text: "writes the report from the measurements in FILE" } as const;

/** Command line of the benchmarks. A benchmark's modules are loaded when it is run. */
export const BENCH: Program = {
  name: "npm run bench --",
  notes: "A complete run writes its section of docs/benchmarks.md.",
  commands: {
    policies: subcommand({
      text: "compares published caching policies with the product's own on the same videos",
      positionals: [],
      options: {
        model,
        prompts: { value: "FILE", text: "JSON list of prompts to evaluate, for another model" },
        calibration: {
          value: "FILE",
          text: "JSON list of prompts that calibrate rivals, none of them evaluated",
        },
        steps: { value: "LIST", text: "numbers of denoising steps, such as 20,50; default 30,20,50,100" },
        only: {
          value: "NAMES",
          text: "measures these policies again, and keeps the earlier results of the others",
        },
        resume: { text: "goes on with earlier results, and measures only what they lack" },
        threads: { value: "N", text: "number of CPU threads of each graph; default 1" },
        workers: { value: "N", text: "number of processes that measure side by side; default 1" },
        clock: {
          value: "NAME",
          text: "wall, or cpu where other programs disturb the machine; default wall",
        },
        yardstick: { value: "NAME", text: "policy and setting that the others are compared with" },
        quick,
        from,
      },
      example: "--quick --only EasyCache",
      notes: "Measurements are kept in out/bench/policies.json.",
      run: async (given) => (await import("./policies/policies.ts")).runPolicies(given),
    }),
    pictures: subcommand({
      text: "draws the same videos without cache and under each policy, in less than a minute",
      positionals: [],
      options: {
        model,
        quick: { text: "writes picture and report to out/bench instead of docs" },
      },
      example: "--quick",
      run: async (given) => (await import("./pictures/pictures.ts")).runPictures(given),
    }),
    promises: subcommand({
      text: "checks how often promises are kept on prompts that no table has seen, and what they cost",
      positionals: [],
      options: { count: { value: "N", text: "number of prompts" }, quick, from },
      example: "--quick",
      run: async (given) => (await import("./promises/promises.ts")).runPromises(given),
    }),
    precision: subcommand({
      text: "compares every cache level in int8 and in float32 with the same videos in float32 without cache",
      positionals: [],
      options: {
        model,
        prompts: { value: "FILE", text: "JSON list of prompts, for another model" },
        precision: { value: "NAME", text: "precision that is compared with float32; default int8" },
        count: { value: "N", text: "number of prompts" },
        resume: { text: "goes on with earlier results, and measures only the prompts that they lack" },
        quick,
        from,
      },
      example: "--quick",
      notes: "Measurements are kept in out/bench/precision.json.",
      run: async (given) => (await import("./precision/precision.ts")).runPrecision(given),
    }),
    previews: subcommand({
      text: "measures what a preview costs, how early it shows the video, and its bytes",
      positionals: [],
      options: { quick, from },
      example: "--quick",
      notes: "Measurements are kept in out/bench/previews.json.",
      run: async (given) => (await import("./previews/previews.ts")).runPreviews(given),
    }),
    step: subcommand({
      text: "times computed and reused steps, sessions, PyTorch if it is installed, and the whole command",
      positionals: [],
      options: { model, quick, from },
      example: "--quick",
      run: async (given) => (await import("./step/step.ts")).runStep(given),
    }),
    model: subcommand({
      text: "compares steps of the published architectures with PyTorch, and opens them at full size",
      positionals: [],
      options: {
        threads: { value: "LIST", text: "numbers of CPU threads; default 1,2" },
        only: {
          value: "NAMES",
          text: "measures these models again, and keeps the earlier results of the others",
        },
        parts: {
          value: "LIST",
          text: "some of steps, others (text encoders, decoders) and sizes; default all",
        },
        quick,
        from,
      },
      example: '--quick --threads 2 --only "demo model,wan2.1 1.3b" --parts steps',
      run: async (given) => (await import("./model/model.ts")).runModel(given),
    }),
    api: subcommand({
      text: "measures requests per second, the time to the worker's start, and memory",
      positionals: [],
      options: {
        against: {
          value: "FOLDER",
          text: "checkout of another commit, with its packages, to take turns with",
        },
        quick,
        from,
      },
      example: "--quick",
      run: async (given) => (await import("./api/api.ts")).runApi(given),
    }),
    workers: subcommand({
      text: "measures workers that pull jobs: jobs a second, requests, and the time to a start",
      positionals: [],
      options: {
        store: { value: "s3://BUCKET/PREFIX", text: "empty place in a bucket; default a simulated store" },
      },
      example: "--store s3://bench/one",
      notes:
        "The model only waits, so this measures the store and the search for work. With --store it only prints a table.",
      run: async ({ values: { store } }) =>
        store
          ? (await import("./workers/workers.ts")).runWorkers(store)
          : (await import("./workers/simulated.ts")).runSimulated(),
    }),
    prompts: subcommand({
      text: "checks whether the demo model follows prompts that were held out of training",
      positionals: [],
      options: {
        model,
        count: { value: "N", text: "number of prompts, from the first; default all" },
        steps: { value: "N", text: "denoising steps; default that of the model" },
        guidance: { value: "X", text: "guidance scale; default that of the model" },
        cache: { value: "POLICY", text: "cache policy", default: "off" },
        json: { value: "FILE", text: "file for the scores as JSON" },
        "contact-sheet": { value: "FILE", text: "file for a picture of the videos" },
      },
      example: "--count 8 --contact-sheet out/prompts.png",
      run: async ({ values }) => (await import("./prompts/prompts.ts")).runPromptCheck(values),
    }),
  },
};
