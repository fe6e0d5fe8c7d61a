/**
 * The process that generates: opens one model and answers one request after another.
 *
 * It exists so that a generation can be killed: onnxruntime cannot be interrupted inside a run. It goes when
 * its parent goes, whatever ended that.
 */
import { RequestError } from "./errors.ts";
import type { FromChild, ToChild } from "./messages.ts";
import { openPipeline, type Pipeline } from "./pipeline.ts";

let pipeline: Pipeline | null = null;
const running = new Map<number, AbortController>();

// A terminal sends Ctrl-C to the whole group; only the parent decides what it means.
process.on("SIGINT", () => undefined);
process.on("disconnect", () => process.exit(0));
process.on("message", (message: ToChild) => {
  handle(message).catch((error: unknown) =>
    send({ kind: "failed", id: idOf(message), error: describe(error) }),
  );
});

async function handle(message: ToChild): Promise<void> {
  switch (message.kind) {
    case "open":
      pipeline = await openPipeline(message.folder, message.options);
      return send({ kind: "opened", model: pipeline.model, limits: pipeline.limits });
    case "generate":
      return generate(message);
    case "cancel":
      running.get(message.id)?.abort();
      return;
  }
}

async function generate({ id, request }: Extract<ToChild, { kind: "generate" }>): Promise<void> {
  const controller = new AbortController();
  running.set(id, controller);
  try {
    const generation = await pipeline!.generate(request, {
      signal: controller.signal,
      onProgress: (progress) => send({ kind: "progress", id, progress }),
    });
    send({ kind: "generated", id, generation });
  } finally {
    running.delete(id);
  }
}

function send(message: FromChild): void {
  // The parent may be gone; then `disconnect` ends this process.
  if (process.connected) process.send!(message, undefined, undefined, () => undefined);
}

function idOf(message: ToChild): number | null {
  return message.kind === "open" ? null : message.id;
}

function describe(error: unknown): { name: string; message: string; isRequestError: boolean } {
  if (!(error instanceof Error)) return { name: "Error", message: String(error), isRequestError: false };
  return { name: error.name, message: error.message, isRequestError: error instanceof RequestError };
}
