import { Hono } from "hono";
import { etag } from "hono/etag";
import { html } from "hono/html";
import { ProvenanceError, verificationLines, verifyBytes } from "../../lib/generation/provenance/index.ts";
import type { ApiKeys } from "../../lib/service/keys/index.ts";
import type { ApiEnv } from "../api/env.ts";
import { authenticate } from "../api/middleware/authenticate.ts";
import { readBody } from "../api/middleware/read-body.ts";
import { pageHeaders } from "../api/pages/content-policy.ts";
import { verifyPage } from "../api/pages/verify.tsx";
import { ApiError, problemResponse } from "../api/problem.ts";

/** Bytes of the largest video that the page checks; the command takes files of any size. */
const BYTES_MAX = 256 * 2 ** 20;
/** Videos that are checked at once, since each is held in memory. */
const CHECKS_MAX = 2;

/**
 * Routes of the page that checks videos: the page, and what it sends files to. They exist on a machine alone, because
 * neither the library nor a video fits at the edge.
 */
export function verifyRoutes(keys: ApiKeys, { bytesMax = BYTES_MAX }: { readonly bytesMax?: number } = {}) {
  let checks = 0;
  return new Hono<ApiEnv>()
    .get("/", pageHeaders, etag(), (c) => c.html(html`<!doctype html>${verifyPage({ bytesMax })}`))
    .post("/", authenticate(keys), async (c) => {
      if (checks >= CHECKS_MAX) {
        throw new ApiError("queue_full", "Other videos are being checked: send this one again in a moment.", {
          headers: { "retry-after": "2" },
        });
      }
      checks += 1;
      try {
        const advice = "check a larger file with npm run verify -- FILE";
        const verification = await verifyBytes(await readBody(c.req, bytesMax, advice));
        return c.json({ ...verification, lines: verificationLines(verification) });
      } finally {
        checks -= 1;
      }
    })
    .onError((error, c) => {
      if (error instanceof ApiError) return problemResponse(c, error);
      if (!(error instanceof ProvenanceError)) throw error;
      return problemResponse(c, new ApiError("unsupported_media_type", error.message, { cause: error }));
    });
}
