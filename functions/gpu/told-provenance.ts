import type { Sealed } from "../../lib/generation/provenance/index.ts";
import type { JobRecord, Receipt } from "../../lib/service/jobs/index.ts";

/** Returns the hashes of the pictures that a video was made of, by the fields that gave them. */
export function picturesOf({ inputs }: Pick<JobRecord, "inputs">): Record<string, string> {
  return Object.fromEntries(Object.entries(inputs).map(([name, { sha256 }]) => [name, sha256]));
}

/** Returns what a receipt says about the mark and the signature of a video. */
export function toldProvenance(sealed: Sealed): NonNullable<Receipt["provenance"]> {
  const { kind, signer, isDevelopment, unsignedSha256, note } = sealed;
  return { kind, signer, is_development: isDevelopment, unsigned_sha256: unsignedSha256, note };
}
