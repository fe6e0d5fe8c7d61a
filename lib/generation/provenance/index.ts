export { dayOf } from "./certificate/check.ts";
export { DEVELOPMENT_NAME, type KeyPair, makeDevelopmentCertificate } from "./certificate/development.ts";
export { givenKeyPair } from "./certificate/given-key-pair.ts";
export { type GivenKeyPair, openDevelopmentCertificate, readKeyPair } from "./certificate/key-files.ts";
export { claimsOf } from "./claims.ts";
export { marked, markOf } from "./mark/mark.ts";
export {
  openProvenance,
  PROVENANCE_MODES,
  type Provenance,
  type ProvenanceMode,
  type Sealed,
  seal,
} from "./provenance.ts";
export { ProvenanceError } from "./provenance-error.ts";
export { type Signer, signerOf } from "./signer.ts";
export { verificationLines } from "./verify/sentences.ts";
export { type Verification, verifyBytes, verifyFile } from "./verify/verify.ts";
