import { DEVELOPMENT_NAME } from "../certificate/development.ts";
import { RECEIPT_LABEL } from "../manifest.ts";
import type { Kind } from "../mark/mark.ts";
import type { Native } from "../native.ts";

/** Signer of Content Credentials, as its certificate names it. */
export interface SignedBy {
  readonly name: string;
  readonly organization: string | null;
  readonly isDevelopment: boolean;
  /** Time stamp of an authority; null without one, and then nobody can say when the file was signed. */
  readonly signedAt: string | null;
}

/** Content Credentials of a file, and what the library found wrong with them. */
export interface Credentials {
  readonly state: "trusted" | "unvouched" | "expired" | "changed" | "invalid";
  readonly signer: SignedBy;
  /** Program that made the claim, with its version. */
  readonly tool: string | null;
  /** Digital source type of the first action. */
  readonly sourceType: string | null;
  /** Titles of what the file was made of. */
  readonly ingredients: readonly string[];
  /** Receipt of a video of ours; null in files of other tools. */
  readonly receipt: Readonly<Record<string, unknown>> | null;
  /** Codes of the C2PA specification for what is wrong. */
  readonly failures: readonly string[];
}

const UNVOUCHED = /^(signingCredential\.untrusted|timeStamp\.)/;
const EXPIRED = /^(signingCredential\.expired|claimSignature\.outsideValidity)$/;
const CHANGED = /[mM]ismatch$|\.missing$/;

/** Place of the bytes of a file. */
export type Asset = { readonly path: string } | { readonly buffer: Buffer };

/**
 * Reads and checks the Content Credentials of a file. Returns null if it has none. Nothing is fetched.
 *
 * @param roots certificates in PEM whose signers are trusted
 * @throws Error of the library if the file cannot be read
 */
export async function readCredentials(
  asset: Asset,
  { kind, library, roots }: { kind: Kind; library: NonNullable<Native["library"]>; roots: string | null },
): Promise<Credentials | null> {
  const settings = {
    verify: { verify_trust: true, remote_manifest_fetch: false },
    ...(roots !== null && { trust: { user_anchors: roots } }),
  };
  const reader = await library.Reader.fromAsset({ ...asset, mimeType: kind }, settings);
  const store = reader?.json();
  const manifest = store?.active_manifest ? store.manifests?.[store.active_manifest] : undefined;
  if (!store || !manifest) return null;
  const codes = (store.validation_results?.activeManifest?.failure ?? []).map(
    ({ code }: { code: string }) => code,
  );
  const failures = [...new Set<string>(codes)];
  const assertion = (name: RegExp) =>
    manifest.assertions?.find(({ label }: { label: string }) => name.test(label))?.data as
      | Record<string, unknown>
      | undefined;
  const actions = assertion(/^c2pa\.actions(\.v\d+)?$/)?.actions as
    | { digitalSourceType?: string }[]
    | undefined;
  const { issuer = null, common_name: name, time = null } = manifest.signature_info ?? {};
  const [tool] = manifest.claim_generator_info ?? [];
  return {
    state: stateOf(failures, store.validation_state),
    signer: {
      name: name ?? issuer ?? "a signer without a name",
      organization: issuer,
      isDevelopment: name === DEVELOPMENT_NAME,
      signedAt: time,
    },
    tool: tool ? [tool.name, tool.version].filter(Boolean).join(" ") : (manifest.claim_generator ?? null),
    sourceType: actions?.[0]?.digitalSourceType ?? null,
    ingredients: (manifest.ingredients ?? []).map(
      ({ title }: { title?: string }) => title ?? "something without a title",
    ),
    receipt: assertion(new RegExp(`^${RECEIPT_LABEL.replaceAll(".", "\\.")}$`)) ?? null,
    failures,
  };
}

function stateOf(failures: readonly string[], told: string | undefined): Credentials["state"] {
  const serious = failures.filter((code) => !UNVOUCHED.test(code));
  if (serious.length === 0) return told === "Trusted" ? "trusted" : "unvouched";
  if (serious.every((code) => EXPIRED.test(code))) return "expired";
  return serious.some((code) => CHANGED.test(code)) ? "changed" : "invalid";
}
