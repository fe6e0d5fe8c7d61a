/** @typedef {{event: string, id: string, data: string}} StreamEvent */

/**
 * Reads the events of a stream (text/event-stream) as they come. A browser's EventSource cannot send a key.
 *
 * @param {NonNullable<Response["body"]>} body
 * @param {(retryMs: number) => void} onRetry called with the time after which the service wants to be asked again
 * @returns {AsyncGenerator<StreamEvent, void>}
 */
export async function* eventsOf(body, onRetry) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += value;
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const fields = fieldsOf(block);
        if (fields.retry) onRetry(Number(fields.retry));
        if (fields.event && fields.data)
          yield { event: fields.event, id: fields.id ?? "", data: fields.data };
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/**
 * @param {string} block
 * @returns {Record<string, string>}
 */
function fieldsOf(block) {
  return Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s).slice(0, 2)));
}
