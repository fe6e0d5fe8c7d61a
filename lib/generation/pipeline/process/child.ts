/**
 * Child process that generates: opens one model and answers one request after another.
 *
 * It exists so that a generation can be killed, because onnxruntime cannot be interrupted inside a run. It exits when
 * its parent exits, for whatever reason.
 */
import { CheckpointError } from "../../checkpoint/index.ts";
import { SessionError } from "../../onnx/index.ts";
import { GenerationError, type GenerationFault } from "../errors.ts";
import { openPipeline, type Pipeline } from "../pipeline.ts";
import type { Progress } from "../progress.ts";
import type { FromChild, ToChild } from "./messages.ts";

let pipeline: Pipeline | null = null;
let running: AbortController | null = null;

// A terminal sends Ctrl-C to the whole process group; only the parent decides how to react.
process.on("SIGINT", () => undefined);
process.on("disconnect", () => process.exit(0));
process.on("message", (message: ToChild) => {
  if (message.kind === "cancel") return running?.abort();
  answer(message).then(send, (error: unknown) => send(failure(error)));
});

async function answer(message: Exclude<ToChild, { kind: "cancel" }>): Promise<FromChild> {
  if (message.kind === "open") {
    pipeline = await openPipeline(message.folder, message.options);
    return { kind: "opened", model: pipeline.model, limits: pipeline.limits };
  }
  running = new AbortController();
  const { signal } = running;
  const onProgress = (progress: Progress) => send({ kind: "progress", progress });
  if (message.kind === "measure") {
    return { kind: "measured", trial: await pipeline!.measure(message.request, { signal, onProgress }) };
  }
  const generation = await pipeline!.generate(message.request, {
    signal,
    onProgress,
    ...(message.isWatched && { onPreview: (preview) => send({ kind: "preview", preview }) }),
  });
  return { kind: "generated", generation };
}

function send(message: FromChild): void {
  // The parent may be gone; then `disconnect` ends this process.
  if (process.connected) process.send!(message, undefined, undefined, () => undefined);
}

function failure(error: unknown): FromChild {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { kind: "failed", name, message, fault: faultOf(error) };
}

function faultOf(error: unknown): GenerationFault | null {
  if (error instanceof GenerationError) return error.fault;
  if (error instanceof CheckpointError) return "bad_files";
  const isLost =
    error instanceof SessionError && (error.fault === "device_lost" || error.fault === "no_adapter");
  return isLost ? "device_lost" : null;
}
