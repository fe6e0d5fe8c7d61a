import { basename, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  isModelName,
  type ModelCard,
  modelCards,
  uploadModel,
} from "../../lib/distribution/model-store/index.ts";
import { modelFingerprint, openModelFolder } from "../../lib/generation/checkpoint/index.ts";
import { publishedModels } from "../../lib/generation/models/index.ts";
import { describeModel, findModel } from "../../lib/generation/pipeline/index.ts";
import { type FileUploads, openFileUploads } from "../../lib/service/storage/index.ts";
import { type Program, subcommand, UsageError } from "../../lib/shared/command-line/index.ts";
import { calibrate } from "./calibrate.ts";
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
import { store } from "./store-option.ts";
import { gigabytes, type TransferDisplay, transferBar, transferLines } from "./transfer-progress.ts";

/** `npm run models`: downloads, checks and converts models, and stores them in the bucket of a deployment. */

const MODEL = {
  name: "MODEL",
  text: "name of a model in models/, or folder of a model in the Hugging Face layout",
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
      },
      example: "latte-1",
      notes: `The names, with the estimated sizes of the downloads: ${sizes()}. Any other model of these families has
        an id, such as Wan-AI/Wan2.1-T2V-1.3B-Diffusers. The same command continues an interrupted download. Models that are not public need HF_TOKEN in the environment.`,
      run: ({ words, values }) => add(words[0], values, stoppable(local())),
    }),
    check: subcommand({
      text: "reads configurations and headers; reports faults, and the memory that each size of video needs",
      positionals: [MODEL],
      options: {
        memory: { value: "GIB", text: "memory to fit into; by default this machine's" },
      },
      example: "demo --memory 24",
      notes: "The exit code is 1 if the model cannot run in this machine's memory, or in GIB.",
      run: ({ words, values }) => checkFolder(find(words[0]), values),
    }),
    calibrate: subcommand({
      text: "computes all steps of a few prompts, and prints a codebook for generate --cache FILE.json",
      positionals: [MODEL],
      options: {
        steps: { value: "N", text: "denoising steps; by default the model's own number" },
        speedup: { value: "X", text: "target: one of X steps is computed; 2 without --error" },
        error: { value: "E", text: "target: average weighted error, instead of --speedup" },
        prompts: { value: "FILE", text: "a JSON list of prompts" },
        out: { value: "FILE", text: "file to write; by default the codebook is printed" },
      },
      example: "demo --speedup 2.5 --out codebook.json",
      run: ({ words, values }) => calibrate(find(words[0]), values, local()),
    }),
    convert: subcommand({
      text: "writes a copy of the model with its weights in another precision",
      positionals: [MODEL],
      options: {
        dtype: { value: "TYPE", text: `${DTYPE_NAMES}; it has to be given`, read: dtypeOf },
        out: {
          value: "FOLDER",
          text: "folder to write; by default that of the model, with the type in its name",
        },
      },
      example: "demo --dtype float32 --out demo-float32",
      run: ({ words, values }) => convert(find(words[0]), values, stoppable(local())),
    }),
    push: subcommand({
      text: "stores the model in a deployment's bucket, under its folder's name or NAME",
      positionals: [MODEL],
      options: { as: { value: "NAME", text: "the model's name in the deployment" }, store },
      example: "demo --store s3://adareel-123456789012",
      notes: "The same command continues an upload that was interrupted.",
      run: ({ words, values }) => push(find(words[0]), values),
    }),
    list: subcommand({
      text: "prints name, bytes and fingerprint of each model of a bucket; without one, the models in models/",
      positionals: [],
      options: { store },
      example: "",
      run: ({ values }) => list(values),
    }),
  },
};

const stop = new AbortController();

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

interface BucketOptions {
  readonly as?: string | undefined;
  readonly store?: string | undefined;
}

async function push(path: string, options: BucketOptions): Promise<void> {
  const uploads = await openBucket(bucketOf(options));
  const forgetSignals = onStopSignals();
  const display = transferDisplay();
  try {
    display.say("checking the model");
    const model = await readModel(path, options.as ?? basename(path));
    const { signal } = stop;
    const uploaded = await uploadModel({ folder: path, model, uploads, signal, onProgress: display.show });
    display.clear();
    if (!uploaded.ok) throw new UsageError(takenName(model.name));
    for (const { path, sizeBytes } of uploaded.foreign)
      process.stderr.write(`Skipped ${path} (${gigabytes(sizeBytes)}): no part of the model reads it.\n`);
    const { card, sentBytes } = uploaded;
    const sent = `${gigabytes(sentBytes)} of ${gigabytes(card.bytes)} had to be sent`;
    process.stderr.write(`The store has the model ${card.name}; ${sent}.\n`);
  } catch (cause) {
    if (!stop.signal.aborted) throw cause;
    throw new Error("Stopped: what was sent is kept; run the same command again to continue.", { cause });
  } finally {
    display.clear();
    forgetSignals();
  }
}

/** Returns the model card of a folder without its size. It opens no session. */
async function readModel(folder: string, name: string): Promise<Omit<ModelCard, "bytes">> {
  const { limits } = await describeModel(folder);
  if (!isModelName(name)) {
    const rule = "has up to 63 lower-case letters, digits and . _ -, and begins with a letter or digit";
    throw new UsageError(
      `${JSON.stringify(name)} is not a valid name: the name of a model ${rule}; give another with --as NAME.`,
    );
  }
  const model = await openModelFolder(folder);
  for (const part of ["tokenizer", "scheduler"]) model.part(part);
  for (const part of ["text_encoder", "transformer", "vae"]) await model.part(part).checkpoint();
  return { name, limits, fingerprint: await modelFingerprint(folder) };
}

function takenName(name: string): string {
  const other = `${name.slice(0, 60)}-2`;
  return `The store has another model under the name ${name}, and the weights of running instances must not \
change: push this one under another name, such as --as ${other}, and deploy that with -c model=${other}.`;
}

async function list(options: BucketOptions): Promise<void> {
  if (bucketOf(options) === "") return listLocal(local());
  const { store } = await openBucket(bucketOf(options));
  for (const { name, bytes, fingerprint } of await modelCards(store))
    process.stdout.write(`${[name, bytes, fingerprint].join("\t")}\n`);
}

function bucketOf({ store }: BucketOptions): string {
  return store ?? process.env.STORE ?? "";
}

function openBucket(url: string): Promise<FileUploads> {
  if (url === "") throw new UsageError("Name the bucket: --store s3://BUCKET, or STORE in the environment.");
  // A service on one machine reads models from their folders, and none from its store.
  if (!/^s3:/i.test(url))
    throw new UsageError(
      `${JSON.stringify(url)} is not a bucket: write s3://BUCKET; npm start reads models from the folders in MODELS.`,
    );
  return openFileUploads(url, {
    sleep: (durationMs) => sleep(durationMs, undefined, { signal: stop.signal }),
  });
}

function transferDisplay(): TransferDisplay {
  const write = (text: string) => void process.stderr.write(text);
  return process.stderr.isTTY ? transferBar(write, performance) : transferLines(write);
}

/** Ends the upload on SIGINT (Ctrl-C) or SIGTERM, and the process on a second one; returns a function to undo this. */
function onStopSignals(): () => void {
  const onSignal = () => (stop.signal.aborted ? process.exit(1) : stop.abort());
  for (const name of ["SIGINT", "SIGTERM"]) process.on(name, onSignal);
  return () => {
    for (const name of ["SIGINT", "SIGTERM"]) process.off(name, onSignal);
  };
}
