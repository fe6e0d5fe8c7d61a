import type { Video } from "./routes.ts";

/** What has changed of a video since the event before. */
export interface VideoProgress {
  readonly status: Video["status"];
  /** Worker that makes it, counted from 1. The next one begins anew. */
  readonly attempt: number;
  readonly queue_position: number | null;
  readonly stage: string | null;
  /** Denoising steps in all, those that are done, and the computed ones among these. */
  readonly steps: number | null;
  readonly steps_done: number | null;
  readonly steps_computed: number | null;
  readonly seconds_left: number | null;
  /** Steps that ended since the event before. */
  readonly taken: readonly { readonly step: number; readonly computed: boolean }[];
}

/** Event of a video that is being made. */
export type VideoEvent =
  | { readonly event: "status"; readonly data: Video }
  | { readonly event: "progress"; readonly data: VideoProgress }
  /** Small moving picture of what it becomes, as a `data:` URL. */
  | { readonly event: "preview"; readonly data: { readonly step: number; readonly data: string } }
  | { readonly event: "deleted"; readonly data: { readonly id: string } };

/** Message of a stream of events, and what else the stream has said before it. */
export interface StreamMessage {
  readonly event: string;
  readonly data: string;
  /** Id after which the stream goes on. */
  readonly id: string;
  /** Milliseconds after which to come again. */
  readonly retryMs: number | null;
}

/** Reads the messages of a stream of Server-Sent Events. */
export async function* messagesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamMessage> {
  let rest = "";
  let id = "";
  let retryMs: number | null = null;
  let fields: { event: string; data: string[] } = { event: "message", data: [] };
  const reader = body
    .pipeThrough(new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>)
    .getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + value).split(/\r\n|\n/);
      rest = lines.pop()!;
      for (const line of lines) {
        const [, name = "", text = ""] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
        if (line === "") {
          if (fields.data.length > 0)
            yield { event: fields.event, data: fields.data.join("\n"), id, retryMs };
          fields = { event: "message", data: [] };
        } else if (name === "data") fields.data.push(text);
        else if (name === "event") fields.event = text;
        else if (name === "id") id = text;
        else if (name === "retry" && /^\d+$/.test(text)) retryMs = Number(text);
      }
    }
  } finally {
    // A reader that stops early frees its place at the service.
    await reader.cancel().catch(() => undefined);
  }
}
