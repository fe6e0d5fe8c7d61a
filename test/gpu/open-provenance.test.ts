import { describe, expect, test } from "vitest";
import { openWorkerProvenance, tellOfProvenance } from "../../functions/gpu/open-provenance.ts";
import { givenKeyPair, ProvenanceError } from "../../lib/generation/provenance/index.ts";
import { loadNative } from "../../lib/generation/provenance/native.ts";
import { ConfigError } from "../../lib/shared/environment.ts";
import { makePair } from "../generation/provenance/certificates.ts";
import { silent } from "./job-fixture.ts";

const { missing } = await loadNative();
const DAY_MS = 24 * 3_600_000;

function logOf() {
  const warnings: string[] = [];
  return {
    warnings,
    log: { ...silent, warn: (_: object, message?: string) => warnings.push(message ?? "") },
  };
}

const config = { mode: "signed", given: null, secretId: null } as const;

describe.skipIf(missing !== null)("a worker's certificate", () => {
  test("a worker without a certificate makes one for itself", async () => {
    const { warnings, log } = logOf();
    const provenance = await openWorkerProvenance(config, { clock: Date });
    tellOfProvenance(provenance, Date, log);
    expect(provenance.signer).toMatchObject({ isDevelopment: true });
    expect(warnings).toEqual([]);
  });

  test("a worker takes its certificate from a secret, and warns of its end 60 days before", async () => {
    const { certificate, key } = makePair({ until: Date.now() + 59 * DAY_MS });
    const { warnings, log } = logOf();
    const readSecret = async () => JSON.stringify({ certificate, key });
    const provenance = await openWorkerProvenance({ ...config, secretId: "a" }, { clock: Date, readSecret });
    tellOfProvenance(provenance, Date, log);
    expect(provenance.signer).toMatchObject({ name: "Test signer", isDevelopment: false });
    expect(warnings).toEqual([
      expect.stringMatching(/^the certificate that signs videos runs out on \d{4}-/),
    ]);
  });

  test.each([
    ["no text", undefined, "has no text"],
    ["no JSON", "certificate", "is not JSON"],
    ["no key", JSON.stringify({ certificate: "x" }), "lacks a part"],
    [
      "a key of another",
      JSON.stringify({ ...makePair(), key: makePair().key }),
      "is not that of the certificate",
    ],
  ])("a secret with %s is refused in one sentence", async (_, text, sentence) => {
    const opened = openWorkerProvenance(
      { ...config, secretId: "adareel/signer" },
      { clock: Date, readSecret: async () => text },
    );
    await expect(opened).rejects.toThrow(ProvenanceError);
    await expect(opened).rejects.toThrow(sentence);
  });
});

test("a certificate without its key, and a key without its certificate, are refused", () => {
  expect(givenKeyPair(undefined, undefined)).toBeNull();
  expect(() => givenKeyPair("a.pem", undefined)).toThrow(ConfigError);
  expect(() => givenKeyPair(undefined, "a.pem")).toThrow(
    "PROVENANCE_CERTIFICATE is needed: PROVENANCE_KEY is set",
  );
});
