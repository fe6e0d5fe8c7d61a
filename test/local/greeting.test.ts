import { describe, expect, it } from "vitest";
import { greeting } from "../../functions/local/greeting.ts";

const url = "http://127.0.0.1:3000";

/** Returns the lines of a greeting that have an address or a key, and its last line. */
function said(firstKey: string | null, sessionKey: string | null) {
  const lines = greeting({ url, firstKey, sessionKey }).trimEnd().split("\n");
  return [lines[0], lines[1], ...lines.filter((line) => line.startsWith("export ")), lines.at(-1)];
}

describe("what a start prints", () => {
  it("the first start prints a key that stays to paste, and a link with one that ends", () => {
    expect(said("adr_first", "adr_session")).toEqual([
      `Adareel listens on ${url}`,
      `Playground: ${url}/#key=adr_session`,
      `export ADAREEL_URL=${url}`,
      "export ADAREEL_API_KEY=adr_first",
      "This API key stays valid and is not shown again; the playground's link works until the service stops (Ctrl-C).",
    ]);
  });

  it("a later start prints one key for both, and how to make one that stays", () => {
    expect(said(null, "adr_session").slice(1)).toEqual([
      `Playground: ${url}/#key=adr_session`,
      `export ADAREEL_URL=${url}`,
      "export ADAREEL_API_KEY=adr_session",
      "Link and API key work until the service stops (Ctrl-C); npm run keys -- create makes one that stays valid.",
    ]);
  });

  it("a start that others can reach has no key in the link", () => {
    expect(said("adr_first", null).slice(1)).toEqual([
      `Playground: ${url}/`,
      `export ADAREEL_URL=${url}`,
      "export ADAREEL_API_KEY=adr_first",
      "This API key stays valid and is not shown again.",
    ]);
    expect(said(null, null).slice(3)).toEqual([
      "export ADAREEL_API_KEY=adr_...",
      "The API key is one that was made earlier; npm run keys -- create makes another.",
    ]);
  });
});
