import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { recipeNames } from "../../lib/distribution/hub/index.ts";
import { PAGES } from "./blocks.ts";

/** Names of the models that are in the repository or can be added to it. */
const names = ["demo", ...recipeNames];

test("every model that a page names can be added by this name", () => {
  const strangers = PAGES.flatMap((page) => {
    const text = readFileSync(page, "utf8");
    const named = text.matchAll(
      /(?:models add|models -- add|--model|\bmodel=|models\/)[ ]?([a-z][\w.-]*\d[\w.-]*)/g,
    );
    return [...named].map(([, name]) => name!.replace(/[.-]$/, "")).filter((name) => !isOurs(name));
  });
  expect(strangers).toEqual([]);
});

test("the README names every model", () => {
  const readme = readFileSync("README.md", "utf8");
  expect(recipeNames.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
});

/** Returns whether a name is that of a model, or of one of its sizes or precisions, as in latte-1-float16. */
function isOurs(name: string): boolean {
  return names.some((known) => name === known || name.startsWith(`${known}-`));
}
