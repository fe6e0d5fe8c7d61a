import { wordLines } from "../../../lib/shared/word-lines.ts";
import { colours, line, type Placed, type Sheet, stillOf } from "../../drawing/sheet.ts";
import { type PicturedRow, picturedPrompts, told } from "./pictured.ts";

/** Lays out the picture of the benchmark: a row for each method, and for each prompt four frames of its videos. */

// Pixels; a page shows two of them as one, so that text is sharp on every screen.
const MARGIN = 28;
const LABEL_WIDTH = 212;
const FRAMES = 4;
const SIDE = 112;
const FRAME_GAP = 6;
const STRIP = FRAMES * SIDE + (FRAMES - 1) * FRAME_GAP;
const STRIP_GAP = 36;
const ROW = SIDE + 64;
const LINE = 30;
const TITLE = { size: 24, isBold: true } as const;
const LABEL = { size: 22, isBold: true } as const;
const NUMBERS = { size: 22, colour: colours.faint } as const;
/** Characters that fit above a strip, and beside it. */
const TITLE_CHARACTERS = 32;
const LABEL_CHARACTERS = 14;

export function pictureSheet(rows: readonly PicturedRow[]): Sheet {
  const titles = picturedPrompts.map(({ text }) => wordLines(text, TITLE_CHARACTERS));
  const head = MARGIN + Math.max(...titles.map((lines) => lines.length)) * LINE + 14;
  const left = (column: number) => MARGIN + LABEL_WIDTH + column * (STRIP + STRIP_GAP);
  const top = (row: number) => head + row * ROW;
  return {
    width: left(picturedPrompts.length) - STRIP_GAP + MARGIN,
    height: top(rows.length) - (ROW - SIDE - LINE) + MARGIN,
    markup: [
      ...titles.flatMap((lines, column) =>
        lines.map((text, index) => line(left(column), MARGIN + (index + 0.7) * LINE, text, TITLE)),
      ),
      ...rows.flatMap(({ method, videos }, row) => [
        ...wordLines(method, LABEL_CHARACTERS).map((text, index) =>
          line(MARGIN, top(row) + (index + 0.8) * LINE, text, LABEL),
        ),
        ...videos.map((video, column) => line(left(column), top(row) + SIDE + 27, told(video), NUMBERS)),
      ]),
    ],
    videos: rows.flatMap(({ videos }, row) =>
      videos.flatMap(({ frames }, column): Placed[] =>
        Array.from({ length: FRAMES }, (_, slot) => ({
          video: stillOf(frames, Math.round((slot * (frames.count - 1)) / (FRAMES - 1))),
          left: left(column) + slot * (SIDE + FRAME_GAP),
          top: top(row),
          side: SIDE,
        })),
      ),
    ),
  };
}
