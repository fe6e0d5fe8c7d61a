import {
  type GivenKeyPair,
  openDevelopmentCertificate,
  readKeyPair,
  signerOf,
} from "../../lib/generation/provenance/index.ts";
import type { Clock } from "../../lib/shared/ports.ts";
import type { LocalGpuVariables } from "../../lib/shared/variables.ts";
import type { LocalConfig } from "./config.ts";

/** Certificate of the service, for its GPU process. */
export interface LocalProvenance {
  readonly env: Partial<LocalGpuVariables>;
  /** Milliseconds since 1970 at which the certificate runs out; null if nothing is signed. */
  readonly endsAt: number | null;
}

/**
 * Chooses the certificate of a service on this machine: the given one, or else a development certificate, which the
 * first start makes in the data folder. It is checked here, where an error can be told. Workers
 * elsewhere have their own.
 *
 * @throws ProvenanceError in one sentence if it cannot sign
 */
export async function localProvenance(
  {
    provenance: { mode, given },
    dataFolder,
    workers,
  }: Pick<LocalConfig, "provenance" | "dataFolder" | "workers">,
  clock: Clock,
): Promise<LocalProvenance> {
  if (mode === "mark" || mode === "off" || workers === 0) return { env: { PROVENANCE: mode }, endsAt: null };
  const { certificate, key } = given ?? (await developmentFile(dataFolder, clock));
  return {
    env: { PROVENANCE: mode, PROVENANCE_CERTIFICATE: certificate, PROVENANCE_KEY: key },
    endsAt: signerOf(await readKeyPair({ certificate, key }), clock.now()).endsAt,
  };
}

/** Returns the development certificate of a data folder, a file that holds the key, too. */
async function developmentFile(folder: string, clock: Clock): Promise<GivenKeyPair> {
  const { path } = await openDevelopmentCertificate(folder, clock.now());
  return { certificate: path, key: path };
}
