/** @jsxImportSource hono/jsx */
import type { ApiDeps } from "../../env.ts";
import type { openApiOnce } from "../../openapi/document.ts";
import { ReferenceFrame } from "./frame.tsx";
import { ADDRESS } from "./parts.tsx";
import { referencePages } from "./reference.tsx";
import { type SearchEntry, searchEntries } from "./search-entries.ts";

/** Address that the pages show if that of the request cannot be pasted into a shell safely. */
const USUAL_ADDRESS = "http://127.0.0.1:3000";

/**
 * Makes the pages of the reference at the first request and keeps them, because they only change with the code. The
 * address of the server is filled in for each request, so that the quick start is right without scripts.
 */
export function referenceOnce(deps: ApiDeps, document: ReturnType<typeof openApiOnce>) {
  let made: ReturnType<typeof referencePages> | null = null;
  let found: SearchEntry[] | null = null;
  const rendered = new Map<string, string>();
  const pages = () => {
    made ??= referencePages(deps, document());
    return made;
  };
  return {
    /** Resolves to the HTML of the page at a path, or to null if there is none. */
    async page(path: string, { origin, host }: URL): Promise<string | null> {
      const page = pages().find((each) => each.path === path);
      if (!page) return null;
      const text =
        rendered.get(path) ??
        `<!doctype html>${await (<ReferenceFrame page={page} pages={pages()} />).toString()}`;
      rendered.set(path, text);
      return text.replaceAll(ADDRESS, () => (/^[\w.:[\]-]+$/.test(host) ? origin : USUAL_ADDRESS));
    },
    entries(): SearchEntry[] {
      found ??= searchEntries(pages());
      return found;
    },
  };
}
