import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { codebookFor } from "../../../lib/generation/caching/codebook.ts";
import { parseCachePolicy } from "../../../lib/generation/caching/index.ts";

const folder = join(import.meta.dirname, "../../../codebooks");
const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
const read = (name: string) => JSON.parse(readFileSync(join(folder, name), "utf8"));
const stepsOf = (name: string) => Number(/-(\d+)-steps-/.exec(name)![1]);

describe("the codebooks that come with the program", () => {
  it.each(files)("the codebook %s is accepted, for the steps in its name, and names its origin", (name) => {
    const file = read(name);
    const steps = stepsOf(name);
    expect(parseCachePolicy(file, { steps, motion: true }).name).toBe(file.name);
    expect(file.name).toContain(`${steps} steps`);
    expect(file.origin).toMatch(/^(AdaCache \(arXiv 2411\.02397\)|models calibrate)/);
  });

  it.each(files.filter((name) => name.startsWith("open-sora")))(
    "the codebook %s equals the authors'",
    (name) => {
      const steps = stepsOf(name);
      const { options } = parseCachePolicy(read(name), { steps, motion: true });
      expect(options.codebook).toEqual(codebookFor(name.includes("fast") ? "fast" : "slow", steps));
    },
  );
});
