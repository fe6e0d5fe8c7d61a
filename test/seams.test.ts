import { expect, test } from "vitest";
import { filesNaming, namedParameters } from "../tools/seams.ts";

const FILES_MAX = 4;

test.each(namedParameters())(
  "the parameter $parameter is named in at most 4 files outside its declaration and use",
  (named) => {
    const files = filesNaming(named, ".");
    expect(files.length, files.join(", ")).toBeLessThanOrEqual(FILES_MAX);
  },
);

test("a file that names a parameter of several words is counted wherever it does so", () => {
  const guidance = { names: ["guidance_scale", "guidanceScale"], flags: ["guidance"] };
  expect(filesNaming(guidance, ".")).toContain("functions/api/routes/models.ts");
  expect(filesNaming({ names: ["no_such_parameter"], flags: [] }, ".")).toEqual([]);
});

test("a file is counted for a parameter of one word where it takes it out of a request", () => {
  const files = filesNaming({ names: ["model"], flags: [] }, ".");
  expect(files).toContain("functions/api/resolve-video.ts");
  expect(files).not.toContain("functions/cli/comparison-page.tsx");
});
