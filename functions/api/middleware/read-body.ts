import type { HonoRequest } from "hono";
import { ApiError } from "../problem.ts";

/**
 * Reads the bytes of a request's body and counts them as they arrive, because a length header may be wrong and a
 * chunked body has none.
 *
 * @param advice for a sender of more, which ends the sentence
 * @throws ApiError if there are more than `bytesMax`, or the connection breaks before the end
 */
export async function readBody(
  request: HonoRequest,
  bytesMax: number,
  advice?: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = () => new ApiError("body_too_large", tooLargeSentence(bytesMax, advice));
  if (Number(request.header("content-length") ?? 0) > bytesMax) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const reader = request.raw.body?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read().catch(truncated)) ?? { done: true };
    if (done) return Buffer.concat(chunks);
    bytes += value.length;
    if (bytes > bytesMax) {
      // The refusal does not wait for the rest of the body.
      reader?.cancel().catch(() => undefined);
      throw tooLarge();
    }
    chunks.push(value);
  }
}

/** Says that a body is too long. */
export function tooLargeSentence(bytesMax: number, advice?: string): string {
  return `The body may have at most ${bytesMax} bytes${advice === undefined ? "" : `: ${advice}`}.`;
}

function truncated(cause: unknown): never {
  throw new ApiError("invalid_json", "The body is incomplete: the connection ended too early.", { cause });
}
