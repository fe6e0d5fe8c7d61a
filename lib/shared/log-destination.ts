import { type DestinationStream, pino } from "pino";

/** Limit of buffered lines that could not be written. Further lines are dropped. */
const KEPT_BYTES_MAX = 2 ** 20;

/**
 * Returns a destination that writes each log line at once. A line that cannot be written, because the disk is full or
 * the terminal was closed, is tried again with the next line. It neither ends the process nor keeps it from exiting.
 */
export function logDestination(fd: 1 | 2): DestinationStream {
  // Without `sync`, lines are flushed at exit, and a line that cannot be written is then retried forever.
  const destination = pino.destination({ dest: fd, sync: true, maxLength: KEPT_BYTES_MAX });
  // A failed log line cannot be logged.
  destination.on("error", () => undefined);
  return destination;
}
