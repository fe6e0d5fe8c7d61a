import type { X509Certificate } from "node:crypto";
import { type DerValue, der, derValues, isOid, isYes } from "./der.ts";

/** Identifiers of extensions, purposes and algorithms of certificates. */
export const OID = {
  commonName: "2.5.4.3",
  organization: "2.5.4.10",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  basicConstraints: "2.5.29.19",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  emailProtection: "1.3.6.1.5.5.7.3.4",
  documentSigning: "1.3.6.1.5.5.7.3.36",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
} as const;

const SHA1_SIGNATURES = [
  "1.2.840.113549.1.1.5",
  "1.2.840.10045.4.1",
  "1.3.14.3.2.29",
  "1.2.840.113549.1.1.4",
];

const DIGITAL_SIGNATURE = 0x80;

/** Facts about a certificate that Node does not tell. */
export interface Extensions {
  /** True if its basic constraints say CA:TRUE; Node looks at the key usage, too. */
  readonly isAuthority: boolean;
  readonly mayDigitallySign: boolean;
  readonly hasAuthorityKeyIdentifier: boolean;
  /** True if its own signature uses SHA-1 or MD5. */
  readonly isSignedWeakly: boolean;
}

/** Reads extensions of a certificate (RFC 5280, 4.1). */
export function extensionsOf({ raw }: X509Certificate): Extensions {
  const [signed, algorithm] = derValues(derValues(raw)[0]!.content);
  const last = derValues(signed!.content).find(({ tag }) => tag === 0xa3);
  const list = last ? derValues(derValues(last.content)[0]!.content) : [];
  const extensions = list.map(({ content }) => derValues(content));
  const find = (oid: string) => extensions.find(([name]) => isOid(name!, oid))?.at(-1);
  const usage = find(OID.keyUsage);
  const constraints = find(OID.basicConstraints);
  return {
    isAuthority: constraints !== undefined && isYes(derValues(derValues(constraints.content)[0]!.content)[0]),
    mayDigitallySign: usage !== undefined && (firstBits(usage) & DIGITAL_SIGNATURE) !== 0,
    hasAuthorityKeyIdentifier: find(OID.authorityKeyIdentifier) !== undefined,
    isSignedWeakly: SHA1_SIGNATURES.some((oid) => isOid(derValues(algorithm!.content)[0]!, oid)),
  };
}

function firstBits({ content }: DerValue): number {
  return derValues(content)[0]?.content[1] ?? 0;
}

/** Writes an extension. */
export function extension(oid: string, content: Uint8Array, { isCritical = false } = {}): Buffer {
  return der.sequence(der.oid(oid), ...(isCritical ? [der.yes()] : []), der.octets(content));
}
