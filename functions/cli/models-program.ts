import { resolve } from "node:path";
import { publishedModels } from "../../lib/generation/models/index.ts";
import { findModel } from "../../lib/generation/pipeline/index.ts";
import { type Program, subcommand, UsageError } from "../../lib/shared/command-line/index.ts";
import { type BucketOptions, bucketOf, listBucket, push } from "./bucket-models.ts";
import { calibrate } from "./calibrate.ts";
import { calibratePreview } from "./calibrate-preview.ts";
import { calibrateTable } from "./calibrate-table.ts";
import {
  add,
  check,
  convert,
  DTYPE_NAMES,
  dtypeOf,
  type LocalCommand,
  type LocalOptions,
  listLocal,
} from "./local-models.ts";
import { precisionOption } from "./precision-option.ts";
import { store } from "./store-option.ts";
import { transferDisplay } from "./transfer-progress.ts";

/** `npm run models`: downloads, checks and converts models, and stores them in the bucket of a deployment. */

const MODEL = {
  name: "MODEL",
  text: "name of a model in models/, or folder of a model in the Hugging Face layout",
} as const;

const variant = {
  value: "NAME",
  text: "variant of the weights, such as fp16; by default those without one, or the only one",
} as const;

export const MODELS: Program = {
  name: "npm run models --",
  notes: "--store names the bucket of a deployment; by default it is STORE of the environment.",
  commands: {
    add: subcommand({
      text: "downloads a model from the Hugging Face hub into models/, or copies it from a folder",
      positionals: [{ name: "MODEL", text: "name of a published model, id on the hub, or folder" }],
      options: {
        revision: { value: "REVISION", text: "branch, tag or commit of the hub" },
        into: { value: "FOLDER", text: "folder to write; by default models/ and the model's name" },
        variant,
      },
      example: "latte-1",
      notes: `The names, with the estimated sizes of the downloads: ${sizes()}. Any other model of these families has
        an id, such as Wan-AI/Wan2.1-T2V-1.3B-Diffusers. The same command continues an interrupted download. Models
        that are not public need HF_TOKEN in the environment.`,
      run: ({ words, values }) => add(words[0], values, stoppable(local())),
    }),
    check: subcommand({
      text: "reads configurations and headers; reports faults, and the memory that each size of video needs",
      positionals: [MODEL],
      options: {
        memory: { value: "GIB", text: "memory to fit into; by default this machine's" },
        variant,
      },
      example: "demo --memory 24",
      notes: "The exit code is 1 if the model cannot run in this machine's memory, or in GIB.",
      run: ({ words, values }) => checkFolder(find(words[0]), values),
    }),
    calibrate: subcommand({
      text: "measures a model with a few prompts: a codebook for generate --cache FILE.json, the table for promises, or the map for previews",
      positionals: [MODEL],
      options: {
        table: { text: "measures the table that promises in dB need, and writes it into the model's folder" },
        preview: { text: "fits the map that previews need, and writes it into the model's folder" },
        steps: {
          value: "N",
          text: "denoising steps, with --table also several such as 20,30,50; by default the model's own number",
        },
        speedup: { value: "X", text: "target: one of X steps is computed; 2 without --error" },
        error: { value: "E", text: "target: average weighted error, instead of --speedup" },
        prompts: { value: "FILE", text: "a JSON list of prompts" },
        precision: precisionOption,
        out: { value: "FILE", text: "file to write; by default the codebook is printed" },
      },
      example: "demo --speedup 2.5 --out codebook.json",
      notes: `A table takes about fifty generations for each prompt and number of steps. It holds for these weights, this
        precision and this sampler, and is refused for others. A map takes a video for each prompt, and holds for
        this autoencoder; the other calibrations make it too, of their own videos, where the folder has none.`,
      run: ({ words, values }) => calibration(values)(find(words[0]), values, local()),
    }),
    convert: subcommand({
      text: "writes a copy of the model in another precision, or its large layers in int8 beside its weights",
      positionals: [MODEL],
      options: {
        dtype: { value: "TYPE", text: `${DTYPE_NAMES}; it has to be given`, read: dtypeOf },
        out: {
          value: "FOLDER",
          text: "folder to write; by default that of the model, with the type in its name",
        },
        variant,
      },
      example: "demo --dtype float32 --out demo-float32",
      notes: `int8 adds a file to the folders of the transformers and of the text encoder, which the precision int8 takes
        the weights of their linear layers from. Large models need it for that precision.`,
      run: ({ words, values }) => convert(find(words[0]), values, stoppable(local())),
    }),
    push: subcommand({
      text: "stores the model in a deployment's bucket, under its folder's name or NAME",
      positionals: [MODEL],
      options: { as: { value: "NAME", text: "the model's name in the deployment" }, store },
      example: "demo --store s3://adareel-123456789012-us-east-1",
      notes: "The same command continues an upload that was interrupted.",
      run: ({ words, values }) => push(find(words[0]), values),
    }),
    list: subcommand({
      text: "prints name, bytes and fingerprint of each model of a bucket; without one, the models of this machine",
      positionals: [],
      options: { store },
      example: "",
      run: ({ values }) => list(values),
    }),
  },
};

/** @throws UsageError */
function calibration({ table, preview }: { readonly table: boolean; readonly preview: boolean }) {
  if (table && preview) throw new UsageError("Give --table or --preview: each measures something else.");
  if (table) return calibrateTable;
  return preview ? calibratePreview : calibrate;
}

const userFolder = process.env.INIT_CWD ?? process.cwd();

function place(path: string): string {
  return resolve(userFolder, path);
}

function find(model: string): string {
  return findModel(model, userFolder);
}

function sizes(): string {
  const named = publishedModels.flatMap(({ hub }) => hub ?? []);
  return named.map(({ name, gigabytes }) => `${name} (${gigabytes} GB)`).join(", ");
}

function local(): LocalCommand {
  return {
    place,
    display: transferDisplay(),
    env: process.env,
    print: (text) => void process.stdout.write(text),
  };
}

/**
 * Makes SIGINT (Ctrl-C) and SIGTERM end the process at once, and returns the command. This is safe, because incomplete
 * files have temporary names.
 */
function stoppable(command: LocalCommand): LocalCommand {
  for (const name of ["SIGINT", "SIGTERM"]) {
    process.once(name, () => {
      command.display.clear();
      process.stderr.write("Stopped: finished work is kept; run the same command again to continue.\n");
      process.exit(1);
    });
  }
  return command;
}

async function checkFolder(folder: string, options: LocalOptions): Promise<void> {
  if (!(await check(folder, options, local()))) process.exitCode = 1;
}

async function list(options: BucketOptions): Promise<void> {
  const url = bucketOf(options);
  await (url === "" ? listLocal(local()) : listBucket(url));
}
