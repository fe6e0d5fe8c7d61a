import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  isModelName,
  type ModelCard,
  modelCards,
  uploadModel,
} from "../../lib/distribution/model-store/index.ts";
import { modelFingerprint, openModelFolder } from "../../lib/generation/checkpoint/index.ts";
import { describeModel } from "../../lib/generation/pipeline/index.ts";
import { type FileUploads, openFileUploads } from "../../lib/service/storage/index.ts";
import { UsageError } from "../../lib/shared/command-line/index.ts";
import { onStopSignals } from "./stop-signals.ts";
import { gigabytes, transferDisplay } from "./transfer-progress.ts";

/** Commands of `npm run models` that work on the bucket of a deployment. */

const stop = new AbortController();

export interface BucketOptions {
  readonly as?: string | undefined;
  readonly store?: string | undefined;
}

/** Stores a model in a bucket. The same call continues an upload that was interrupted. @throws UsageError */
export async function push(path: string, options: BucketOptions): Promise<void> {
  const uploads = await openBucket(bucketOf(options));
  // The first signal ends the upload, a second one the process.
  const forgetSignals = onStopSignals(() => (stop.signal.aborted ? process.exit(1) : stop.abort()));
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

/** Prints name, bytes and fingerprint of each model of a bucket. */
export async function listBucket(url: string): Promise<void> {
  const { store } = await openBucket(url);
  for (const { name, bytes, fingerprint } of await modelCards(store))
    process.stdout.write(`${[name, bytes, fingerprint].join("\t")}\n`);
}

/** Returns the URL of the bucket; an empty text if none is named. */
export function bucketOf({ store }: BucketOptions): string {
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
