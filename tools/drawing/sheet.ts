/** Draws frames of videos and text on paper, for the pictures of the documentation. */
import sharp from "sharp";
import { type Frames, frameAt, writeFileAtomically } from "../../lib/generation/video/index.ts";

/** A video on a sheet, enlarged to a square of `side` pixels. */
export interface Placed {
  readonly video: Frames;
  readonly left: number;
  readonly top: number;
  readonly side: number;
}

export interface Sheet {
  readonly width: number;
  readonly height: number;
  /** SVG elements under the videos: text, lines, marks. */
  readonly markup: readonly string[];
  /** Videos with one number of frames. */
  readonly videos: readonly Placed[];
}

/** Colours of a sheet, which pass WCAG AA on its paper. */
export const colours = {
  paper: "#ffffff",
  ink: "#1f2937",
  faint: "#5b6472",
  line: "#d8dce2",
  accent: "#1d4ed8",
};

export interface SheetFile {
  /** Largest size of the file; the quality of the picture follows from it. */
  readonly bytesMax: number;
  readonly fps?: number;
}

const QUALITIES = [92, 85, 78, 70, 60, 50, 40];

/**
 * Writes a sheet as WebP in the best quality that fits, animated if its videos have several frames.
 *
 * @returns size in bytes
 * @throws RangeError if the file is too large even in the lowest quality
 */
export async function writeSheet(
  path: string,
  sheet: Sheet,
  { bytesMax, fps = 1 }: SheetFile,
): Promise<number> {
  const drawn = await drawSheet(sheet);
  for (const quality of QUALITIES) {
    const bytes = await webp(drawn, quality, fps);
    if (bytes.length > bytesMax) continue;
    await writeFileAtomically(path, bytes);
    return bytes.length;
  }
  throw new RangeError(`${path} would have more than ${bytesMax} bytes: draw fewer or smaller videos.`);
}

async function webp(
  { width, height, count, rgb }: Frames,
  quality: number,
  fps: number,
): Promise<Uint8Array> {
  const raw = { width, height: height * count, channels: 3, pageHeight: height } as const;
  const delay = new Array<number>(count).fill(Math.round(1000 / fps));
  return sharp(rgb, { raw }).webp({ quality, smartSubsample: true, loop: 0, delay }).toBuffer();
}

/**
 * Draws a sheet with as many frames as its videos have. Its paper is opaque, so that it can be read on light and dark
 * pages.
 */
export async function drawSheet({ width, height, markup, videos }: Sheet): Promise<Frames> {
  const paper = await rasterised(width, height, markup);
  const count = videos[0]?.video.count ?? 1;
  const rgb = new Uint8Array(count * paper.length);
  for (let frame = 0; frame < count; frame++) {
    const page = rgb.subarray(frame * paper.length, (frame + 1) * paper.length);
    page.set(paper);
    for (const placed of videos) put(page, width, placed, await enlarged(placed, frame));
  }
  return { width, height, count, rgb };
}

/** Returns one frame of a video as a video of its own. */
export function stillOf(video: Frames, frame: number): Frames {
  return { ...video, count: 1, rgb: frameAt(video, frame) };
}

export interface TextStyle {
  readonly size: number;
  readonly colour?: string;
  readonly isBold?: boolean;
}

/** Returns the SVG of a line of text whose baseline begins at a point. */
export function line(x: number, y: number, text: string, style: TextStyle): string {
  const { size, colour = colours.ink, isBold = false } = style;
  const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const weight = isBold ? ' font-weight="700"' : "";
  return `<text x="${x}" y="${y}" font-size="${size}" fill="${colour}"${weight}>${escaped}</text>`;
}

async function rasterised(width: number, height: number, markup: readonly string[]): Promise<Uint8Array> {
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `font-family="Helvetica, Arial, DejaVu Sans, sans-serif">` +
    `<rect width="100%" height="100%" fill="${colours.paper}"/>${markup.join("")}</svg>`;
  return sharp(Buffer.from(svg)).flatten({ background: colours.paper }).raw().toBuffer();
}

/** Returns the pixels of one frame, enlarged without new colours in flat areas. */
async function enlarged({ video, side }: Placed, frame: number): Promise<Uint8Array> {
  const raw = { width: video.width, height: video.height, channels: 3 } as const;
  return sharp(frameAt(video, frame), { raw }).resize(side, side, { kernel: "cubic" }).raw().toBuffer();
}

function put(page: Uint8Array, width: number, { left, top, side }: Placed, pixels: Uint8Array): void {
  for (let y = 0; y < side; y++) {
    page.set(pixels.subarray(y * side * 3, (y + 1) * side * 3), ((top + y) * width + left) * 3);
  }
}
