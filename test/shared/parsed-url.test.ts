import fc from "fast-check";
import { expect, it } from "vitest";
import { parsedUrl } from "../../lib/shared/parsed-url.ts";

/** More calls than it takes until a function is compiled. */
const CALLS = 30_000;

it("a name with letters such as ü stays a URL however often it is asked", () => {
  const text = "https://bücher.example/";
  const refused = Array.from({ length: CALLS }, () => parsedUrl(text)?.hostname).filter(
    (host) => host !== "xn--bcher-kva.example",
  );
  expect(refused).toEqual([]);
});

it("a text that is no URL has none, and a relative one is resolved against its base", () => {
  expect(parsedUrl("example.com")).toBeNull();
  expect(parsedUrl("")).toBeNull();
  expect(parsedUrl("../b", new URL("https://example.com/a/"))?.href).toBe("https://example.com/b");
});

it("no text makes it throw", () => {
  fc.assert(fc.property(fc.string(), (text) => void parsedUrl(text)));
});
