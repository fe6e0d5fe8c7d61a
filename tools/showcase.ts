/**
 * Makes the README's picture, docs/demo.webp: the demo model's videos of eight prompts, side by side.
 *
 *     npx tsx tools/showcase.ts
 */
import { fileURLToPath } from "node:url";
import { openPipeline } from "../lib/generation/pipeline/index.ts";
import { resolveRequest } from "../lib/generation/request/index.ts";
import { type Frames, writeVideo } from "../lib/generation/video/index.ts";

const prompts = [
  "a red circle moves fast to the left over blue stripes",
  "a yellow square moves fast to the right over a purple gradient",
  "a white ring moves slowly up over a plain green background",
  "a large blue triangle stays still over an orange background",
  "an orange circle bounces around over a plain black background",
  "a purple cross moves fast down over horizontal white stripes",
  "a green ring moves fast up over a plain red background",
  "a black circle moves slowly down over a white checkerboard",
];
const columns = 4;
const scale = 2;
const gap = 4;

const root = fileURLToPath(new URL("..", import.meta.url));
const pipeline = await openPipeline(`${root}models/demo`);
const videos: Frames[] = [];
for (const [index, prompt] of prompts.entries()) {
  videos.push((await pipeline.generate(resolveRequest({ prompt, seed: index + 1 }, pipeline))).frames);
}
await pipeline.close();
const { bytes } = await writeVideo(`${root}docs/demo.webp`, grid(videos), { fps: pipeline.limits.fps[0]! });
process.stdout.write(`docs/demo.webp: ${bytes} bytes\n`);

/** Arranges videos in rows on white, enlarged by repeating pixels. */
function grid(all: readonly Frames[]): Frames {
  const { width: w, height: h, count } = all[0]!;
  const cellWidth = w * scale + gap;
  const cellHeight = h * scale + gap;
  const width = columns * cellWidth - gap;
  const height = Math.ceil(all.length / columns) * cellHeight - gap;
  const rgb = new Uint8Array(count * height * width * 3).fill(255);
  for (const [index, video] of all.entries()) {
    const left = (index % columns) * cellWidth;
    const top = Math.floor(index / columns) * cellHeight;
    for (let f = 0; f < count; f++) {
      for (let y = 0; y < h * scale; y++) {
        for (let x = 0; x < w * scale; x++) {
          const from = ((f * h + Math.floor(y / scale)) * w + Math.floor(x / scale)) * 3;
          rgb.set(video.rgb.subarray(from, from + 3), ((f * height + top + y) * width + left + x) * 3);
        }
      }
    }
  }
  return { width, height, count, rgb };
}
