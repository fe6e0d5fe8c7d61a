import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Generation } from "../../lib/generation/pipeline/index.ts";
import { marked } from "../../lib/generation/provenance/index.ts";
import {
  psnr,
  ssim,
  type WrittenVideo,
  writeFileAtomically,
  writeVideo,
} from "../../lib/generation/video/index.ts";
import { type ComparedVideo, comparisonPage } from "./comparison-page.tsx";
import type { Comparison } from "./report.ts";

/** A generation with the file that holds its video. */
export interface Written {
  readonly generation: Generation;
  readonly video: WrittenVideo;
}

/** Measures how far a video is from the one without cache, and writes a page that shows both. */
export async function compare(
  { generation: cached, video }: Written,
  uncached: Generation,
  page: string,
): Promise<Comparison> {
  const folder = await mkdtemp(join(tmpdir(), "adareel-"));
  try {
    const { fps } = uncached;
    const other = await writeVideo(join(folder, "uncached.mp4"), uncached.frames, {
      fps,
      encoder: video.encoder,
      finish: (bytes) => marked(bytes, uncached.trace),
    });
    const difference = {
      psnr: psnr(uncached.frames, cached.frames),
      ssim: ssim(uncached.frames, cached.frames),
    };
    const html = comparisonPage({
      ...cached.request,
      cached: await comparedVideo(cached, video),
      uncached: await comparedVideo(uncached, other),
      ...difference,
    });
    await writeFileAtomically(page, new TextEncoder().encode(html));
    return { uncached, ...difference, page };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function comparedVideo(
  { trace, seconds }: Generation,
  { path, encoder }: WrittenVideo,
): Promise<ComparedVideo> {
  return {
    videoBytes: await readFile(path),
    mime: encoder === "webp" ? "image/webp" : "video/mp4",
    seconds: seconds.denoise,
    trace,
  };
}
