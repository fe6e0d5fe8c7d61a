import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { checkKeyPair } from "../../../lib/generation/provenance/certificate/check.ts";
import { OID } from "../../../lib/generation/provenance/certificate/extensions.ts";
import {
  DEVELOPMENT_NAME,
  makeDevelopmentCertificate,
  openDevelopmentCertificate,
  ProvenanceError,
  readKeyPair,
} from "../../../lib/generation/provenance/index.ts";
import { makePair } from "./certificates.ts";

const folder = await mkdtemp(join(tmpdir(), "adareel-certificates-"));
afterAll(() => rm(folder, { recursive: true }));

const DAY_MS = 24 * 3_600_000;

/** Made by OpenSSL: a signer whose certificate is signed with SHA-1, valid until 2126. */
const SHA1 = `-----BEGIN CERTIFICATE-----
MIIBlTCCATygAwIBAgIUPyVYUKwyL/Nr3qWumerWolwib7QwCQYHKoZIzj0EATAP
MQ0wCwYDVQQDDARSb290MCAXDTI2MTEzMDIyMTMzMloYDzIxMjYxMTA2MjIxMzMy
WjAPMQ0wCwYDVQQDDARXZWFrMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEUVuA
Ijm1bzhgpvS8oxBErwdSJsDhUXJs2z6vPDZvATIi+SqmgdLgfnQK4K15L3Y1y1te
ihb6TnNiluADiqOQvaN1MHMwDAYDVR0TAQH/BAIwADAOBgNVHQ8BAf8EBAMCB4Aw
EwYDVR0lBAwwCgYIKwYBBQUHAwQwHwYDVR0jBBgwFoAUEQo/jwfuSWaDgHOQdweH
TCXz0WQwHQYDVR0OBBYEFPyB1Qq3lVuKTbILvOh3VtPXP8XhMAkGByqGSM49BAED
SAAwRQIhAKciuAX2y88Reou68LvR8Mle161UdIPayqoIWBvqofISAiBKTHHmnebu
cCDvpCkqtkLagit4zrj0DEI1Y+ee8ZLMFA==
-----END CERTIFICATE-----
`;

const SINCE_2026 = Date.parse("2027-06-01");

function faultOf(pair: { certificate: string; key: string }, now = Date.now()): string {
  try {
    checkKeyPair(pair, now);
  } catch (error) {
    expect(error).toBeInstanceOf(ProvenanceError);
    return (error as Error).message;
  }
  return "";
}

describe("a certificate that signs videos", () => {
  test("a development certificate is a leaf for ten years under a root of its own, and says what it is", () => {
    const now = Date.parse("2027-01-01");
    const { chain, algorithm } = checkKeyPair(makeDevelopmentCertificate(now), now);
    expect(algorithm).toBe("es256");
    expect(chain.map(({ ca }) => ca)).toEqual([false, true]);
    expect(chain[0]!.subject).toContain(DEVELOPMENT_NAME);
    expect(chain[0]!.verify(chain[1]!.publicKey)).toBe(true);
    expect(new Date(chain[0]!.validTo).getUTCFullYear()).toBe(2036);
    expect(new Date(chain[0]!.validFrom).getTime()).toBeLessThan(now);
  });

  test("a certificate that ends after 2049 keeps its year", () => {
    const until = Date.parse("2055-05-05");
    expect(new Date(new X509Certificate(makePair({ until }).leaf).validTo).getTime()).toBe(until);
  });

  test.each([
    ["P-384", generateKeyPairSync("ec", { namedCurve: "P-384" }), "es384"],
    ["P-521", generateKeyPairSync("ec", { namedCurve: "P-521" }), "es512"],
    ["Ed25519", generateKeyPairSync("ed25519"), "ed25519"],
    ["RSA of 2048 bits", generateKeyPairSync("rsa", { modulusLength: 2048 }), "ps256"],
  ])("a key of %s can sign", (_, keys, algorithm) => {
    expect(checkKeyPair(makePair({ keys }), Date.now()).algorithm).toBe(algorithm);
  });

  test("a key in SEC1 form can sign, since the library never sees it", () => {
    const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const key = keys.privateKey.export({ type: "sec1", format: "pem" }).toString();
    expect(checkKeyPair({ ...makePair({ keys }), key }, Date.now()).algorithm).toBe("es256");
  });

  const other = makePair();
  test.each<[string, { certificate: string; key: string }, string]>([
    ["no PEM", { ...other, certificate: "certificate" }, "has no -----BEGIN CERTIFICATE----- block"],
    [
      "a damaged certificate",
      { ...other, certificate: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n" },
      "Certificate 1 of the chain is damaged",
    ],
    ["a key that is none", { ...other, key: "key" }, "The private key cannot be read"],
    [
      "an encrypted key",
      { ...other, key: "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----" },
      "is encrypted",
    ],
    ["the key of another", { ...other, key: makePair().key }, "is not that of the certificate Test signer"],
    ["a chain that begins with its root", { ...other, certificate: other.root + other.leaf }, "out of order"],
    ["a foreign root", { ...other, certificate: other.leaf + makePair().root }, "out of order"],
    ["an authority", makePair({ isAuthority: true }), "is that of an authority"],
    ["no digitalSignature", makePair({ without: [OID.keyUsage] }), "lacks the key usage digitalSignature"],
    ["no purpose", makePair({ without: [OID.extendedKeyUsage] }), "lacks the extended key usage"],
    ["a server's purpose", makePair({ purpose: "1.3.6.1.5.5.7.3.1" }), "lacks the extended key usage"],
    ["an end that is past", makePair({ until: Date.now() - DAY_MS / 2 }), "Test signer ran out on "],
    ["a beginning to come", makePair({ from: Date.now() + DAY_MS }), "Test signer is not valid before "],
    [
      "RSA of 1024 bits",
      makePair({ keys: generateKeyPairSync("rsa", { modulusLength: 1024 }) }),
      "cannot be signed with RSA of 1024 bits",
    ],
    [
      "another curve",
      makePair({ keys: generateKeyPairSync("ec", { namedCurve: "secp256k1" }) }),
      "cannot be signed with secp256k1",
    ],
  ])("a certificate with %s is refused in one sentence", (_, pair, sentence) => {
    const fault = faultOf(pair);
    expect(fault).toContain(sentence);
    expect(fault).toMatch(/^[A-Z][^\n]+\.$/);
  });

  test("a certificate that is signed with SHA-1 is refused", () => {
    expect(faultOf({ certificate: SHA1, key: "" }, SINCE_2026)).toContain("signed with SHA-1 or MD5");
  });
});

describe("files of certificates", () => {
  test("a data folder keeps one development certificate, which only its owner may read", async () => {
    const inside = join(folder, "data");
    const [first, second] = await Promise.all([
      openDevelopmentCertificate(inside, Date.now()),
      openDevelopmentCertificate(inside, Date.now()),
    ]);
    expect(second).toEqual(first);
    expect((await stat(first.path)).mode & 0o777).toBe(0o600);
    const { path } = first;
    const read = await readKeyPair({ certificate: path, key: path });
    expect(checkKeyPair(read, Date.now()).chain).toHaveLength(2);
  });

  test("a folder that cannot be made is told", async () => {
    const file = join(folder, "file");
    await writeFile(file, "");
    await expect(openDevelopmentCertificate(join(file, "data"), 0)).rejects.toThrow(ProvenanceError);
  });

  test("a certificate may be text whose line breaks are written out, or a file that must be there", async () => {
    const { certificate, key } = makePair();
    const given = { certificate: certificate.replaceAll("\n", "\\n"), key };
    expect(await readKeyPair(given)).toEqual({ certificate, key });
    const missing = readKeyPair({ certificate: join(folder, "none.pem"), key });
    await expect(missing).rejects.toThrow("cannot be read: there is no such file.");
  });
});
