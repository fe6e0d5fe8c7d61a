import type { MiddlewareHandler } from "hono";
import * as z from "zod";
import { VIDEO_ID } from "../../../lib/service/jobs/index.ts";
import { nameOf, wordings } from "../../../lib/shared/sentences/index.ts";
import type { ApiEnv } from "../env.ts";
import { ApiError } from "../problem.ts";
import { check, queryEntries } from "./body.ts";

export const listQuery = z.strictObject({
  after: z.string().regex(VIDEO_ID).register(wordings, { is: "the id of a video" }).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
  order: z.enum(["desc", "asc"]).default("desc").describe("The newest first, or the oldest."),
  status: z.enum(["queued", "in_progress", "completed", "failed"]).optional(),
});

type Given = Partial<Record<keyof z.infer<typeof listQuery> | `metadata[${string}]`, string>>;

export interface VideoFilter extends z.infer<typeof listQuery> {
  /** Metadata that a video must have: pairs of name and value. */
  readonly metadata: readonly (readonly [name: string, value: string])[];
}

const METADATA = /^metadata\[([^[\]]{1,64})\]$/;

/** Reads and validates the query of a list of videos; the handler gets it from `c.req.valid("query")`. */
export const videoFilter: MiddlewareHandler<
  ApiEnv,
  string,
  { in: { query: Given }; out: { query: VideoFilter } }
> = async function videoFilter(c, next) {
  const metadata: [name: string, value: string][] = [];
  const others: [name: string, value: string][] = [];
  for (const [name, value] of queryEntries(c.req)) {
    const [, key] = METADATA.exec(name) ?? [];
    if (key === undefined && /^metadata\b/.test(name)) {
      const what = `There is no field ${nameOf(name)}: write metadata[name]=value, with a name of yours.`;
      throw new ApiError("unknown_parameter", what, { param: name });
    }
    if (key === undefined) others.push([name, value]);
    else metadata.push([key, value]);
  }
  c.req.addValidatedData("query", { ...check(listQuery, Object.fromEntries(others), "The query"), metadata });
  await next();
};
