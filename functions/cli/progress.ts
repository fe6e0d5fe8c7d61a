import type { Progress } from "../../lib/generation/pipeline/index.ts";

const BAR_WIDTH = 30;
const NAMES = {
  load: "loading the model",
  encode: "reading the prompt",
  denoise: "denoising",
  decode: "decoding frames",
} as const;

/** Display of the progress of a generation. `clear` erases the bar from the terminal. */
export interface ProgressDisplay {
  show(progress: Progress): void;
  clear(): void;
}

/** Creates a progress bar for a terminal: one line, redrawn in place. `label` stands before every text. */
export function progressBar(
  write: (text: string) => void,
  { unicode, label }: { readonly unicode: boolean; readonly label: string },
): ProgressDisplay {
  const [full, empty] = unicode ? ["━", "─"] : ["=", "-"];
  return {
    show({ stage, steps, done, computed }) {
      if (stage !== "denoise") return write(`\r\x1b[K${label}${NAMES[stage]}`);
      const filled = Math.round((done / steps) * BAR_WIDTH);
      const bar = full.repeat(filled) + empty.repeat(BAR_WIDTH - filled);
      write(`\r\x1b[K${label}${NAMES.denoise} ${bar} ${done}/${steps}, ${computed} computed`);
    },
    clear: () => write("\r\x1b[K"),
  };
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
