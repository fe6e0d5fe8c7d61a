const NAMES = {
  read: "reading",
  send: "sending",
  download: "downloading",
  copy: "copying",
  convert: "converting",
} as const;

export interface TransferProgress {
  readonly stage: keyof typeof NAMES;
  /** Bytes that are done, by this run or an earlier one. */
  readonly doneBytes: number;
  /** Bytes that this run transferred, in either direction; 0 in the stage `read`. */
  readonly sentBytes: number;
  readonly totalBytes: number;
}

/** Display of the progress of a transfer. `clear` erases the line from the terminal. */
export interface TransferDisplay {
  show(progress: TransferProgress): void;
  /** Shows a text, for work without bytes to count. */
  say(text: string): void;
  clear(): void;
}

const REDRAW_MS = 100;
/** Time after which the remaining time can be estimated. */
const ESTIMATE_AFTER_MS = 2_000;

/** Creates a display for a terminal: one line, redrawn in place. */
export function transferBar(
  write: (text: string) => void,
  clock: { readonly now: () => number },
): TransferDisplay {
  let drawnMs = Number.NEGATIVE_INFINITY;
  let begun: { stage: TransferProgress["stage"]; ms: number } | null = null;
  return {
    show(progress) {
      const nowMs = clock.now();
      if (begun?.stage !== progress.stage) begun = { stage: progress.stage, ms: nowMs };
      else if (nowMs - drawnMs < REDRAW_MS && progress.doneBytes < progress.totalBytes) return;
      drawnMs = nowMs;
      write(`\r\x1b[K${amount(progress)}${rest(progress, nowMs - begun.ms)}`);
    },
    say: (text) => write(`\r\x1b[K${text}`),
    clear: () => write("\r\x1b[K"),
  };
}

/** Creates a display for logs: a line for each quarter of the bytes. */
export function transferLines(write: (text: string) => void): TransferDisplay {
  let last = "";
  return {
    show(progress) {
      const { stage, doneBytes, totalBytes } = progress;
      const quarter = `${stage} ${Math.floor((4 * doneBytes) / totalBytes)}`;
      if (quarter !== last) write(`${amount(progress)}\n`);
      last = quarter;
    },
    say: (text) => write(`${text}\n`),
    clear: () => undefined,
  };
}

/** Creates the display that suits stderr. */
export function transferDisplay(): TransferDisplay {
  const write = (text: string) => void process.stderr.write(text);
  return process.stderr.isTTY ? transferBar(write, performance) : transferLines(write);
}

/** Formats a size, such as `1.3 GB`; in MB if it is less than 1 GB. */
export function gigabytes(byteCount: number): string {
  const [size, unit] = byteCount >= 1e9 ? [byteCount / 1e9, "GB"] : [byteCount / 1e6, "MB"];
  return `${size.toFixed(1)} ${unit}`;
}

function amount({ stage, doneBytes, totalBytes }: TransferProgress): string {
  const percent = totalBytes === 0 ? 100 : Math.floor((100 * doneBytes) / totalBytes);
  return `${NAMES[stage]} ${gigabytes(doneBytes)} of ${gigabytes(totalBytes)}, ${percent} %`;
}

/** Returns speed and remaining time, from the bytes that this run transferred; bytes of earlier runs took no time. */
function rest({ stage, doneBytes, sentBytes, totalBytes }: TransferProgress, elapsedMs: number): string {
  const movedBytes = stage === "read" ? doneBytes : sentBytes;
  if (elapsedMs < ESTIMATE_AFTER_MS || movedBytes === 0) return "";
  const bytesPerSecond = (1000 * movedBytes) / elapsedMs;
  const seconds = Math.ceil((totalBytes - doneBytes) / bytesPerSecond);
  const left = seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
  return `, ${(bytesPerSecond / 1e6).toFixed(1)} MB/s, ${left} left`;
}
