import { basename, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { modelFingerprint, openModelFolder } from "../../lib/checkpoint/index.ts";
import { isModelName, type ModelCard, modelCards, uploadModel } from "../../lib/model-store/index.ts";
import { describeModel } from "../../lib/pipeline/index.ts";
import { type FileUploads, openFileUploads } from "../../lib/storage/index.ts";
import { gigabytes, type UploadDisplay, uploadBar, uploadLines } from "./upload-progress.ts";

/** `npm run models`: the models of a deployment are put into its bucket, and listed. */

const USAGE = `usage: npm run models -- push FOLDER [--as NAME] [--store s3://BUCKET]
       npm run models -- list [--store s3://BUCKET]

  push   stores the model in FOLDER, which has the layout of Hugging Face, under its folder's name or NAME;
         run again, it goes on where it ended
  list   name, bytes and fingerprint of each model

The bucket is that of a deployment; left out, it is the one that STORE names.
`;

class UsageError extends Error {
  override readonly name = "UsageError";
}

interface Options {
  readonly as?: string | undefined;
}

interface Command {
  readonly wordCount: number;
  readonly run: (uploads: FileUploads, words: string[], options: Options) => Promise<void>;
}

const COMMANDS = new Map<string, Command>([
  ["push", { wordCount: 1, run: push }],
  ["list", { wordCount: 0, run: list }],
]);

const stop = new AbortController();

async function main(): Promise<void> {
  const { values, positionals } = parse(process.argv.slice(2));
  const [name = "", ...words] = positionals;
  if (values.help) return void process.stdout.write(USAGE);
  const command = COMMANDS.get(name);
  if (!command) throw new UsageError(`Say ${[...COMMANDS.keys()].join(" or ")}.\n${USAGE}`);
  if (words.length !== command.wordCount) throw new UsageError(USAGE);
  await command.run(await openBucket(values.store ?? process.env.STORE ?? ""), words, values);
}

async function push(uploads: FileUploads, [folder]: string[], options: Options): Promise<void> {
  const forgetSignals = onStopSignals();
  const display = uploadDisplay();
  try {
    display.say("checking the model");
    const path = resolve(process.env.INIT_CWD ?? process.cwd(), folder!);
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

async function list({ store }: FileUploads): Promise<void> {
  for (const { name, bytes, fingerprint } of await modelCards(store))
    process.stdout.write(`${[name, bytes, fingerprint].join("\t")}\n`);
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

function uploadDisplay(): UploadDisplay {
  const write = (text: string) => void process.stderr.write(text);
  return process.stderr.isTTY ? uploadBar(write, performance) : uploadLines(write);
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
  process.exitCode = error instanceof UsageError || error instanceof RangeError ? 2 : 1;
});
