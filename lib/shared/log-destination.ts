import { type DestinationStream, pino } from "pino";

/** Of lines that could not be written; what is beyond is dropped. */
const KEPT_BYTES_MAX = 2 ** 20;

/**
 * Writes each line of a log at once. One that cannot be written, because the disk is full or the terminal was closed,
 * is tried again with the next line; it ends no process, and keeps none from ending.
 */
export function logDestination(fd: 1 | 2): DestinationStream {
  // What is not `sync` is flushed at the exit, and tried there for ever.
  const destination = pino.destination({ dest: fd, sync: true, maxLength: KEPT_BYTES_MAX });
  // There is no other place to say it.
  destination.on("error", () => undefined);
  return destination;
}
