/** Event of a stream, as a client reads it. */
export interface ReadEvent {
  readonly event: string;
  readonly id: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Parses the text of a stream: events, without comments and without the time after which to come again. */
export function eventsIn(text: string): ReadEvent[] {
  return text.split("\n\n").flatMap((block) => {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1] ?? null;
    const data = field("data");
    return data === null
      ? []
      : [{ event: field("event") ?? "message", id: field("id"), data: JSON.parse(data) }];
  });
}

/** Reads events of a stream as they come, until it ends. */
export async function* eventsOf(answer: Response): AsyncGenerator<ReadEvent> {
  let text = "";
  for await (const part of answer.body!.pipeThrough(new TextDecoderStream())) {
    text += part;
    const end = text.lastIndexOf("\n\n");
    if (end < 0) continue;
    yield* eventsIn(text.slice(0, end + 2));
    text = text.slice(end + 2);
  }
}
