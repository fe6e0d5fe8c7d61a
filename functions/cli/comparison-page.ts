import { createHash } from "node:crypto";
import {
  type CacheTrace,
  columnsOf,
  explanationOf,
  optionNotes,
  optionsOf,
} from "../../lib/generation/caching/index.ts";
import { escapeHtml, scheduleChart } from "../../lib/generation/chart/index.ts";
import { SCRIPT, STYLE } from "./comparison-assets.ts";

export interface ComparedVideo {
  readonly videoBytes: Uint8Array;
  /** A WebP is what there is where no H.264 encoder was found. */
  readonly mime: "video/mp4" | "image/webp";
  /** Wall-clock time of denoising, the stage that caching shortens. */
  readonly seconds: number;
  readonly trace: CacheTrace;
}

export interface Comparison {
  readonly prompt: string;
  readonly seed: number;
  readonly cached: ComparedVideo;
  readonly uncached: ComparedVideo;
  /** Of the decoded frames, in dB; Infinity when they are identical. */
  readonly psnr: number;
  readonly ssim: number;
}

/**
 * One HTML file that shows a video made with a cache beside the same one made without: both videos in step,
 * what the cache saved and cost, and its schedule. It holds everything it needs and its content policy lets
 * it ask for nothing.
 */
export function comparisonPage(comparison: Comparison): string {
  const { prompt, seed, cached, uncached } = comparison;
  const { model, cache, steps } = cached.trace;
  const options = optionNotes(optionsOf(cached.trace));
  const about = [model, `seed ${seed}`, `${steps} steps`, `cache ${cache}`, ...options];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${contentPolicy()}">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(prompt)} · with and without cache</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(prompt)}</h1>
<p class="about">${about.map(escapeHtml).join(" · ")}</p>
<div class="pair">
${figure("With cache", cached)}
${figure("Without cache", uncached)}
</div>
<div class="player" role="group" aria-label="Both videos">
<button type="button" hidden>Pause</button>
<label hidden>Position <input type="range" min="0" max="1000" value="0"></label>
<label><input type="checkbox" id="sharp"> Sharp pixels</label>
</div>
${figures(comparison)}
<h2>Schedule</h2>
<p class="note">${escapeHtml(explanationOf(cached.trace))}</p>
<div class="wide" tabindex="0" role="region" aria-label="Chart of the schedule">${scheduleChart(cached.trace)}</div>
<details>
<summary>The same in numbers</summary>
<div class="wide" tabindex="0" role="region" aria-label="Table of the schedule">${table(cached.trace)}</div>
</details>
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

/**
 * Nothing from a network, and no script but ours: a prompt that slipped through the escaping could still not
 * run.
 */
function contentPolicy(): string {
  const script = createHash("sha256").update(SCRIPT).digest("base64");
  return `default-src 'none'; media-src data:; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${script}'`;
}

function figure(name: string, { videoBytes, mime, seconds, trace }: ComparedVideo): string {
  const source = `src="data:${mime};base64,${Buffer.from(videoBytes).toString("base64")}"`;
  const media =
    mime === "image/webp"
      ? `<img ${source} alt="${name}: the video, looping">`
      : `<video ${source} aria-label="${name}" autoplay loop muted playsinline controls></video>`;
  const steps = `${computedSteps(trace)} of ${trace.steps} steps computed`;
  return `<figure>${media}<figcaption><strong>${name}</strong><span>denoised in ${formatSeconds(seconds)}, ${steps}</span></figcaption></figure>`;
}

function figures({ cached, uncached, psnr, ssim }: Comparison): string {
  const times = `${formatSeconds(cached.seconds)} instead of ${formatSeconds(uncached.seconds)}`;
  const computed = computedSteps(cached.trace);
  const rows: [name: string, value: string, meaning: string][] = [
    ["Speed-up of denoising", `${(uncached.seconds / cached.seconds).toFixed(2)}×`, times],
    ["Computed steps", `${computed} of ${cached.trace.steps}`, `${cached.trace.steps - computed} reused`],
    [
      "PSNR",
      Number.isFinite(psnr) ? `${psnr.toFixed(2)} dB` : "identical",
      Number.isFinite(psnr) ? "against the video without cache" : "no pixel differs",
    ],
    ["SSIM", ssim.toFixed(4), "1 is the video without cache"],
  ];
  const cards = rows.map(
    ([name, value, meaning]) => `<div><dt>${name}</dt><dd>${value}</dd><dd>${meaning}</dd></div>`,
  );
  return `<dl class="figures">${cards.join("")}</dl>`;
}

function table({ schedule }: CacheTrace): string {
  const columns = columnsOf(schedule);
  const names = ["Step", "Kind", ...columns.map(({ label }) => label)];
  const head = names.map((name) => `<th scope="col">${name}</th>`);
  const rows = schedule.map((step) => {
    const values: Readonly<Record<string, unknown>> = step;
    const numbers = columns.map(({ key }) => `<td>${formatNumber(values[key])}</td>`).join("");
    const kind = step.computed ? "computed" : "reused";
    return `<tr class="${kind}"><th scope="row">${step.step}</th><td>${kind}</td>${numbers}</tr>`;
  });
  return `<table><thead><tr>${head.join("")}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

const computedSteps = ({ schedule }: CacheTrace) => schedule.filter(({ computed }) => computed).length;

const formatSeconds = (seconds: number) => `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;

/** Reused steps measure nothing; an empty cell says so better than a row of dashes. */
const formatNumber = (value: unknown) =>
  typeof value === "number" ? String(Number(value.toPrecision(4))) : "";
