import type { Progress } from "../../lib/generation/pipeline/index.ts";
import type { Preview } from "../../lib/generation/preview/index.ts";
import { halfBlocks, type Room } from "./half-blocks.ts";

const BAR_WIDTH = 30;
const NAMES = {
  load: "loading the model",
  encode: "reading the prompt",
  denoise: "denoising",
  decode: "decoding frames",
} as const;

/** Steps after which the time that is left can be told: the first one is often slow. */
const STEPS_MEASURED_MIN = 2;

/** Display of the progress of a generation. `clear` erases everything from the terminal. */
export interface ProgressDisplay {
  show(progress: Progress): void;
  /** Shows a preview from the next progress on; absent where no picture can be shown. */
  preview?(preview: Preview): void;
  clear(): void;
}

interface BarOptions {
  readonly unicode: boolean;
  /** Text that stands before every other. */
  readonly label: string;
  /** Returns the size of the terminal, which a user may change. */
  readonly room: () => Room;
  /** True if the terminal shows pictures of 24-bit colours. */
  readonly showsPictures: boolean;
  readonly clock: { readonly now: () => number };
}

/**
 * Creates a progress bar for a terminal: one line, redrawn in place, and above it the newest preview, whose frames
 * follow each other as the bar is redrawn.
 */
export function progressBar(write: (text: string) => void, options: BarOptions): ProgressDisplay {
  const { unicode, label, room, showsPictures, clock } = options;
  const [full, empty] = unicode ? ["━", "─"] : ["=", "-"];
  let preview: Preview | null = null;
  let frame = 0;
  /** Columns of the lines on the terminal, the last of which holds the cursor. */
  let drawn: number[] = [];
  let begunMs = 0;

  function redraw(text: string): void {
    const { columns, rows } = room();
    const line = [...text].slice(0, Math.max(1, columns - 1)).join("");
    const picture = preview && halfBlocks(frameOf(preview, frame), { columns: columns - 1, rows: rows - 2 });
    const lines = [...(picture ?? []), line];
    write(`${erased()}${lines.join("\n")}`);
    drawn = lines.map((each) => [...each.replaceAll(COLOURS, "")].length);
  }

  /** Returns what erases the lines. In a terminal that became narrower they take more rows than they did. */
  function erased(): string {
    const { columns } = room();
    const rows = drawn.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
    return rows > 1 ? `\r\x1b[${rows - 1}A\x1b[J` : "\r\x1b[J";
  }

  return {
    show({ stage, steps, done, computed }) {
      if (stage !== "denoise") return redraw(`${label}${NAMES[stage]}`);
      if (done === 0) begunMs = clock.now();
      const filled = Math.round((done / steps) * BAR_WIDTH);
      const bar = full.repeat(filled) + empty.repeat(BAR_WIDTH - filled);
      const left = timeLeft({ done, steps, elapsedMs: clock.now() - begunMs });
      redraw(`${label}${NAMES.denoise} ${bar} ${done}/${steps}, ${computed} computed${left}`);
      frame += 1;
    },
    ...(showsPictures && {
      preview(shown: Preview) {
        preview = shown;
      },
    }),
    clear() {
      write(erased());
      drawn = [];
      preview = null;
    },
  };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours of a terminal begin with an escape.
const COLOURS = /\x1b\[[\d;]*m/g;

/** Returns a frame of a preview. They are counted from the middle one, since the first is often the emptiest. */
function frameOf({ width, height, frames, rgb }: Preview, index: number) {
  const size = width * height * 3;
  const at = ((Math.floor(frames / 2) + index) % frames) * size;
  return { width, height, rgb: rgb.subarray(at, at + size) };
}

/** Tells the time that is left, by the steps so far; nothing while there are few, and once there are no more. */
function timeLeft({ done, steps, elapsedMs }: { done: number; steps: number; elapsedMs: number }): string {
  if (done < STEPS_MEASURED_MIN || done >= steps) return "";
  const seconds = Math.ceil(((elapsedMs / done) * (steps - done)) / 1000);
  return seconds < 120 ? `, ${seconds} s left` : `, ${Math.ceil(seconds / 60)} min left`;
}

/** Creates a display for logs: a line for each stage and each quarter of the steps. `label` begins every line. */
export function progressLines(write: (text: string) => void, label: string): ProgressDisplay {
  return {
    show({ stage, steps, done, computed }) {
      if (stage !== "denoise") return write(`${label}${NAMES[stage]}\n`);
      if (done === 0) return write(`${label}${NAMES.denoise}\n`);
      const isQuarter = Math.floor((4 * done) / steps) > Math.floor((4 * (done - 1)) / steps);
      if (isQuarter) write(`${label}${NAMES.denoise}: ${done} of ${steps} steps, ${computed} computed\n`);
    },
    clear: () => undefined,
  };
}
