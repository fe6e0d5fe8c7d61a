/**
 * Makes the README's picture, docs/demo.webp: eight prompts, each with the demo model's video of it without cache and
 * with the command's default cache. Half a minute of processor time; the prompts and their seeds are in
 * tools/drawing/showcase.ts.
 *
 *     npx tsx tools/showcase.ts
 */
import { fileURLToPath } from "node:url";
import { type Generation, openPipeline } from "../lib/generation/pipeline/index.ts";
import { resolveRequest, withoutCache } from "../lib/generation/request/index.ts";
import { writeSheet } from "./drawing/sheet.ts";
import { SHOWCASE } from "./drawing/showcase.ts";
import { type Shown, type ShownVideo, showcaseSheet } from "./drawing/showcase-sheet.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const pipeline = await openPipeline(`${root}models/demo`);
const shown: Shown[] = [];
for (const asked of SHOWCASE) {
  const request = resolveRequest(asked, pipeline);
  const cached = shownVideo(await pipeline.generate(request));
  shown.push({
    prompt: asked.prompt,
    cached,
    uncached: shownVideo(await pipeline.generate(withoutCache(request))),
  });
}
const fps = pipeline.limits.fps[0]!;
await pipeline.close();
const bytes = await writeSheet(`${root}docs/demo.webp`, showcaseSheet(shown), { bytesMax: 390_000, fps });
process.stdout.write(`docs/demo.webp: ${bytes} bytes\n`);

function shownVideo({ frames, trace }: Generation): ShownVideo {
  return { frames, isComputed: trace.schedule.map(({ computed }) => computed) };
}
