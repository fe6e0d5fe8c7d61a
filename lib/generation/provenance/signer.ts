import { constants, sign } from "node:crypto";
import type { CallbackSigner } from "@contentauth/c2pa-node";
import { type Algorithm, type Checked, checkKeyPair, nameOf } from "./certificate/check.ts";
import { DEVELOPMENT_NAME, type KeyPair } from "./certificate/development.ts";

/** Signs Content Credentials with one certificate. */
export interface Signer {
  /** Name of the certificate's holder. */
  readonly name: string;
  /** True for a certificate that the deployment made for itself, so that nobody vouches for the name. */
  readonly isDevelopment: boolean;
  /** Milliseconds since 1970 at which the first certificate of the chain runs out. */
  readonly endsAt: number;
  /** Signer for the library, which never sees the private key. */
  readonly callback: (kind: typeof CallbackSigner) => CallbackSigner;
}

/** Bytes of a signature's box besides the certificates: the signature, its headers, and room to spare. */
const OVERHEAD_BYTES = 1200;

const HASHES: Readonly<Record<Algorithm, string | null>> = {
  es256: "sha256",
  es384: "sha384",
  es512: "sha512",
  ps256: "sha256",
  ed25519: null,
};

/**
 * Makes the signer of a certificate and its key.
 *
 * @throws ProvenanceError in one sentence if they cannot sign
 */
export function signerOf(pair: KeyPair, now: number): Signer {
  const checked = checkKeyPair(pair, now);
  const { chain, algorithm } = checked;
  const certs = chain.map((certificate) => Buffer.from(certificate.toString()));
  const reserveSize = OVERHEAD_BYTES + chain.reduce((sum, { raw }) => sum + raw.length, 0);
  const config = { alg: algorithm, certs, reserveSize, directCoseHandling: false };
  return {
    name: nameOf(chain[0]!),
    isDevelopment: nameOf(chain[0]!) === DEVELOPMENT_NAME,
    endsAt: Math.min(...chain.map(({ validTo }) => Date.parse(validTo))),
    callback: (kind) => kind.newSigner(config, async (bytes) => signature(bytes, checked)),
  };
}

function signature(bytes: Uint8Array, { key, algorithm }: Checked): Buffer {
  if (algorithm === "ps256") {
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    return sign("sha256", bytes, { key, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST });
  }
  return sign(HASHES[algorithm], bytes, { key, dsaEncoding: "ieee-p1363" });
}
