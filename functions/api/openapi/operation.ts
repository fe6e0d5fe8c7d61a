import type { z } from "zod";
import type { ProblemCode } from "../problem.ts";

/** What the reference says of one route; `app.ts` has the routes themselves, and a test holds the two together. */
export interface Operation {
  readonly method: "get" | "post" | "delete";
  /** As OpenAPI writes it: `/v1/videos/{id}`. */
  readonly path: string;
  readonly id: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** Whether it wants an API key; most do. */
  readonly isPublic?: boolean;
  readonly query?: z.ZodObject;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: z.ZodType;
  /** The JSON of a success; for anything else see `response`. */
  readonly returns?: z.ZodType;
  /** Answers that are not JSON, by status. */
  readonly responses?: Readonly<Record<number, string>>;
  readonly problems?: readonly ProblemCode[];
}
