import type { MiddlewareHandler } from "hono";
import type { RouterRoute } from "hono/types";
import type { z } from "zod";
import type { ApiEnv } from "../env.ts";
import { body, query } from "../middleware/body.ts";
import type { ProblemCode } from "../problem.ts";

/** Sections of the API reference, in its order. */
const TAGS = ["Videos", "Webhooks", "Triggers", "Models"] as const;

/** Description of a route for the API reference. `operation` attaches it to the route. */
export interface Declaration {
  readonly id: string;
  readonly tag: (typeof TAGS)[number];
  readonly summary: string;
  readonly description?: string;
  /** True if the route needs no API key. */
  readonly isPublic?: boolean;
  readonly query?: z.ZodObject;
  /** Schemas of the headers that it takes, by name. */
  readonly headers?: Readonly<Record<string, z.ZodType>>;
  readonly body?: z.ZodType;
  /** Schema of the JSON of a response with status 200. Other responses are in `responses`. */
  readonly returns?: z.ZodType;
  /** Responses that are not JSON or have another status than 200, by status. */
  readonly responses?: Readonly<Record<number, OtherResponse>>;
  readonly problems?: readonly ProblemCode[];
}

/** Successful response besides the usual JSON with status 200. */
export interface OtherResponse {
  readonly text: string;
  /** Schema of its JSON, if it is JSON. */
  readonly returns?: z.ZodType;
  /** Media type of its content, if it is not JSON. */
  readonly mediaType?: string;
}

/** Description of the usual answer, of which there is nothing more to say. */
export const DONE = "Done.";

/** Declared route with its method and path in the app. */
export interface Operation extends Declaration {
  readonly method: "get" | "post" | "delete";
  /** Path in OpenAPI's notation: `/v1/videos/{id}`. */
  readonly path: string;
}

const DECLARATION = Symbol("declaration");

interface Declaring {
  readonly [DECLARATION]?: Declaration;
}

/**
 * Declares a route. The returned middleware is the route's first handler; it reads and validates the declared body or
 * query, so the document describes exactly what is validated. A body has at most `bytesMax` bytes; `tooLarge` is
 * advice for a longer one.
 */
export function operation<Body extends z.ZodType>(
  declared: Declaration & {
    readonly body: Body;
    readonly bytesMax: number;
    readonly tooLarge?: string | undefined;
  },
): ReturnType<typeof body<Body>>;
export function operation<Query extends z.ZodObject>(
  declared: Declaration & { readonly query: Query; readonly body?: never },
): ReturnType<typeof query<Query>>;
export function operation(
  declared: Declaration & { readonly query?: never; readonly body?: never },
): MiddlewareHandler<ApiEnv>;
export function operation({
  bytesMax,
  tooLarge,
  ...declared
}: Declaration & {
  readonly bytesMax?: number;
  readonly tooLarge?: string | undefined;
}): MiddlewareHandler<ApiEnv> {
  if (declared.body) return declaredBy(declared, body(declared.body, { bytesMax: bytesMax!, tooLarge }));
  if (declared.query) return declaredBy(declared, query(declared.query));
  return declaredBy(declared, (_c, next) => next());
}

/** Declares a route whose request is read by the given middleware. */
export function declaredBy<Middleware extends MiddlewareHandler>(
  declared: Declaration,
  middleware: Middleware,
): Middleware {
  const own: MiddlewareHandler = (c, next) => middleware(c, next);
  return Object.assign(own, { [DECLARATION]: declared }) as unknown as Middleware;
}

/**
 * Returns the declared routes of an app in the order of the reference: by tag, routes that need no key last.
 *
 * @throws Error for a route under /v1 that is not declared
 */
export function operationsOf(routes: readonly RouterRoute[]): Operation[] {
  const found = new Map<string, Operation | null>();
  for (const { method, path, handler } of routes) {
    if (method === "ALL") continue;
    const place = `${method} ${path}`;
    const declared = (handler as Declaring)[DECLARATION];
    found.set(place, declared ? { ...declared, ...openApiPlace(method, path) } : (found.get(place) ?? null));
  }
  const undeclared = [...found.keys()].filter((place) => / \/v1\//.test(place) && !found.get(place));
  if (undeclared.length > 0) throw new Error(`These routes declare no operation: ${undeclared.join(", ")}.`);
  const rank = ({ tag, isPublic }: Operation) => TAGS.indexOf(tag) + (isPublic ? 0.5 : 0);
  return [...found.values()].filter((each) => each !== null).sort((a, b) => rank(a) - rank(b));
}

function openApiPlace(method: string, path: string): Pick<Operation, "method" | "path"> {
  return {
    method: method.toLowerCase() as Operation["method"],
    path: path.replaceAll(/:(\w+)/g, "{$1}"),
  };
}
