import { isOfModels, type Mark } from "../mark/packet.ts";
import type { Credentials } from "./credentials.ts";
import type { Outcome, Verification } from "./verify.ts";

/**
 * Returns what a check found, in plain sentences: first whether the file holds, then what it says about itself.
 */
export function verificationLines(verification: Verification): string[] {
  const { outcome, credentials, mark, missing } = verification;
  const verdict = [...VERDICTS[outcome](credentials), ...(credentials ? signerLines(credentials) : [])];
  return [
    ...verdict,
    ...(credentials ? claimLines(credentials) : []),
    ...(mark ? [markLine(mark)] : []),
    ...(missing === null ? [] : [`Not checked: ${missing}`]),
  ];
}

type Verdict = (credentials: Credentials | null) => string[];

const VERDICTS: Readonly<Record<Outcome, Verdict>> = {
  trusted: () => ["Holds: the file is as it was signed, and its signer is trusted."],
  unvouched: () => ["Holds: the file is as it was signed. Nobody you trust vouches for its signer."],
  expired: () => [
    "The signer's certificate is over: every part of the file is as it was signed, but without a time stamp nobody can " +
      "tell whether that was in time.",
  ],
  changed: (credentials) => [
    "Changed: the file is not as it was signed, so nothing that it says can be relied on.",
    ...failureLine(credentials),
  ],
  invalid: (credentials) => [
    "Not valid: the Content Credentials of the file break the rules of C2PA.",
    ...failureLine(credentials),
  ],
  unchecked: () => ["The file has Content Credentials, which cannot be checked here."],
  marked: () => [
    "No Content Credentials. The file is marked as made by a model, which anybody could have written or taken out.",
  ],
  unmarked: () => [
    "No Content Credentials, and no mark of a model. That proves nothing: many programs take both out of a file.",
  ],
};

function failureLine(credentials: Credentials | null): string[] {
  const found = credentials?.failures.filter((code) => code !== "signingCredential.untrusted") ?? [];
  return found.length === 0 ? [] : [`Found: ${shown(found.join(", "))}.`];
}

function signerLines({ signer }: Credentials): string[] {
  const { name, organization, isDevelopment, signedAt } = signer;
  const of = organization && organization !== name ? ` (${shown(organization)})` : "";
  return [
    isDevelopment
      ? "Signed with a development certificate, which a deployment makes for itself: it names nobody."
      : `Signed by ${shown(name)}${of}.`,
    signedAt === null ? "No time stamp says when." : `Signed at ${shown(signedAt)}.`,
  ];
}

function claimLines({ tool, sourceType, ingredients, receipt }: Credentials): string[] {
  return [
    ...(tool === null ? [] : [`It says: made with ${shown(tool)}.`]),
    ...(sourceType === null ? [] : [`It says: ${sourceWords(sourceType)}`]),
    ...(ingredients.length === 0 ? [] : [`It says: made from ${ingredients.map(shown).join(" and ")}.`]),
    ...(receipt ? receiptLines(receipt) : []),
  ];
}

function markLine({ sourceType, system, systemVersion, tool }: Mark): string {
  const by = system === null ? tool : [system, systemVersion].filter(Boolean).join(", version ");
  return `Its IPTC mark says: ${sourceWords(sourceType).slice(0, -1)}${by === null ? "" : `, by ${shown(by)}`}.`;
}

function sourceWords(sourceType: string): string {
  return isOfModels(sourceType)
    ? "made by a generative model."
    : `its digital source type is ${shown(sourceType)}.`;
}

/** Says the facts of a receipt of ours. A file of another tool may have anything in their place. */
function receiptLines(receipt: Readonly<Record<string, unknown>>): string[] {
  const { model, seed, settings, steps, cache, unsigned_sha256: unsigned } = receipt;
  const facts = [
    `model ${shown(model)}`,
    `seed ${shown(seed)}`,
    ...settingFacts(settings),
    ...(isRecord(steps) ? [`${shown(steps.computed)} of ${shown(steps.requested)} steps computed`] : []),
    ...(isRecord(cache) ? [`cache ${shown(cache.policy)}`] : []),
  ];
  return [
    `Its receipt says: ${facts.join(", ")}.`,
    ...(typeof unsigned === "string" ? [`SHA-256 before signing: ${shown(unsigned)}.`] : []),
  ];
}

function settingFacts(settings: unknown): string[] {
  if (!isRecord(settings)) return [];
  const { width, height, frames, fps, guidance_scale: guidance } = settings;
  return [
    ...(width === undefined ? [] : [`${shown(width)}x${shown(height)}`]),
    ...(frames === undefined ? [] : [`${shown(frames)} frames at ${shown(fps)} fps`]),
    ...(guidance === undefined ? [] : [`guidance ${shown(guidance)}`]),
  ];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const SHOWN_CHARACTERS_MAX = 100;

/** Shows a value of a file that anybody may have written, on one line. */
function shown(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "unknown");
  return text.replaceAll(/[\p{C}\s]+/gu, " ").slice(0, SHOWN_CHARACTERS_MAX);
}
