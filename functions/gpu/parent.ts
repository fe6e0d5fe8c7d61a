import type { JobProgress, JobRecord } from "../../lib/service/jobs/index.ts";
import type { FromGpu, ToGpu } from "./messages.ts";

/** Messages of the GPU function to a process that started it with an IPC channel, such as `npm start`. */

/** Returns whether there is such a process, or was. */
export function hasParent(): boolean {
  return process.send !== undefined;
}

/** Answers the pings of a parent. Before this the parent waits: it pings from the start. */
export function answerPings(fault: () => string | null): void {
  if (!hasParent()) return;
  process.on("message", ({ kind }: ToGpu) => {
    if (kind === "ping") tellParent({ kind: "alive", fault: fault() });
  });
}

export function tellOfChange({ tenant, id }: JobRecord): void {
  tellParent({ kind: "changed", ref: { tenant, id } });
}

export function tellOfProgress({ tenant, id, attempt }: JobRecord, progress: JobProgress): void {
  tellParent({ kind: "progress", ref: { tenant, id }, attempt, progress });
}

export function tellOfPreview({ tenant, id, attempt }: JobRecord, step: number, webp: Uint8Array): void {
  const base64 = Buffer.from(webp).toString("base64");
  tellParent({ kind: "preview", ref: { tenant, id }, attempt, step, webp: base64 });
}

/** Sends a message to the parent, if there is one. */
export function tellParent(message: FromGpu): void {
  // The callback ignores errors: the `disconnect` event reports a parent that has ended.
  if (process.connected) process.send!(message, undefined, undefined, () => undefined);
}
