import { generateKeyPairSync, type KeyPairKeyObjectResult } from "node:crypto";
import { der } from "../../../lib/generation/provenance/certificate/der.ts";
import type { KeyPair } from "../../../lib/generation/provenance/certificate/development.ts";
import { extension, OID } from "../../../lib/generation/provenance/certificate/extensions.ts";
import { type Issuer, writeCertificate } from "../../../lib/generation/provenance/certificate/write.ts";

const DAY_MS = 24 * 3_600_000;

export const p256 = () => generateKeyPairSync("ec", { namedCurve: "P-256" });

export interface Variation {
  readonly keys?: KeyPairKeyObjectResult;
  readonly from?: number;
  readonly until?: number;
  /** Extensions to leave out. */
  readonly without?: readonly string[];
  readonly isAuthority?: boolean;
  readonly purpose?: string;
}

/** Makes a chain of a root and a signer, with whatever a test wants to be wrong about the signer. */
export function makePair({
  keys = p256(),
  from = Date.now() - DAY_MS,
  until = Date.now() + 400 * DAY_MS,
  without = [],
  isAuthority = false,
  purpose = "1.3.6.1.5.5.7.3.4",
}: Variation = {}): KeyPair & { readonly leaf: string; readonly root: string } {
  const issuer: Issuer = { name: "Test root", ...p256() };
  const constraints = extension(OID.basicConstraints, der.sequence(...(isAuthority ? [der.yes()] : [])));
  const extensions = [
    [OID.basicConstraints, constraints],
    [OID.keyUsage, extension(OID.keyUsage, der.bits(Buffer.from([0x80]), 7))],
    [OID.extendedKeyUsage, extension(OID.extendedKeyUsage, der.sequence(der.oid(purpose)))],
  ] as const;
  const leaf = writeCertificate({
    subject: { name: "Test signer", publicKey: keys.publicKey },
    issuer,
    extensions: extensions.flatMap(([oid, bytes]) => (without.includes(oid) ? [] : [bytes])),
    from,
    until,
  });
  const root = writeCertificate({
    subject: issuer,
    issuer,
    extensions: [extension(OID.basicConstraints, der.sequence(der.yes()))],
    from: Date.now() - 4000 * DAY_MS,
    until: Date.now() + 4000 * DAY_MS,
  });
  const key = keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  return { certificate: leaf + root, leaf, root, key };
}
