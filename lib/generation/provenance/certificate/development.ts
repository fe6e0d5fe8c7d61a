import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { der } from "./der.ts";
import { extension, OID } from "./extensions.ts";

/** Name of the signer in a certificate that a deployment makes for itself. */
export const DEVELOPMENT_NAME = "Development only: nobody vouches for this signer";
const ROOT_NAME = "Adareel development root";
const ORGANIZATION = "Adareel";

const LIFETIME_MS = 10 * 365.25 * 24 * 3_600_000;
/** Time before its making from which a certificate is valid, for machines whose clocks go behind. */
const AHEAD_MS = 3_600_000;

/** Certificate chain and private key, in PEM. */
export interface KeyPair {
  /** Leaf first. */
  readonly certificate: string;
  readonly key: string;
}

interface Holder {
  readonly name: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/**
 * Makes a certificate for development: a root of its own, whose key nobody keeps, and a leaf for ten years (P-256). It
 * proves that a file is as it was signed, and nothing about who signed it.
 *
 * @param now milliseconds since 1970
 */
export function makeDevelopmentCertificate(now: number): KeyPair {
  const root = { name: ROOT_NAME, ...generateKeyPairSync("ec", { namedCurve: "P-256" }) };
  const leaf = { name: DEVELOPMENT_NAME, ...generateKeyPairSync("ec", { namedCurve: "P-256" }) };
  const make = (subject: Holder, extensions: readonly Buffer[]) =>
    certificateOf({ subject, issuer: root, extensions, now, serial: randomBytes(16) });
  const chain = [
    make(leaf, [
      extension(OID.basicConstraints, der.sequence(), { isCritical: true }),
      extension(OID.keyUsage, der.bits(Buffer.from([0x80]), 7), { isCritical: true }),
      extension(OID.extendedKeyUsage, der.sequence(der.oid(OID.documentSigning))),
    ]),
    make(root, [
      extension(OID.basicConstraints, der.sequence(der.yes()), { isCritical: true }),
      // keyCertSign and cRLSign.
      extension(OID.keyUsage, der.bits(Buffer.from([0x06]), 1), { isCritical: true }),
    ]),
  ];
  return {
    certificate: chain.map(pem).join(""),
    key: leaf.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

interface Content {
  readonly subject: Holder;
  readonly issuer: Holder;
  readonly extensions: readonly Buffer[];
  readonly now: number;
  readonly serial: Uint8Array;
}

/** Makes a certificate of version 3 (RFC 5280, 4.1). */
function certificateOf({ subject, issuer, extensions, now, serial }: Content): Buffer {
  const algorithm = der.sequence(der.oid(OID.ecdsaWithSha256));
  // The first bit is clear and the first byte is not 0, so that the number is positive and as short as it can be.
  const number = Buffer.from(serial);
  number[0] = (number[0]! & 0x7f) | 0x40;
  const signed = der.sequence(
    der.tagged(0, der.integer(Buffer.from([2]))),
    der.integer(number),
    algorithm,
    nameOf(issuer),
    der.sequence(der.time(now - AHEAD_MS), der.time(now + LIFETIME_MS)),
    nameOf(subject),
    publicKeyOf(subject),
    der.tagged(
      3,
      der.sequence(
        ...extensions,
        extension(OID.subjectKeyIdentifier, der.octets(identifierOf(subject))),
        extension(OID.authorityKeyIdentifier, der.sequence(der.implicit(0, identifierOf(issuer)))),
      ),
    ),
  );
  return der.sequence(signed, algorithm, der.bits(sign("sha256", signed, issuer.privateKey)));
}

function nameOf({ name }: Holder): Buffer {
  const part = (oid: string, text: string) => der.set(der.sequence(der.oid(oid), der.utf8(text)));
  return der.sequence(part(OID.organization, ORGANIZATION), part(OID.commonName, name));
}

function publicKeyOf({ publicKey }: Holder): Buffer {
  return publicKey.export({ type: "spki", format: "der" });
}

/** Returns the identifier of a key, which only has to be the same wherever the key is named. */
function identifierOf(holder: Holder): Buffer {
  return createHash("sha256").update(publicKeyOf(holder)).digest().subarray(0, 20);
}

function pem(certificate: Buffer): string {
  const lines = certificate.toString("base64").match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
