import { generateKeyPairSync } from "node:crypto";
import { der } from "./der.ts";
import { extension, OID } from "./extensions.ts";
import { type Holder, writeCertificate } from "./write.ts";

/** Name of the signer in a certificate that a deployment makes for itself. */
export const DEVELOPMENT_NAME = "Development only: nobody vouches for this signer";
const ROOT_NAME = "Adareel development root";

const LIFETIME_MS = 10 * 365.25 * 24 * 3_600_000;
/** Time before its making from which a certificate is valid, for machines whose clocks go behind. */
const AHEAD_MS = 3_600_000;

/** Certificate chain and private key, in PEM. */
export interface KeyPair {
  /** Leaf first. */
  readonly certificate: string;
  readonly key: string;
}

/**
 * Makes a certificate for development: a root of its own, whose key nobody keeps, and a leaf for ten years (P-256). It
 * proves that a file is as it was signed, and nothing about who signed it.
 *
 * @param now milliseconds since 1970
 */
export function makeDevelopmentCertificate(now: number): KeyPair {
  const issuer = { name: ROOT_NAME, ...generateKeyPairSync("ec", { namedCurve: "P-256" }) };
  const leaf = { name: DEVELOPMENT_NAME, ...generateKeyPairSync("ec", { namedCurve: "P-256" }) };
  const write = (subject: Holder, extensions: readonly Uint8Array[]) =>
    writeCertificate({ subject, issuer, extensions, from: now - AHEAD_MS, until: now + LIFETIME_MS });
  const certificate = write(leaf, [NO_AUTHORITY, MAY_SIGN, PURPOSE]) + write(issuer, [AUTHORITY, MAY_ISSUE]);
  return { certificate, key: leaf.privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
}

const NO_AUTHORITY = extension(OID.basicConstraints, der.sequence(), { isCritical: true });
const MAY_SIGN = extension(OID.keyUsage, der.bits(Buffer.from([0x80]), 7), { isCritical: true });
/** The only purpose that all readers take: to c2pa-rs 0.91.3, a certificate for documents alone is not valid. */
const PURPOSE = extension(OID.extendedKeyUsage, der.sequence(der.oid(OID.emailProtection)));
const AUTHORITY = extension(OID.basicConstraints, der.sequence(der.yes()), { isCritical: true });
/** Usages keyCertSign and cRLSign. */
const MAY_ISSUE = extension(OID.keyUsage, der.bits(Buffer.from([0x06]), 1), { isCritical: true });
