/**
 * Measures what marks and signatures add to a video, in bytes and in time: `npx tsx tools/bench/provenance.ts`. The event
 * loop's longest wait says for how long nothing else of the process runs meanwhile.
 */
import { randomBytes } from "node:crypto";
import { monitorEventLoopDelay } from "node:perf_hooks";
import {
  makeDevelopmentCertificate,
  marked,
  openProvenance,
  seal,
  signerOf,
} from "../../lib/generation/provenance/index.ts";
import { encodeVideo } from "../../lib/generation/video/index.ts";

const RUNS = 9;

const provenance = await openProvenance("required", async () =>
  signerOf(makeDevelopmentCertificate(Date.now()), Date.now()),
);
const receipt = { model: "demo", seed: 1, settings: { width: 64, height: 64, steps: 30 } };

async function measure(name: string, bytes: Uint8Array): Promise<void> {
  const markedBytes = (await marked(bytes, { model: "demo" })).length;
  const times: number[] = [];
  const waits: number[] = [];
  let size = 0;
  for (let run = 0; run < RUNS; run++) {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const begun = performance.now();
    const claims = { receipt, pictures: {} };
    size = (await seal(bytes, { provenance, model: "demo", claims })).bytes.length;
    times.push(performance.now() - begun);
    delay.disable();
    waits.push(delay.max / 1e6);
  }
  const median = (values: number[]) => values.sort((a, b) => a - b)[(RUNS - 1) / 2]!.toFixed(0);
  const kilobytes = (count: number) => `${(count / 1000).toFixed(1)} kB`;
  const cells = [name, kilobytes(bytes.length), `+${kilobytes(markedBytes - bytes.length)}`];
  console.log(
    [...cells, `+${kilobytes(size - markedBytes)}`, `${median(times)} ms`, `${median(waits)} ms`].join(" | "),
  );
}

const frames = { width: 64, height: 64, count: 16, rgb: randomBytes(16 * 64 * 64 * 3) };
const mp4 = Buffer.from((await encodeVideo(frames, { fps: 8, encoder: "webcodecs" })).bytes);
// A last box of nothing makes a file of the size of a long video.
const padding = Buffer.concat([Buffer.from("00000000", "hex"), Buffer.from("wide"), randomBytes(20_000_000)]);
padding.writeUInt32BE(padding.length);
console.log("video | bytes | mark | signature | time | event loop");
await measure("MP4", mp4);
await measure("MP4 of 20 MB", Buffer.concat([mp4, padding]));
await measure("WebP", (await encodeVideo(frames, { fps: 8, encoder: "webp" })).bytes);
