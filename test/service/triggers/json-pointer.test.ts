import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parsePointer, valueAt } from "../../../lib/service/triggers/json-pointer.ts";

const at = (document: unknown, pointer: string) => valueAt(document, parsePointer(pointer)!);

/** Escapes a token (RFC 6901, section 3). */
const escaped = (token: string) => token.replaceAll("~", "~0").replaceAll("/", "~1");

describe("pointers", () => {
  test("pointers resolve RFC 6901's own example, section 5", () => {
    const document = {
      foo: ["bar", "baz"],
      "": 0,
      "a/b": 1,
      "c%d": 2,
      "e^f": 3,
      "g|h": 4,
      "i\\j": 5,
      'k"l': 6,
      " ": 7,
      "m~n": 8,
    };
    const found = [
      "",
      "/foo",
      "/foo/0",
      "/",
      "/a~1b",
      "/c%d",
      "/e^f",
      "/g|h",
      "/i\\j",
      '/k"l',
      "/ ",
      "/m~0n",
    ];
    expect(found.map((pointer) => at(document, pointer))).toEqual([
      document,
      ["bar", "baz"],
      "bar",
      0,
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
    ]);
  });

  test("pointers reach every member of every JSON value, whatever its name", () => {
    const key = fc.oneof(
      fc.string(),
      fc.constantFrom("~1", "~01", "a/b", "__proto__", "constructor", "length", ""),
    );
    // JSON has no -0.
    const leafValue = fc.jsonValue().map((value): unknown => JSON.parse(JSON.stringify(value)));
    const run = fc.property(fc.array(key, { maxLength: 5 }), leafValue, (path, leaf) => {
      const document = path.reduceRight<unknown>(
        (value, name) => JSON.parse(`{${JSON.stringify(name)}:${JSON.stringify(value)}}`),
        leaf,
      );
      expect(at(document, path.map((token) => `/${escaped(token)}`).join(""))).toEqual(leaf);
    });
    fc.assert(run);
  });

  test.each(["a", "a/b", "#/a", "/~", "/~2", "/a~", "/a~b/c", " /a"])(
    "the text %j is not a pointer",
    (text) => {
      expect(parsePointer(text)).toBeNull();
    },
  );

  test.each([
    "/__proto__",
    "/constructor",
    "/constructor/prototype",
    "/toString",
    "/list/length",
    "/list/at",
    "/text/0",
    "/text/length",
    "/nothing/x",
    "/a/b",
  ])("an inherited member is not reached: %s", (pointer) => {
    expect(at({ list: [1], text: "abc", nothing: null, a: 1 }, pointer)).toBeUndefined();
  });

  test.each(["-", "01", "+1", "-1", "1.0", "1e0", " 1", "2", "99999999999999999999"])(
    "a pointer with the token %j reaches nothing in a list of two",
    (token) => {
      expect(at(["a", "b"], `/${token}`)).toBeUndefined();
    },
  );
});
