import { basename, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { recipeNames } from "../../lib/distribution/hub/index.ts";
import {
  isModelName,
  type ModelCard,
  modelCards,
  uploadModel,
} from "../../lib/distribution/model-store/index.ts";
import { modelFingerprint, openModelFolder } from "../../lib/generation/checkpoint/index.ts";
import { describeModel } from "../../lib/generation/pipeline/index.ts";
import { RequestError } from "../../lib/generation/request/index.ts";
import { type FileUploads, openFileUploads } from "../../lib/service/storage/index.ts";
import { UsageError } from "./args.ts";
import { type CalibrateOptions, calibrate } from "./calibrate.ts";
import { add, check, convert, type LocalCommand, type LocalOptions, listLocal } from "./local-models.ts";
import { gigabytes, type TransferDisplay, transferBar, transferLines } from "./transfer-progress.ts";

/** `npm run models`: models are made and checked on this machine, and put into the bucket of a deployment. */

const USAGE = `usage: npm run models -- add MODEL [--revision REVISION] [--into FOLDER]
       npm run models -- check FOLDER [--memory GIB]
       npm run models -- convert FOLDER --dtype TYPE [--out FOLDER]
       npm run models -- calibrate FOLDER [--steps N] [--speedup X | --error E] [--prompts FILE] [--out FILE]
       npm run models -- push FOLDER [--as NAME] [--store s3://BUCKET]
       npm run models -- list [--store s3://BUCKET]

  add      downloads MODEL from the Hugging Face hub into models/, or copies it from a folder: an id such as
           Wan-AI/Wan2.1-T2V-1.3B-Diffusers, or a name:
           ${recipeNames.join(", ")};
           run again, it goes on where it ended; HF_TOKEN opens what is not public
  check    reads configurations and headers, and tells what is wrong, and what memory each size of video needs;
           ends with 1 if the model cannot run in this machine's memory, or in GIB
  convert  writes the model again with its weights as float16, bfloat16 or float32, into FOLDER-TYPE
  calibrate  computes all steps of a few prompts (FILE: a JSON list of them), and prints a codebook for
             generate --cache FILE.json that computes one of X steps, or whose weighted error is E on average
  push     stores the model in FOLDER, which has the layout of Hugging Face, under its folder's name or NAME;
           run again, it goes on where it ended
  list     name, bytes and fingerprint of each model of a bucket; without one, the models in models/

The bucket is that of a deployment; left out, it is the one that STORE names.
`;

type Options = LocalOptions &
  CalibrateOptions & { readonly as?: string | undefined; readonly store?: string | undefined };

interface Command {
  readonly wordCount: number;
  readonly run: (words: string[], options: Options) => Promise<void>;
}

const COMMANDS = new Map<string, Command>([
  ["add", { wordCount: 1, run: ([model], options) => add(model!, options, stoppable(local())) }],
  ["check", { wordCount: 1, run: checkFolder }],
  ["calibrate", { wordCount: 1, run: ([folder], options) => calibrate(folder!, options, local()) }],
  ["convert", { wordCount: 1, run: ([folder], options) => convert(folder!, options, stoppable(local())) }],
  ["push", { wordCount: 1, run: push }],
  ["list", { wordCount: 0, run: list }],
]);

const stop = new AbortController();

async function main(): Promise<void> {
  const { values, positionals } = parse(process.argv.slice(2));
  const [name = "", ...words] = positionals;
  if (values.help) return void process.stdout.write(USAGE);
  const command = COMMANDS.get(name);
  if (!command) throw new UsageError(`Say ${alternatives([...COMMANDS.keys()])}.\n${USAGE}`);
  if (words.length !== command.wordCount) throw new UsageError(USAGE);
  await command.run(words, values);
}

/** Such as `a, b or c`. */
function alternatives(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

function place(path: string): string {
  return resolve(process.env.INIT_CWD ?? process.cwd(), path);
}

function local(): LocalCommand {
  return {
    place,
    display: transferDisplay(),
    env: process.env,
    print: (text) => void process.stdout.write(text),
  };
}

/** The same command, which Ctrl-C and a polite kill end at once: whatever is not whole has another name. */
function stoppable(command: LocalCommand): LocalCommand {
  for (const name of ["SIGINT", "SIGTERM"]) {
    process.once(name, () => {
      command.display.clear();
      process.stderr.write("Stopped: what is done is kept; the same command goes on from there.\n");
      process.exit(1);
    });
  }
  return command;
}

async function checkFolder([folder]: string[], options: Options): Promise<void> {
  if (!(await check(folder!, options, local()))) process.exitCode = 1;
}

async function push([folder]: string[], options: Options): Promise<void> {
  const uploads = await openBucket(bucketOf(options));
  const forgetSignals = onStopSignals();
  const display = transferDisplay();
  try {
    display.say("checking the model");
    const path = place(folder!);
    const model = await readModel(path, options.as ?? basename(path));
    const { signal } = stop;
    const uploaded = await uploadModel({ folder: path, model, uploads, signal, onProgress: display.show });
    display.clear();
    if (!uploaded.ok) throw new UsageError(takenName(model.name));
    for (const { path, sizeBytes } of uploaded.foreign)
      process.stderr.write(`Left out, since it is never read: ${path}, ${gigabytes(sizeBytes)}.\n`);
    const { card, sentBytes } = uploaded;
    const sent = `${gigabytes(sentBytes)} of ${gigabytes(card.bytes)} had to be sent`;
    process.stderr.write(`The store has the model ${card.name}; ${sent}.\n`);
  } finally {
    display.clear();
    forgetSignals();
  }
}

/** What of a model can be known without opening a session. */
async function readModel(folder: string, name: string): Promise<Omit<ModelCard, "bytes">> {
  const { limits } = await describeModel(folder);
  if (!isModelName(name)) {
    const rule = "has up to 63 lower-case letters, digits and . _ -, and begins with a letter or digit";
    throw new UsageError(`${JSON.stringify(name)} cannot name a model, whose name ${rule}: say --as NAME.`);
  }
  const model = await openModelFolder(folder);
  for (const part of ["tokenizer", "scheduler"]) model.part(part);
  for (const part of ["text_encoder", "transformer", "vae"]) await model.part(part).checkpoint();
  return { name, limits, fingerprint: await modelFingerprint(folder) };
}

function takenName(name: string): string {
  const other = `${name.slice(0, 60)}-2`;
  return `The store has another model under the name ${name}, and instances that run must not see their weights \
change: push this one under another name, such as --as ${other}, and deploy that with -c model=${other}.`;
}

async function list(_: string[], options: Options): Promise<void> {
  if (bucketOf(options) === "") return listLocal(local());
  const { store } = await openBucket(bucketOf(options));
  for (const { name, bytes, fingerprint } of await modelCards(store))
    process.stdout.write(`${[name, bytes, fingerprint].join("\t")}\n`);
}

function bucketOf({ store }: Options): string {
  return store ?? process.env.STORE ?? "";
}

function openBucket(url: string): Promise<FileUploads> {
  if (url === "") throw new UsageError("Say which bucket: --store s3://BUCKET, or STORE in the environment.");
  // A service on one machine reads models where they lie, and looks for none in its store.
  if (!/^s3:/i.test(url))
    throw new UsageError(
      `${JSON.stringify(url)} is no bucket: say s3://BUCKET; npm start reads models from the folders in MODELS.`,
    );
  return openFileUploads(url, {
    sleep: (durationMs) => sleep(durationMs, undefined, { signal: stop.signal }),
  });
}

function transferDisplay(): TransferDisplay {
  const write = (text: string) => void process.stderr.write(text);
  return process.stderr.isTTY ? transferBar(write, performance) : transferLines(write);
}

/** Ctrl-C and a polite kill end the upload, and asked twice the process; returns how to stop listening. */
function onStopSignals(): () => void {
  const onSignal = () => (stop.signal.aborted ? process.exit(1) : stop.abort());
  for (const name of ["SIGINT", "SIGTERM"]) process.on(name, onSignal);
  return () => {
    for (const name of ["SIGINT", "SIGTERM"]) process.off(name, onSignal);
  };
}

function parse(args: string[]) {
  const options = {
    revision: { type: "string" },
    into: { type: "string" },
    memory: { type: "string" },
    dtype: { type: "string" },
    out: { type: "string" },
    steps: { type: "string" },
    speedup: { type: "string" },
    error: { type: "string" },
    prompts: { type: "string" },
    as: { type: "string" },
    store: { type: "string" },
    help: { type: "boolean", short: "h" },
  } as const;
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (cause) {
    throw new UsageError(`${(cause as Error).message.split(". ")[0]}.\n${USAGE}`, { cause });
  }
}

/** One sentence on stderr; 2 for a command that has to be put otherwise, 1 for everything else. */
main().catch((error: Error) => {
  const message = stop.signal.aborted
    ? "Stopped: what was sent is kept; the same command goes on from there."
    : error.message.trimEnd();
  process.stderr.write(`${message}\n`);
  const isPutWrongly = [UsageError, RequestError, RangeError].some((kind) => error instanceof kind);
  process.exitCode = isPutWrongly ? 2 : 1;
});
