const NAMES = {
  read: "reading",
  send: "sending",
  download: "downloading",
  copy: "copying",
  convert: "converting",
} as const;

export interface TransferProgress {
  readonly stage: keyof typeof NAMES;
  /** Of the total, what is there. */
  readonly doneBytes: number;
  /** Of those, the ones that had to be sent, whichever way; nothing is sent while it is read. */
  readonly sentBytes: number;
  readonly totalBytes: number;
}

/** Shows how far a transfer is. `clear` takes the line off the terminal again. */
export interface TransferDisplay {
  show(progress: TransferProgress): void;
  /** For what has no bytes to count. */
  say(text: string): void;
  clear(): void;
}

const REDRAW_MS = 100;
/** Before so much time, what is left is guesswork. */
const ESTIMATE_AFTER_MS = 2_000;

/** One line that is drawn over itself, for a terminal. */
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

/** A line for each quarter, for logs. */
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

/** Such as `1.3 GB`, or MB where it is less than one. */
export function gigabytes(byteCount: number): string {
  const [size, unit] = byteCount >= 1e9 ? [byteCount / 1e9, "GB"] : [byteCount / 1e6, "MB"];
  return `${size.toFixed(1)} ${unit}`;
}

function amount({ stage, doneBytes, totalBytes }: TransferProgress): string {
  const percent = totalBytes === 0 ? 100 : Math.floor((100 * doneBytes) / totalBytes);
  return `${NAMES[stage]} ${gigabytes(doneBytes)} of ${gigabytes(totalBytes)}, ${percent} %`;
}

/** By what was sent in this run: what was there already took no time. */
function rest({ stage, doneBytes, sentBytes, totalBytes }: TransferProgress, elapsedMs: number): string {
  const movedBytes = stage === "read" ? doneBytes : sentBytes;
  if (elapsedMs < ESTIMATE_AFTER_MS || movedBytes === 0) return "";
  const bytesPerSecond = (1000 * movedBytes) / elapsedMs;
  const seconds = Math.ceil((totalBytes - doneBytes) / bytesPerSecond);
  const left = seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
  return `, ${(bytesPerSecond / 1e6).toFixed(1)} MB/s, ${left} left`;
}
