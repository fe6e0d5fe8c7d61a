/** @jsxImportSource hono/jsx */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { raw } from "hono/html";
import {
  type CacheTrace,
  columnsOf,
  explanationOf,
  optionNotes,
  optionsOf,
  type TraceStep,
} from "../../lib/generation/caching/index.ts";
import { scheduleChart } from "../../lib/generation/chart/index.ts";
import {
  type Card,
  Cards,
  COMMON_STYLE,
  PLAYER_SCRIPT,
  Player,
  Scrollable,
} from "../../lib/shared/page/index.ts";

export interface ComparedVideo {
  readonly videoBytes: Uint8Array;
  /** Media type of the video: WebP if no H.264 encoder was found. */
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
  /** PSNR of the decoded frames in dB; Infinity if they are identical. */
  readonly psnr: number;
  readonly ssim: number;
}

const SCRIPT = readFileSync(PLAYER_SCRIPT, "utf8");
const STYLE = [COMMON_STYLE, new URL("./comparison.css", import.meta.url)]
  .map((url) => readFileSync(url, "utf8"))
  .join("\n");

/**
 * Renders an HTML page that compares a video made with a cache to the same video made without. It shows both videos in
 * sync, the time saved, the difference of the pictures, and the schedule. The page is one file, and its content policy
 * forbids all requests.
 */
export function comparisonPage(comparison: Comparison): string {
  return `<!doctype html>\n${<Page {...comparison} />}\n`;
}

function Page(comparison: Comparison) {
  const { prompt, cached, uncached } = comparison;
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content={contentPolicy()} />
        <meta name="color-scheme" content="light dark" />
        <title>{prompt} · with and without cache</title>
        <style>{raw(STYLE)}</style>
      </head>
      <body>
        <main>
          <h1>{prompt}</h1>
          <p class="about">{about(comparison).join(" · ")}</p>
          <Player name="Both videos">
            <Figure name="With cache" video={cached} />
            <Figure name="Without cache" video={uncached} />
          </Player>
          <Cards cards={cards(comparison)} />
          <h2>Schedule</h2>
          <p class="note">{explanationOf(cached.trace)}</p>
          <Scrollable name="Chart of the schedule">{raw(scheduleChart(cached.trace))}</Scrollable>
          <details>
            <summary>The same in numbers</summary>
            <Scrollable name="Table of the schedule">
              <Table {...cached.trace} />
            </Scrollable>
          </details>
        </main>
        <script>{raw(SCRIPT)}</script>
      </body>
    </html>
  );
}

function about({ seed, cached }: Comparison): string[] {
  const { model, cache, steps } = cached.trace;
  return [model, `seed ${seed}`, `${steps} steps`, `cache ${cache}`, ...optionNotes(optionsOf(cached.trace))];
}

/**
 * Returns a content policy that allows nothing from the network, and no script but the player's. Markup in a prompt
 * could not run even if it were not escaped.
 */
function contentPolicy(): string {
  const script = createHash("sha256").update(SCRIPT).digest("base64");
  return `default-src 'none'; media-src data:; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${script}'`;
}

/** Video with its caption. It plays, loops and has its own controls, for browsers without scripts. */
function Figure({ name, video }: { name: string; video: ComparedVideo }) {
  const { videoBytes, mime, seconds, trace } = video;
  const source = `data:${mime};base64,${Buffer.from(videoBytes).toString("base64")}`;
  return (
    <figure>
      {mime === "image/webp" ? (
        <img src={source} alt={`${name}: the video, looping`} />
      ) : (
        <video src={source} aria-label={name} autoplay loop muted playsinline controls />
      )}
      <figcaption>
        <strong>{name}</strong>
        <span>
          denoised in {formatSeconds(seconds)}, {computedSteps(trace)} of {trace.steps} steps computed
        </span>
      </figcaption>
    </figure>
  );
}

function cards({ cached, uncached, psnr, ssim }: Comparison): Card[] {
  const times = `${formatSeconds(cached.seconds)} instead of ${formatSeconds(uncached.seconds)}`;
  const computed = computedSteps(cached.trace);
  return [
    ["Speed-up of denoising", `${(uncached.seconds / cached.seconds).toFixed(2)}×`, times],
    ["Computed steps", `${computed} of ${cached.trace.steps}`, `${cached.trace.steps - computed} reused`],
    Number.isFinite(psnr)
      ? ["PSNR", `${psnr.toFixed(2)} dB`, "against the video without cache"]
      : ["PSNR", "identical", "no pixel differs"],
    ["SSIM", ssim.toFixed(4), "1 is the video without cache"],
  ];
}

function Table({ schedule }: CacheTrace) {
  const columns = columnsOf(schedule);
  const names = ["Step", "Kind", ...columns.map(({ label }) => label)];
  const valueIn = (step: Readonly<Record<string, unknown>>, key: string) => step[key];
  return (
    <table>
      <thead>
        <tr>
          {names.map((name) => (
            <th scope="col">{name}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {schedule.map((step) => (
          <tr class={kindOf(step)}>
            <th scope="row">{step.step}</th>
            <td>{kindOf(step)}</td>
            {columns.map(({ key }) => (
              <td>{formatNumber(valueIn(step, key))}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const kindOf = ({ computed }: TraceStep) => (computed ? "computed" : "reused");

const computedSteps = ({ schedule }: CacheTrace) => schedule.filter(({ computed }) => computed).length;

const formatSeconds = (seconds: number) => `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;

/** Formats a value of the schedule. Reused steps have no measured values, so their cells stay empty. */
const formatNumber = (value: unknown) =>
  typeof value === "number" ? String(Number(value.toPrecision(4))) : "";
