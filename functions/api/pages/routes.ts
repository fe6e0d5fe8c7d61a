import { Hono } from "hono";
import type { ApiDeps, ApiEnv } from "../env.ts";

/** The pages a person looks at: the playground and the reference. */
export function pageRoutes(_deps: ApiDeps) {
  return new Hono<ApiEnv>();
}
