import { expect, test } from "vitest";
import { previewReport } from "../../../tools/bench/previews/report.ts";
import type { PreviewResults } from "../../../tools/bench/previews/results.ts";

const RESULTS: PreviewResults = {
  kind: "previews",
  circumstances: {
    command: "npm run bench -- previews",
    date: "2026-11-30",
    machine: {
      processor: "a processor",
      cores: 2,
      memoryBytes: 2 ** 34,
      platform: "linux x64",
      node: "v22.1.0",
      packages: {},
    },
    loadBefore: 0.1,
    model: { name: "demo", sha256: "0".repeat(64) },
  },
  demo: {
    rms: 30,
    r2: 0.75,
    stepMs: 50,
    previewMs: 0.5,
    firstMs: 10,
    psnr: [12, 14, 16, 18],
    prompts: 3,
    bytes: 1400,
  },
  sizes: [{ name: "Wan", width: 104, height: 60, places: 9, previewMs: 40, pixelBytes: 149_760 }],
  encoded: [{ width: 104, height: 60, frames: 8, bytes: 5600 }],
};

test("the report on previews tells cost, share, quality by step, and bytes", () => {
  const report = previewReport(RESULTS);
  expect(report).toContain("| Wan | 104x60, 8 frames | 9 | 40.0 | 150 |");
  expect(report).toContain("takes 0.50 ms, 1.0 % of a computed step of 50.0 ms");
  expect(report).toContain("| after step | 1 | 2 | 3 |");
  expect(report).toContain("| mean, dB | 12.0 | 14.0 | 16.0 |");
  expect(report).toContain("1.4 kB");
  expect(report).toContain("5.6 kB at 104x60x8");
});
