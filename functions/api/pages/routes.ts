import { Hono } from "hono";
import { etag } from "hono/etag";
import { html } from "hono/html";
import type { ApiDeps, ApiEnv } from "../env.ts";
import type { openApiOnce } from "../openapi/document.ts";
import { nothingHere } from "../problem.ts";
import { ASSETS } from "./assets.ts";
import { pageHeaders } from "./content-policy.ts";
import { playground } from "./playground.tsx";
import { referenceOnce } from "./reference/rendered.tsx";

/** Routes of the pages for people: the playground and the API reference. They load nothing from another host. */
export function pageRoutes(deps: ApiDeps, document: ReturnType<typeof openApiOnce>) {
  const reference = referenceOnce(deps, document);
  return new Hono<ApiEnv>()
    .get("/", pageHeaders, etag(), (c) => c.html(html`<!doctype html>${playground(deps)}`))
    .get("/docs/search.json", etag(), (c) => c.json(reference.entries()))
    .on("GET", ["/docs", "/docs/:page"], pageHeaders, etag(), async (c) => {
      const page = await reference.page(c.req.path, new URL(c.req.url));
      if (page === null) throw nothingHere();
      return c.html(page);
    })
    .get("/assets/:name", pageHeaders, etag(), (c) => {
      const asset = ASSETS.get(c.req.param("name"));
      if (!asset) throw nothingHere();
      return c.body(asset.text, 200, { "content-type": asset.contentType, "cache-control": "no-cache" });
    });
}
