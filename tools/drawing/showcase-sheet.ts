import type { Frames } from "../../lib/generation/video/index.ts";
import { wordLines } from "../../lib/shared/word-lines.ts";
import { colours, line, type Placed, type Sheet } from "./sheet.ts";

/** Lays out the README's picture: prompts, each with its video made without and with cache. */

/** A video, and for each denoising step whether it was computed. */
export interface ShownVideo {
  readonly frames: Frames;
  readonly isComputed: readonly boolean[];
}

export interface Shown {
  readonly prompt: string;
  readonly uncached: ShownVideo;
  readonly cached: ShownVideo;
}

// Pixels; a page shows two of them as one, so that text is sharp on every screen.
const COLUMNS = 4;
const MARGIN = 24;
const SIDE = 192;
const VIDEO_GAP = 10;
const CARD = { width: 2 * SIDE + VIDEO_GAP, gap: 34 } as const;
const LINE = 29;
const PROMPT = { size: 23, isBold: true } as const;
const PROMPT_CHARACTERS = 28;
const LABEL = { size: 19, colour: colours.faint } as const;
/** Below a video: marks of its steps, what it is, and how much of it was computed. */
const BELOW = { marks: 10, markHeight: 12, label: 46, steps: 71, end: 78 } as const;

export function showcaseSheet(all: readonly Shown[]): Sheet {
  const prompts = all.map(({ prompt }) => wordLines(prompt, PROMPT_CHARACTERS));
  const promptHeight = Math.max(...prompts.map((lines) => lines.length)) * LINE + 4;
  const cardHeight = promptHeight + SIDE + BELOW.end + CARD.gap;
  const cards = all.map(({ uncached, cached }, index) => {
    const left = MARGIN + (index % COLUMNS) * (CARD.width + CARD.gap);
    const top = MARGIN + Math.floor(index / COLUMNS) * cardHeight;
    // A short prompt stands directly above its videos.
    const firstLine = top + promptHeight - prompts[index]!.length * LINE;
    const lines = prompts[index]!.map((text, row) => line(left, firstLine + row * LINE + 17, text, PROMPT));
    const pair = [
      video(left, top + promptHeight, "without cache", uncached),
      video(left + SIDE + VIDEO_GAP, top + promptHeight, "with cache", cached),
    ];
    return {
      markup: [...lines, ...pair.flatMap(({ markup }) => markup)],
      videos: pair.map(({ placed }) => placed),
    };
  });
  const rows = Math.ceil(all.length / COLUMNS);
  return {
    width: 2 * MARGIN + COLUMNS * (CARD.width + CARD.gap) - CARD.gap,
    height: 2 * MARGIN + rows * cardHeight - CARD.gap,
    markup: cards.flatMap(({ markup }) => markup),
    videos: cards.flatMap(({ videos }) => videos),
  };
}

function video(
  left: number,
  top: number,
  label: string,
  { frames, isComputed }: ShownVideo,
): { placed: Placed; markup: string[] } {
  const bottom = top + SIDE;
  const pitch = SIDE / isComputed.length;
  const marks = isComputed.map((computed, step) => {
    const fill = computed ? colours.accent : colours.line;
    const x = (left + step * pitch).toFixed(2);
    return `<rect x="${x}" y="${bottom + BELOW.marks}" width="${(pitch - 1.6).toFixed(2)}" height="${BELOW.markHeight}" fill="${fill}"/>`;
  });
  const computed = isComputed.filter(Boolean).length;
  return {
    placed: { video: frames, left, top, side: SIDE },
    markup: [
      ...marks,
      line(left, bottom + BELOW.label, label, LABEL),
      line(left, bottom + BELOW.steps, `${computed} of ${isComputed.length} steps`, LABEL),
    ],
  };
}
