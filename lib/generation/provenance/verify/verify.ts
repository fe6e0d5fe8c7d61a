import { reasonOf } from "../../../shared/reason-of.ts";
import { type Kind, kindOf, markOf } from "../mark/mark.ts";
import { boxesOf } from "../mark/mp4.ts";
import { isOfModels, type Mark } from "../mark/packet.ts";
import { hasCredentialsChunk } from "../mark/webp.ts";
import { loadNative } from "../native.ts";
import { ProvenanceError } from "../provenance-error.ts";
import { type Source, sourceOf, withFile } from "../source.ts";
import { type Asset, type Credentials, readCredentials } from "./credentials.ts";

/** Result of a check, in a word. */
export type Outcome = Credentials["state"] | "unchecked" | "marked" | "unmarked";

/** Claims of a file about its origin, and whether they hold. */
export interface Verification {
  readonly outcome: Outcome;
  readonly kind: Kind;
  /** Null if the file has none, or they cannot be read here. */
  readonly credentials: Credentials | null;
  /** IPTC metadata, which anybody may write; null without them. */
  readonly mark: Mark | null;
  /** Sentence that says why Content Credentials cannot be checked here; null if they can. */
  readonly missing: string | null;
}

export interface VerifyOptions {
  /** Certificates in PEM whose signers are trusted. */
  readonly roots?: string | null;
}

/**
 * Checks a file.
 *
 * @throws ProvenanceError in one sentence if it cannot be read, or is no video that can be checked
 */
export async function verifyFile(path: string, options: VerifyOptions = {}): Promise<Verification> {
  try {
    return await withFile(path, (source) => verify(source, { path }, options));
  } catch (cause) {
    if (cause instanceof ProvenanceError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new ProvenanceError(`The file cannot be read: ${REASONS[code ?? ""] ?? message}.`, { cause });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "you may not read it",
  EISDIR: "it is a folder",
};

/** Checks bytes, as `verifyFile` checks a file. */
export async function verifyBytes(bytes: Uint8Array, options: VerifyOptions = {}): Promise<Verification> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return verify(sourceOf(bytes), { buffer }, options);
}

async function verify(source: Source, asset: Asset, { roots = null }: VerifyOptions): Promise<Verification> {
  if (source.size === 0) throw new ProvenanceError("The file is empty.");
  const kind = await kindOf(source);
  if (kind === null) throw new ProvenanceError("The file is neither an MP4 nor a WebP.");
  const mark = await markOf(source);
  const { library, missing } = await loadNative();
  if (missing !== null) {
    const outcome = (await hasCredentials(source, kind)) ? "unchecked" : outcomeOf(mark);
    return { outcome, kind, credentials: null, mark, missing };
  }
  try {
    const credentials = await readCredentials(asset, { kind, library, roots });
    return { outcome: credentials?.state ?? outcomeOf(mark), kind, credentials, mark, missing };
  } catch (cause) {
    if (!(await isWhole(source, kind))) {
      throw new ProvenanceError("The file is damaged: it ends before its parts do.", { cause });
    }
    throw new ProvenanceError(`The file cannot be checked (${reasonOf(cause)}).`, { cause });
  }
}

function outcomeOf(mark: Mark | null): Outcome {
  return mark && isOfModels(mark.sourceType) ? "marked" : "unmarked";
}

/** Identifier of the `uuid` box that holds Content Credentials (C2PA specification 2.2, A.3). */
const C2PA_UUID = Buffer.from("d8fec3d61b0e483c92975828877ec481", "hex");

async function hasCredentials(source: Source, kind: Kind): Promise<boolean> {
  if (kind === "image/webp") return hasCredentialsChunk(source);
  for await (const { type, at, header } of boxesOf(source)) {
    if (type === "uuid" && C2PA_UUID.equals(await source.read(at + header, C2PA_UUID.length))) return true;
  }
  return false;
}

async function isWhole(source: Source, kind: Kind): Promise<boolean> {
  if (kind === "image/webp") return (await source.read(4, 4)).length === 4;
  let end = 0;
  for await (const { at, size } of boxesOf(source)) end = at + size;
  return end === source.size;
}
