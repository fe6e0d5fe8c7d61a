import { createRequire } from "node:module";
import { resolve } from "node:path";
import { hashWeights } from "../../lib/generation/checkpoint/index.ts";
import { precisionOf } from "../../lib/generation/models/index.ts";
import type { Precision, Provider } from "../../lib/generation/onnx/index.ts";
import type { Generation } from "../../lib/generation/pipeline/index.ts";
import {
  claimsOf,
  givenKeyPair,
  openDevelopmentCertificate,
  openProvenance,
  readKeyPair,
  type Sealed,
  seal,
  signerOf,
} from "../../lib/generation/provenance/index.ts";
import { VERSION } from "../../lib/shared/version.ts";
import { hashFile } from "./hash-file.ts";

/** Marks the videos of a command, and signs them where it says so. */
export interface Sealing {
  /** Returns the bytes of the file, and what was done to them. */
  seal(
    bytes: Uint8Array,
    generation: Generation,
  ): Promise<{ readonly bytes: Uint8Array; readonly sealed: Sealed }>;
}

export interface SealingOptions {
  /** Folder of the model. */
  readonly model: string;
  readonly sign: boolean;
  readonly precision: Precision | null;
  /** Folder of the user, from which relative paths start. */
  readonly folder: string;
}

/**
 * Opens the sealing of a command. With `sign` it signs with the certificate that the environment names, or else with
 * the development certificate of the data folder, which the first use makes.
 *
 * @throws ProvenanceError in one sentence if the videos cannot be signed; ConfigError
 */
export async function openSealing(
  { model, sign, precision, folder }: SealingOptions,
  provider: Provider,
): Promise<Sealing> {
  const provenance = await openProvenance(sign ? "required" : "mark", () => signerIn(folder));
  const weights = sign ? await hashWeights(model) : {};
  return {
    async seal(bytes, generation) {
      const { image, lastImage } = generation.request;
      const claims = sign
        ? claimsOf(generation, {
            provider,
            precision: precisionOf({ provider, ...(precision !== null && { precision }) }),
            weights,
            versions: { adareel: VERSION, node: process.versions.node, "onnxruntime-node": RUNTIME },
            pictures: {
              ...(image !== undefined && { image: await hashFile(image) }),
              ...(lastImage !== undefined && { last_image: await hashFile(lastImage) }),
            },
          })
        : { receipt: {}, pictures: {} };
      const { bytes: whole, ...sealed } = await seal(bytes, {
        provenance,
        model: generation.trace.model,
        claims,
      });
      return { bytes: whole, sealed };
    },
  };
}

const RUNTIME: string = createRequire(import.meta.url)("onnxruntime-node/package.json").version;

async function signerIn(folder: string) {
  const { PROVENANCE_CERTIFICATE: certificate, PROVENANCE_KEY: key, DATA_DIR } = process.env;
  const given = givenKeyPair(placed(certificate, folder), placed(key, folder));
  const now = Date.now();
  if (given) return signerOf(await readKeyPair(given), now);
  return signerOf(await openDevelopmentCertificate(resolve(folder, DATA_DIR || "data"), now), now);
}

/** Returns PEM text as it is, the path of a PEM file as an absolute one, and nothing for an empty variable. */
function placed(given: string | undefined, folder: string): string | undefined {
  if (!given) return undefined;
  return given.includes("-----BEGIN") ? given : resolve(folder, given);
}
