import { createHash, type KeyObject, randomBytes, sign } from "node:crypto";
import { der } from "./der.ts";
import { extension, OID } from "./extensions.ts";

/** Holder of a certificate: names and a public key. */
export interface Holder {
  readonly name: string;
  readonly publicKey: KeyObject;
}

/** Holder that issues certificates, with a P-256 key. */
export interface Issuer extends Holder {
  readonly privateKey: KeyObject;
}

export interface Content {
  readonly subject: Holder;
  readonly issuer: Issuer;
  /** Extensions besides the identifiers of both keys. */
  readonly extensions: readonly Uint8Array[];
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly until: number;
}

const ORGANIZATION = "Adareel";

/** Makes a certificate of version 3 (RFC 5280, 4.1), in PEM. */
export function writeCertificate({ subject, issuer, extensions, from, until }: Content): string {
  const algorithm = der.sequence(der.oid(OID.ecdsaWithSha256));
  const signed = der.sequence(
    der.tagged(0, der.integer(Buffer.from([2]))),
    der.integer(serial()),
    algorithm,
    nameOf(issuer),
    der.sequence(der.time(from), der.time(until)),
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
  return pem(der.sequence(signed, algorithm, der.bits(sign("sha256", signed, issuer.privateKey))));
}

/** Draws a serial number that is positive, and as short in DER as it is. */
function serial(): Buffer {
  const number = randomBytes(16);
  number[0] = (number[0]! & 0x7f) | 0x40;
  return number;
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
