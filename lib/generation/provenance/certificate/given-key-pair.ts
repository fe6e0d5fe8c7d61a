import { ConfigError } from "../../../shared/environment.ts";
import type { GivenKeyPair } from "./key-files.ts";

/**
 * Returns the certificate and the key that the environment gives; null if it gives neither.
 *
 * @throws ConfigError if it gives one of them
 */
export function givenKeyPair(certificate: string | undefined, key: string | undefined): GivenKeyPair | null {
  if (certificate !== undefined && key !== undefined) return { certificate, key };
  if (certificate === undefined && key === undefined) return null;
  const [given, missing] =
    certificate === undefined
      ? ["PROVENANCE_KEY", "PROVENANCE_CERTIFICATE"]
      : ["PROVENANCE_CERTIFICATE", "PROVENANCE_KEY"];
  throw new ConfigError(`${missing} is needed: ${given} is set, and the two belong together.`);
}
