import { ApiError } from "../problem.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Parses JSON in UTF-8.
 *
 * @param whole name of the text in the error, such as `The body`
 * @throws ApiError that says where the text stops being JSON, where that is known
 */
export function parseJson(bytes: Uint8Array, whole: string): unknown {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch (cause) {
    throw new ApiError("invalid_json", `${whole} is not text in UTF-8.`, { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    const { message } = cause as SyntaxError;
    throw new ApiError("invalid_json", `${whole} is not JSON${faultIn(text, message)}.`, { cause });
  }
}

/** Describes where a text stops being JSON, from what the parser says; the text itself is not repeated. */
function faultIn(text: string, message: string): string {
  if (text.trim() === "") return ": it is blank";
  const position = / at position (\d+)/.exec(message)?.[1];
  if (position === undefined) return /\bend of\b/i.test(message) ? ": it ends too early" : "";
  const before = text.slice(0, Number(position)).split("\n");
  const place = `line ${before.length}, character ${before.at(-1)!.length + 1}`;
  if (Number(position) >= text.length) return `: it ends too early, at ${place}`;
  const next = text.charAt(Number(position));
  const advice = /['\p{L}_$]/u.test(next) ? ": names and texts stand in double quotes" : "";
  return ` from ${place} on${advice}`;
}
