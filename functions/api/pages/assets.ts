import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { COMMON_STYLE, PLAYER_SCRIPT } from "../../../lib/shared/page/index.ts";

export interface Asset {
  readonly text: string;
  readonly contentType: string;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Scripts, styles and pictures of the pages, by name under /assets/. Each file is read once and served unchanged. */
export const ASSETS: ReadonlyMap<string, Asset> = new Map(
  [
    COMMON_STYLE,
    PLAYER_SCRIPT,
    new URL("./browser/style.css", import.meta.url),
    new URL("./browser/playground.css", import.meta.url),
    new URL("./browser/icon.svg", import.meta.url),
    new URL("./browser/address.js", import.meta.url),
    new URL("./browser/api.js", import.meta.url),
    new URL("./browser/cache-field.js", import.meta.url),
    new URL("./browser/chart.js", import.meta.url),
    new URL("./browser/codebook.js", import.meta.url),
    new URL("./browser/controls.js", import.meta.url),
    new URL("./browser/copy.js", import.meta.url),
    new URL("./browser/deletion.js", import.meta.url),
    new URL("./browser/deliveries.js", import.meta.url),
    new URL("./browser/dom.js", import.meta.url),
    new URL("./browser/draft.js", import.meta.url),
    new URL("./browser/events.js", import.meta.url),
    new URL("./browser/follow.js", import.meta.url),
    new URL("./browser/form.js", import.meta.url),
    new URL("./browser/heading.js", import.meta.url),
    new URL("./browser/language.js", import.meta.url),
    new URL("./browser/picture-field.js", import.meta.url),
    new URL("./browser/playground.js", import.meta.url),
    new URL("./browser/progress.js", import.meta.url),
    new URL("./browser/recent.js", import.meta.url),
    new URL("./browser/reference.css", import.meta.url),
    new URL("./browser/reference.js", import.meta.url),
    new URL("./browser/request-code.js", import.meta.url),
    new URL("./browser/result.js", import.meta.url),
    new URL("./browser/search.js", import.meta.url),
    new URL("./browser/snippets.js", import.meta.url),
    new URL("./browser/stage.js", import.meta.url),
    new URL("./browser/verify.css", import.meta.url),
    new URL("./browser/verify.js", import.meta.url),
  ].map((url) => {
    const name = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
    return [name, { text: readFileSync(url, "utf8"), contentType: CONTENT_TYPES[extname(name)]! }];
  }),
);
