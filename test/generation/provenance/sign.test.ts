import { execFileSync, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type KeyPair,
  makeDevelopmentCertificate,
  openProvenance,
  type Provenance,
  ProvenanceError,
  seal,
  signerOf,
  verificationLines,
  verifyBytes,
  verifyFile,
} from "../../../lib/generation/provenance/index.ts";
import { MADE_BY_MODEL } from "../../../lib/generation/provenance/mark/packet.ts";
import { loadNative } from "../../../lib/generation/provenance/native.ts";
import { type Encoder, encodeVideo } from "../../../lib/generation/video/index.ts";
import { hasFfmpeg } from "../video/decode-mp4.ts";
import { discOverStripes } from "../video/sample-frames.ts";
import { makePair } from "./certificates.ts";

const { library, missing } = await loadNative();
if (missing !== null) console.warn(`The tests of signatures are skipped: ${missing}`);

const folder = await mkdtemp(join(tmpdir(), "adareel-sign-"));
afterAll(() => rm(folder, { recursive: true }));

const frames = discOverStripes({ count: 4 });
const claims = {
  pictures: { image: "ab".repeat(32) },
  receipt: { model: "demo", seed: 7, settings: { width: 64, height: 64 }, indices: [1, 300, 2.5] },
};
const encode = async (encoder: Encoder) => (await encodeVideo(frames, { fps: 8, encoder })).bytes;
const signAs = (pair: KeyPair) => openProvenance("required", async () => signerOf(pair, Date.now()));
const sealed = async (bytes: Uint8Array, provenance: Provenance) =>
  seal(bytes, { provenance, model: "demo", claims });

/** Returns a copy of bytes with another value at one place. */
function changed(bytes: Uint8Array, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at]! ^= 1;
  return copy;
}

/** Returns what the signature says the hash of the video is. */
async function hashOf(bytes: Uint8Array): Promise<string> {
  const reader = await library!.Reader.fromAsset({ buffer: Buffer.from(bytes), mimeType: "video/mp4" });
  const { assertions } = reader!.getActive() as { assertions: { label: string; data: { hash: string } }[] };
  return assertions.find(({ label }) => label.startsWith("c2pa.hash.bmff"))!.data.hash;
}

describe.skipIf(missing !== null)("a signed video", () => {
  const pair = makePair();
  let provenance: Provenance;
  let mp4: Uint8Array;
  beforeAll(async () => {
    provenance = await signAs(pair);
    mp4 = (await sealed(await encode("webcodecs"), provenance)).bytes;
  });

  test("a signed video says what made it, from what, and with which settings, and no thumbnail", async () => {
    const verification = await verifyBytes(mp4);
    expect(verification).toMatchObject({
      outcome: "unvouched",
      credentials: {
        signer: { name: "Test signer", isDevelopment: false, signedAt: null },
        sourceType: MADE_BY_MODEL,
        ingredients: ["image"],
        receipt: { model: "demo", seed: 7, indices: "1 300 2.5" },
        failures: ["signingCredential.untrusted"],
      },
      mark: { sourceType: MADE_BY_MODEL },
    });
    expect(Buffer.from(mp4).includes("thumbnail")).toBe(false);
  });

  test("a signer is trusted by whoever trusts the root, and by nobody else", async () => {
    expect((await verifyBytes(mp4, { roots: pair.root })).outcome).toBe("trusted");
    expect((await verifyBytes(mp4, { roots: makePair().root })).outcome).toBe("unvouched");
  });

  test("a development certificate is told from others", async () => {
    const own = await signAs(makeDevelopmentCertificate(Date.now()));
    const { bytes, signer, isDevelopment } = await sealed(await encode("webcodecs"), own);
    expect({ signer, isDevelopment }).toEqual({ signer: own.signer!.name, isDevelopment: true });
    const lines = verificationLines(await verifyBytes(bytes));
    expect(lines[0]).toBe("Holds: the file is as it was signed. Nobody you trust vouches for its signer.");
    expect(lines[1]).toContain("Signed with a development certificate");
  });

  test("two signatures of one video differ, and sign the same hash", async () => {
    const plain = await encode("webcodecs");
    const [first, second] = [await sealed(plain, provenance), await sealed(plain, provenance)];
    expect(Buffer.compare(first.bytes, second.bytes)).not.toBe(0);
    expect(first.unsignedSha256).toBe(second.unsignedSha256);
    expect(await hashOf(first.bytes)).toBe(await hashOf(second.bytes));
  });

  test("a WebP is signed too, and grows by a few kilobytes", async () => {
    const plain = await encode("webp");
    const { bytes, kind } = await sealed(plain, provenance);
    expect(kind).toBe("c2pa");
    expect((await verifyBytes(bytes, { roots: pair.root })).outcome).toBe("trusted");
    expect(bytes.length - plain.length).toBeLessThan(8_000);
    expect((await verifyBytes(changed(bytes, 200))).outcome).toBe("changed");
  });

  test("a byte of the data, of an assertion, of the mark or at the end is a change", async () => {
    const places = {
      data: Buffer.from(mp4).indexOf("mdat") + 40,
      assertion: Buffer.from(mp4).indexOf("org.adareel.receipt", Buffer.from(mp4).indexOf("cbor")) + 60,
      mark: Buffer.from(mp4).lastIndexOf("AISystemUsed"),
    };
    for (const at of Object.values(places)) {
      const verification = await verifyBytes(changed(mp4, at));
      expect(verification.outcome).toBe("changed");
      expect(verificationLines(verification)[0]).toMatch(/^Changed: /);
    }
  });

  test("a certificate that is over is no change of the file", async () => {
    // Signed on 2026-11-30 with a certificate that ran out four seconds later.
    const bytes = await readFile(new URL("../../golden/provenance/expired.webp", import.meta.url));
    const verification = await verifyBytes(bytes);
    expect(verification.outcome).toBe("expired");
    expect(verificationLines(verification)[0]).toContain("The signer's certificate is over");
    expect((await verifyBytes(changed(bytes, 60))).outcome).toBe("changed");
  });

  test("a video whose certificate has run out meanwhile keeps its mark, or fails if signatures are required", async () => {
    const [from, then, until] = [10, 7, 5].map((days) => Date.now() - days * 24 * 3_600_000);
    const signer = signerOf(makePair({ from: from!, until: until! }), then!);
    const plain = await encode("webcodecs");
    const kept = await sealed(plain, { mode: "signed", signer, note: null });
    expect(kept).toMatchObject({
      kind: "mark",
      signer: null,
      note: expect.stringMatching(/^Signing failed: .+\.$/),
    });
    expect((await verifyBytes(kept.bytes)).outcome).toBe("marked");
    await expect(sealed(plain, { mode: "required", signer, note: null })).rejects.toThrow(ProvenanceError);
  });

  test.skipIf(!hasFfmpeg)(
    "ffmpeg decodes the same pictures, and leaves the signature out of a copy",
    async () => {
      const [plain, signedPath, copy] = ["plain", "signed", "copy"].map((name) =>
        join(folder, `${name}.mp4`),
      );
      await writeFile(plain!, await encode("webcodecs"));
      await writeFile(signedPath!, mp4);
      const md5 = (path: string) =>
        execFileSync("ffmpeg", ["-v", "error", "-i", path, "-f", "framemd5", "-"]).toString();
      expect(md5(signedPath!)).toBe(md5(plain!));
      expect(spawnSync("ffmpeg", ["-v", "error", "-i", signedPath!, "-c", "copy", copy!]).status).toBe(0);
      expect((await verifyFile(copy!)).outcome).toBe("unmarked");
    },
  );
});

describe("what a deployment chooses", () => {
  const never = () => Promise.reject(new Error("no signer is needed"));

  test("a deployment may mark its videos alone, or leave them as they are", async () => {
    const plain = await encode("webcodecs");
    const mark = await sealed(plain, await openProvenance("mark", never));
    expect(mark).toMatchObject({ kind: "mark", signer: null, note: null });
    expect((await verifyBytes(mark.bytes)).outcome).toBe("marked");
    const off = await sealed(plain, await openProvenance("off", never));
    expect(off).toMatchObject({ kind: "none", signer: null, note: null });
    expect(Buffer.compare(off.bytes, plain)).toBe(0);
    expect((await verifyBytes(off.bytes)).outcome).toBe("unmarked");
  });

  test.each([
    ["an empty file", Buffer.alloc(0), "The file is empty."],
    ["a text", Buffer.from("a text that is no video"), "The file is neither an MP4 nor a WebP."],
  ])("%s is told from a video in one sentence", async (_, bytes, sentence) => {
    await expect(verifyBytes(bytes)).rejects.toThrow(sentence);
    const path = join(folder, "foreign.mp4");
    await writeFile(path, bytes);
    await expect(verifyFile(path)).rejects.toThrow(sentence);
  });

  test("a file that is missing, and a folder, are told in one sentence", async () => {
    await expect(verifyFile(join(folder, "none.mp4"))).rejects.toThrow("there is no such file.");
    await expect(verifyFile(folder)).rejects.toThrow("it is a folder.");
  });

  test("a video that ends too early is damaged, or no longer as it was signed", async () => {
    const plain = await encode("webcodecs");
    const cut = plain.subarray(0, plain.length - 100);
    const outcome = await verifyBytes(cut).then(
      (verification) => verification.outcome,
      (error: Error) => error.message,
    );
    expect(["unmarked", "The file is damaged: it ends before its parts do."]).toContain(outcome);
  });
});
