import { type Frames, writePoster } from "../../../lib/generation/video/index.ts";

const FRAMES = 6;
const COLUMNS = 3;
const GAP = 4;
const PAPER = 255;

/**
 * Draws many videos into one picture: each is a strip of six frames from its first to its last, three strips
 * per row, in reading order.
 *
 * @param videos  at least one, all of one shape
 */
export function contactSheet(videos: readonly Frames[]): Frames {
  const { width, height } = videos[0]!;
  const [cellWidth, cellHeight] = [FRAMES * width + GAP, height + GAP];
  const sheetWidth = COLUMNS * cellWidth + GAP;
  const sheetHeight = Math.ceil(videos.length / COLUMNS) * cellHeight + GAP;
  const rgb = new Uint8Array(sheetWidth * sheetHeight * 3).fill(PAPER);
  for (const [i, video] of videos.entries()) {
    const left = GAP + (i % COLUMNS) * cellWidth;
    const top = GAP + Math.floor(i / COLUMNS) * cellHeight;
    for (let slot = 0; slot < FRAMES; slot++) {
      const frame = Math.round((slot * (video.count - 1)) / (FRAMES - 1));
      for (let y = 0; y < height; y++) {
        const from = (frame * height + y) * width * 3;
        const to = ((top + y) * sheetWidth + left + slot * width) * 3;
        rgb.set(video.rgb.subarray(from, from + width * 3), to);
      }
    }
  }
  return { width: sheetWidth, height: sheetHeight, count: 1, rgb };
}

/**
 * Writes the picture to a file.
 *
 * @throws VideoError if the file cannot be written
 */
export async function writeContactSheet(file: string, videos: readonly Frames[]): Promise<void> {
  await writePoster(file, contactSheet(videos));
}
