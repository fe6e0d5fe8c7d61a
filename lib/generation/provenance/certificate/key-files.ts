import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ProvenanceError } from "../provenance-error.ts";
import { type KeyPair, makeDevelopmentCertificate } from "./development.ts";

/** Certificate and key as settings give them: PEM text, or the path of a PEM file. */
export interface GivenKeyPair {
  readonly certificate: string;
  readonly key: string;
}

const DEVELOPMENT_FILE = "development-certificate.pem";

/**
 * Returns the certificate and the key that settings give.
 *
 * @throws ProvenanceError if a file cannot be read
 */
export async function readKeyPair({ certificate, key }: GivenKeyPair): Promise<KeyPair> {
  return {
    certificate: await pemOf(certificate, "certificate"),
    key: await pemOf(key, "private key"),
  };
}

async function pemOf(given: string, what: string): Promise<string> {
  // Environments of some platforms hold no line breaks.
  if (given.includes("-----BEGIN")) return given.replaceAll("\\n", "\n");
  try {
    return await readFile(given, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : code;
    throw new ProvenanceError(`The ${what} ${given} cannot be read: ${why}.`, { cause });
  }
}

/**
 * Returns the development certificate of a folder with its key, which share a file, and the path of it. The first
 * call makes the file, which only its owner may read; concurrent processes get the same one.
 *
 * @throws ProvenanceError if the file cannot be made or read
 */
export async function openDevelopmentCertificate(
  folder: string,
  now: number,
): Promise<KeyPair & { path: string }> {
  const path = join(folder, DEVELOPMENT_FILE);
  try {
    await mkdir(folder, { recursive: true });
    const text = await readFile(path, "utf8").catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
      await create(path, makeDevelopmentCertificate(now));
      return readFile(path, "utf8");
    });
    return { certificate: text, key: text, path };
  } catch (cause) {
    throw new ProvenanceError(
      `The development certificate ${path} cannot be kept: ${(cause as Error).message}.`,
      {
        cause,
      },
    );
  }
}

/** Makes a file whole: a link fails if another process was first, whose file then stays. */
async function create(path: string, { certificate, key }: KeyPair): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await writeFile(temporary, `${certificate}${key}`, { mode: 0o600, flag: "wx" });
    await link(temporary, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  } finally {
    await rm(temporary, { force: true });
  }
}
