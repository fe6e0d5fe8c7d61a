import { describe, expect, test } from "vitest";
import { filesNaming, namedParameters } from "../tools/seams.ts";

const FILES_MAX = 4;

describe("a parameter of a request", () => {
  test.each(namedParameters())(
    "$parameter is named in at most 4 files outside its declaration and use",
    (named) => {
      const files = filesNaming(named, ".");
      expect(files.length, files.join(", ")).toBeLessThanOrEqual(FILES_MAX);
    },
  );

  test("of several words is found wherever code names it, and not where a comment does", () => {
    const names = { names: ["guidance_scale", "guidanceScale"], flags: ["guidance"] };
    expect(filesNaming(names, ".")).toContain("functions/api/routes/models.ts");
    expect(filesNaming({ names: ["no_such_parameter"], flags: [] }, ".")).toEqual([]);
  });
});
