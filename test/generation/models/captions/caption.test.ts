import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cleanCaption, tidyCaption } from "../../../../lib/generation/models/captions/caption.ts";

interface Case {
  readonly caption: string;
  readonly clean: string;
  readonly tidy: string;
}

/** Golden captions that diffusers rewrote (tools/golden/captions.py). */
const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../../golden/text/captions.json"), "utf8"),
) as Record<"common" | "nasty" | "other", Case[]>;
const same = [...golden.common, ...golden.nasty];

describe("a caption", () => {
  it("a caption is cleaned as diffusers cleans it for Latte, byte by byte", () => {
    const ours = same.map(({ caption }) => ({ caption, clean: cleanCaption(caption) }));
    expect(ours).toEqual(same.map(({ caption, clean }) => ({ caption, clean })));
  });

  it("a caption is tidied as diffusers tidies it for Wan, byte by byte", () => {
    const ours = same.map(({ caption }) => ({ caption, tidy: tidyCaption(caption) }));
    expect(ours).toEqual(same.map(({ caption, tidy }) => ({ caption, tidy })));
  });

  it("a caption keeps what diffusers would guess at: mojibake, a bracket in an attribute", () => {
    const ours = golden.other.map(({ caption }) => [cleanCaption(caption), tidyCaption(caption)]);
    expect(ours).toEqual([
      ["cafã in zã¼rich", "cafÃ© in ZÃ¼rich"],
      ["the mona lisa doesnâ€ t smile", "the Mona Lisa doesnâ€™t smile"],
      ['b"> picture', '<img alt="a > b"> picture'],
    ]);
    for (const [i, { clean, tidy }] of golden.other.entries()) expect(ours[i]).not.toEqual([clean, tidy]);
  });

  it("a caption is read only as far as any encoder reads", () => {
    const long = "a.".repeat(10_000);
    expect(cleanCaption(long)).toBe(cleanCaption(long.slice(0, 8192)));
    expect(tidyCaption(long)).toBe(long.slice(0, 8192));
  });
});
