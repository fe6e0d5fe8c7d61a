import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { type Comparison, comparisonPage } from "../../functions/cli/comparison-page.tsx";
import { assertWellFormed } from "../generation/chart/markup.ts";
import { sampleTrace } from "../generation/chart/sample-trace.ts";

const comparison: Comparison = {
  prompt: "a red circle moves fast to the left",
  seed: 7,
  cached: { videoBytes: Buffer.from("cached"), mime: "video/mp4", seconds: 3.2, trace: sampleTrace("fast") },
  uncached: { videoBytes: Buffer.from("uncached"), mime: "video/mp4", seconds: 8, trace: sampleTrace("off") },
  psnr: 31.416,
  ssim: 0.98765,
};
const page = comparisonPage(comparison);
const policy = page.match(/"Content-Security-Policy" content="([^"]*)"/)![1]!.replaceAll("&#39;", "'");
const computed = comparison.cached.trace.schedule.filter((step) => step.computed).length;

test("the page is well-formed", () => {
  assertWellFormed(page);
});

test("the page holds both videos whole", () => {
  const sources = [...page.matchAll(/<video src="data:video\/mp4;base64,([^"]*)"/g)];
  expect(sources.map(([, source]) => Buffer.from(source!, "base64").toString())).toEqual([
    "cached",
    "uncached",
  ]);
});

test("the page references nothing outside itself", () => {
  const addresses = page.match(/[a-z]+:\/\/[^\s"']+/g) ?? [];
  expect(addresses).toEqual(["http://www.w3.org/2000/svg"]);
  expect(page).not.toMatch(/<link|@import|url\(|src="(?!data:)/);
  expect(policy).toContain("default-src 'none'");
});

test("the content policy allows the one script of the page and no other", () => {
  const scripts = [...page.matchAll(/<script>(.*?)<\/script>/gs)];
  expect(scripts.length).toBe(1);
  const hash = createHash("sha256").update(scripts[0]![1]!).digest("base64");
  expect(policy.match(/script-src (.*)$/)![1]).toBe(`'sha256-${hash}'`);
});

test("the page shows speed-up, computed steps, PSNR and SSIM", () => {
  for (const text of ["2.50×", "3.20 s instead of 8.00 s", `${computed} of 30`, "31.42 dB", "0.9877"]) {
    expect(page).toContain(`>${text}<`);
  }
});

test("the page tells the warm-up, and which steps are computed because of it", () => {
  expect(page).toContain(" The first step and the last two always are.");
  expect(page).not.toContain("warm-up");
  const { cached } = comparison;
  const warm = comparisonPage({
    ...comparison,
    cached: { ...cached, trace: { ...cached.trace, warmup: 5 } },
  });
  expect(warm).toContain(" · warm-up 5</p>");
  expect(warm).toContain(" The first 5 steps and the last two always are.");
});

test("identical videos are called identical, and have no PSNR of Infinity", () => {
  const identical = comparisonPage({ ...comparison, psnr: Infinity, ssim: 1 });
  expect(identical).toContain(">identical<");
  expect(identical).not.toContain("Infinity");
});

test("the table has a row per step, and numbers only where something was measured", () => {
  const rows = [...page.matchAll(/<tr class="(computed|reused)">(.*?)<\/tr>/g)];
  expect(rows.length).toBe(30);
  expect(rows.filter(([, kind]) => kind === "computed").length).toBe(computed);
  const reused = rows.filter(([, kind]) => kind === "reused").map(([, , cells]) => cells);
  expect(reused.every((cells) => cells!.endsWith("<td></td>".repeat(5)))).toBe(true);
});

test("markup in a prompt is shown as text everywhere", () => {
  const prompt = `</h1><script>alert("1")</script> & '<img src=x>`;
  const hostile = comparisonPage({ ...comparison, prompt });
  assertWellFormed(hostile);
  expect(hostile.match(/<script/g)!.length).toBe(1);
  const escaped = "&lt;/h1&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;&lt;img src=x&gt;";
  expect(hostile).toContain(`<h1>${escaped}</h1>`);
  expect(hostile).toContain(`<title>${escaped} `);
});

test("animated WebPs are shown as pictures", () => {
  const webp = { mime: "image/webp" } as const;
  const { cached, uncached } = comparison;
  const pictures = comparisonPage({
    ...comparison,
    cached: { ...cached, ...webp },
    uncached: { ...uncached, ...webp },
  });
  assertWellFormed(pictures);
  expect(pictures.match(/<img src="data:image\/webp;base64,[^"]+" alt="[^"]+"\/>/g)!.length).toBe(2);
  expect(pictures).not.toContain("<video ");
});
