import { expect, it } from "vitest";
import { checkReport } from "../../functions/cli/check-report.ts";
import type { LoraCheck } from "../../lib/generation/pipeline/index.ts";

function linesWith(loras: readonly LoraCheck[]): string[] {
  const check = {
    className: "WanPipeline",
    parts: [],
    videos: [],
    faults: [],
    notes: [],
    previews: null,
    loras,
  };
  const { text } = checkReport("wan", check, { bytes: 2 ** 30, mayBeGpu: false });
  return text.split("\n").filter((line) => line.startsWith("LoRA"));
}

it("the report of a check tells how many changes each LoRA makes to which transformer", () => {
  const counts = { lowRank: 20, differences: 1, biases: 2, leftOut: 0 };
  const changes = [
    { ...counts, transformer: 1 },
    { ...counts, leftOut: 4, transformer: 2 },
  ];
  expect(linesWith([{ name: "style", changes, fault: null }])).toEqual([
    "LoRA style: 23 changes of transformer 1, 23 changes of transformer 2, 4 entries left out",
  ]);
});

it("the report of a check tells why a LoRA cannot be used", () => {
  const fault = "loras/style.safetensors: it is a DoRA, which is not supported: only plain LoRA files are";
  expect(linesWith([{ name: "style", changes: [], fault }])).toEqual([`LoRA style cannot be used: ${fault}`]);
});
