import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { PAGES } from "./blocks.ts";

/** Pages with links, besides those with blocks that are run. */
const pages = [...PAGES, "CONTRIBUTING.md", "SECURITY.md"];

/** Returns the anchor that GitHub gives a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

test("every link of the documentation leads to a file or a heading that is there", () => {
  const broken = pages.flatMap((page) => {
    const links = readFileSync(page, "utf8").matchAll(/\]\((?!https?:)([^)\s]+)\)/g);
    return [...links]
      .map(([, link]) => link!)
      .filter((link) => !leads(page, link))
      .map((link) => `${page}: ${link}`);
  });
  expect(broken).toEqual([]);
});

test("every page of docs/ is in the index", () => {
  const index = readFileSync("docs/README.md", "utf8");
  const listed = (page: string) =>
    index.includes(`](${page.startsWith("docs/") ? page.slice(5) : `../${page}`})`);
  expect(pages.filter((page) => page !== "docs/README.md" && !listed(page))).toEqual([]);
});

function leads(page: string, link: string): boolean {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? page : join(dirname(page), path);
  if (!existsSync(target)) return false;
  if (anchor === undefined) return true;
  const headings = readFileSync(target, "utf8").matchAll(/^#+ (.*)$/gm);
  return [...headings].some(([, heading]) => anchorOf(heading!) === anchor);
}
