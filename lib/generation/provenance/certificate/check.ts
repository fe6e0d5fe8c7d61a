import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { ProvenanceError } from "../provenance-error.ts";
import type { KeyPair } from "./development.ts";
import { extensionsOf, OID } from "./extensions.ts";

/** Signature algorithm of Content Credentials. */
export type Algorithm = "es256" | "es384" | "es512" | "ed25519" | "ps256";

/** Certificate chain and key that can sign. */
export interface Checked {
  /** Leaf first. */
  readonly chain: readonly X509Certificate[];
  readonly key: KeyObject;
  readonly algorithm: Algorithm;
}

const PURPOSES = [
  OID.emailProtection,
  OID.documentSigning,
  "1.3.6.1.4.1.62558.2.1", // C2PA's own
];

const CURVES: Readonly<Record<string, Algorithm>> = {
  prime256v1: "es256",
  secp384r1: "es384",
  secp521r1: "es512",
};

const RSA_BITS_MIN = 2048;
/** Private key in a file that may hold certificates, too. */
const KEY_BLOCK = /-----BEGIN ([A-Z ]*)PRIVATE KEY-----[^-]+-----END \1PRIVATE KEY-----/;
const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/**
 * Checks a certificate chain and its key before they sign anything, since the library that signs tells little of what
 * it refuses, and accepts a key of another certificate.
 *
 * @param now milliseconds since 1970
 * @throws ProvenanceError in one sentence that says what to change
 */
export function checkKeyPair({ certificate, key }: KeyPair, now: number): Checked {
  const chain = chainOf(certificate);
  const leaf = chain[0]!;
  checkOrder(chain);
  for (const each of chain.filter((other) => other.subject !== other.issuer)) checkStrength(each);
  checkLeaf(leaf);
  for (const each of chain) checkTimes(each, now);
  const privateKey = keyOf(key);
  if (!leaf.checkPrivateKey(privateKey)) {
    throw new ProvenanceError(
      `The private key is not that of the certificate ${nameOf(leaf)}: give the two that belong together.`,
    );
  }
  return { chain, key: privateKey, algorithm: algorithmOf(privateKey) };
}

/** Returns the common name of a certificate's holder, or all of its name where it has none. */
export function nameOf({ subject }: X509Certificate): string {
  return /^CN=(.+)$/m.exec(subject)?.[1] ?? subject.replaceAll("\n", ", ");
}

function chainOf(pem: string): X509Certificate[] {
  const blocks = pem.match(BLOCK);
  if (!blocks) {
    throw new ProvenanceError("The certificate is not PEM: it has no -----BEGIN CERTIFICATE----- block.");
  }
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw new ProvenanceError(`Certificate ${index + 1} of the chain is damaged: it cannot be read.`, {
        cause,
      });
    }
  });
}

function keyOf(pem: string): KeyObject {
  if (/ENCRYPTED/.test(pem)) {
    throw new ProvenanceError("The private key is encrypted: give one without a passphrase.");
  }
  try {
    return createPrivateKey(KEY_BLOCK.exec(pem)?.[0] ?? pem);
  } catch (cause) {
    throw new ProvenanceError("The private key cannot be read: give it in PEM, as PKCS#8.", { cause });
  }
}

function checkOrder(chain: readonly X509Certificate[]): void {
  for (const [index, certificate] of chain.slice(0, -1).entries()) {
    const issuer = chain[index + 1]!;
    if (certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)) continue;
    throw new ProvenanceError(
      `The chain is out of order: ${nameOf(issuer)} did not issue ${nameOf(certificate)}; ` +
        "begin with the signer's certificate, and let each issuer follow.",
    );
  }
}

function checkLeaf(leaf: X509Certificate): void {
  const name = nameOf(leaf);
  const { isAuthority, mayDigitallySign, hasAuthorityKeyIdentifier } = extensionsOf(leaf);
  if (isAuthority) {
    throw new ProvenanceError(
      `The first certificate, ${name}, is that of an authority: sign with one that it issued, which has CA:FALSE.`,
    );
  }
  // To readers, the signature of a holder without an organization does not hold.
  if (!/^O=./m.test(leaf.subject)) {
    throw new ProvenanceError(`The certificate ${name} names no organization (O), which readers ask for.`);
  }
  if (!mayDigitallySign) {
    throw new ProvenanceError(`The certificate ${name} lacks the key usage digitalSignature.`);
  }
  // Node calls the extended key usage by the name of the simple one.
  if (!leaf.keyUsage?.some((purpose) => PURPOSES.includes(purpose))) {
    throw new ProvenanceError(
      `The certificate ${name} lacks the extended key usage documentSigning or emailProtection.`,
    );
  }
  if (!hasAuthorityKeyIdentifier) {
    throw new ProvenanceError(`The certificate ${name} lacks the authority key identifier of its issuer.`);
  }
}

function checkTimes(certificate: X509Certificate, now: number): void {
  const name = nameOf(certificate);
  if (now < Date.parse(certificate.validFrom)) {
    throw new ProvenanceError(`The certificate ${name} is not valid before ${dayOf(certificate.validFrom)}.`);
  }
  if (now > Date.parse(certificate.validTo)) {
    throw new ProvenanceError(`The certificate ${name} ran out on ${dayOf(certificate.validTo)}.`);
  }
}

function checkStrength(certificate: X509Certificate): void {
  if (!extensionsOf(certificate).isSignedWeakly) return;
  throw new ProvenanceError(
    `The certificate ${nameOf(certificate)} is signed with SHA-1 or MD5: use SHA-256.`,
  );
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): Algorithm {
  const { namedCurve = "", modulusLength = 0 } = asymmetricKeyDetails ?? {};
  const curve = CURVES[namedCurve];
  if (asymmetricKeyType === "ec" && curve) return curve;
  if (asymmetricKeyType === "ed25519") return "ed25519";
  const isRsa = asymmetricKeyType === "rsa" || asymmetricKeyType === "rsa-pss";
  if (isRsa && modulusLength >= RSA_BITS_MIN) return "ps256";
  const shown = isRsa ? `RSA of ${modulusLength} bits` : namedCurve || asymmetricKeyType;
  throw new ProvenanceError(
    `Content Credentials cannot be signed with ${shown}: use P-256, P-384, P-521, Ed25519 or RSA of at least ` +
      `${RSA_BITS_MIN} bits.`,
  );
}

/** Returns the day of a time, such as 2026-11-30. */
export function dayOf(time: string | number): string {
  return new Date(time).toISOString().slice(0, 10);
}
