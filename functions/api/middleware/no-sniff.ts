import { createMiddleware } from "hono/factory";

/** Header that forbids browsers to take an answer for anything but its content type. */
export const NO_SNIFF = { "x-content-type-options": "nosniff" } as const;

/** Adds {@link NO_SNIFF} to every answer. */
export function noSniff() {
  return createMiddleware(async function noSniff(c, next) {
    // Set before the answer is made: Hono would copy a finished one as a stream.
    for (const [name, value] of Object.entries(NO_SNIFF)) c.header(name, value);
    return next();
  });
}
