import * as z from "zod";
import {
  dayOf,
  type GivenKeyPair,
  type KeyPair,
  makeDevelopmentCertificate,
  openProvenance,
  type Provenance,
  ProvenanceError,
  type ProvenanceMode,
  readKeyPair,
  type Signer,
  signerOf,
} from "../../lib/generation/provenance/index.ts";
import type { Clock } from "../../lib/shared/ports.ts";
import type { Log } from "./log.ts";

export interface ProvenanceConfig {
  readonly mode: ProvenanceMode;
  /** Certificate and key of the environment; null if it has none. */
  readonly given: GivenKeyPair | null;
  /** Name of a secret with certificate and key; null without one. */
  readonly secretId: string | null;
}

export interface Surroundings {
  readonly clock: Clock;
  /** Reads a secret; by default from AWS Secrets Manager. */
  readonly readSecret?: (id: string) => Promise<string | undefined>;
}

/** Days before the end of a certificate at which a start warns of it. */
const WARNING_DAYS = 60;
const DAY_MS = 24 * 3_600_000;

const secretSchema = z.object({ certificate: z.string().min(1), key: z.string().min(1) });

/**
 * Opens what marks and signs the videos of this process.
 *
 * @throws ProvenanceError in one sentence if the certificate cannot be read, or cannot sign
 */
export async function openWorkerProvenance(
  { mode, given, secretId }: ProvenanceConfig,
  { clock, readSecret = readFromSecretsManager }: Surroundings,
): Promise<Provenance> {
  const pair = async () => {
    if (secretId !== null) return pairOf(secretId, await readSecret(secretId));
    // Nobody else has this certificate, so it ends with the process.
    return given ? readKeyPair(given) : makeDevelopmentCertificate(clock.now());
  };
  return openProvenance(mode, async () => signerOf(await pair(), clock.now()));
}

/** Logs what an operator should know of how videos are signed. */
export function tellOfProvenance({ note, signer }: Provenance, clock: Clock, log: Log): void {
  if (note !== null) log.warn({ reason: note }, "videos are marked, and not signed");
  if (signer) warnOf(signer, clock, log);
}

function warnOf({ name, isDevelopment, endsAt }: Signer, clock: Clock, log: Log): void {
  if (isDevelopment) log.info({ signer: name }, "videos are signed with a development certificate");
  const days = Math.floor((endsAt - clock.now()) / DAY_MS);
  if (days >= WARNING_DAYS) return;
  log.warn({ signer: name, days }, `the certificate that signs videos runs out on ${dayOf(endsAt)}`);
}

function pairOf(secretId: string, text: string | undefined): KeyPair {
  const unusable = (why: string, cause?: unknown) =>
    new ProvenanceError(
      `The secret ${secretId} ${why}: it holds JSON with a certificate and a key, both as PEM.`,
      { cause },
    );
  if (text === undefined) throw unusable("has no text");
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw unusable("is not JSON", cause);
  }
  const parsed = secretSchema.safeParse(content);
  if (!parsed.success) throw unusable("lacks a part");
  return parsed.data;
}

async function readFromSecretsManager(id: string): Promise<string | undefined> {
  const { GetSecretValueCommand, SecretsManagerClient } = await import("@aws-sdk/client-secrets-manager");
  try {
    return (await new SecretsManagerClient().send(new GetSecretValueCommand({ SecretId: id }))).SecretString;
  } catch (cause) {
    throw new ProvenanceError(`The secret ${id} cannot be read (${(cause as Error).name}).`, { cause });
  }
}
