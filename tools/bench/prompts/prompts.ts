/**
 * Benchmark `npm run bench -- prompts`: checks whether the demo model follows prompts that describe
 * combinations it was never trained on.
 *
 * Each prompt is generated, and a detector that knows the palette and the shapes, but not the prompt,
 * describes the video. test/bench/prompts/detect.test.ts measures the detector's own error rate.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { openPipeline } from "../../../lib/generation/pipeline/index.ts";
import { resolveRequest } from "../../../lib/generation/request/index.ts";
import { type Frames, writeFileAtomically } from "../../../lib/generation/video/index.ts";
import { UsageError } from "../../../lib/shared/command-line/index.ts";
import { writePromptSection } from "./card.ts";
import { detect } from "./detect.ts";
import {
  type CheckedPrompt,
  type PromptAttributes,
  type PromptReport,
  promptReport,
  reportMarkdown,
} from "./report.ts";
import { writeContactSheet } from "./sheet.ts";

const PROMPTS = "models/demo/held-out-prompts.json";
const SHEET_VIDEOS = 48;

interface HeldOutPrompt extends PromptAttributes {
  readonly prompt: string;
  readonly seed: number;
}

interface PromptCheckOptions {
  readonly model: string;
  /** Number of prompts, from the first; null for all. */
  readonly count: number | null;
  /** Null for the model's default. */
  readonly steps: number | null;
  /** Null for the model's default. */
  readonly guidance: number | null;
  readonly cache: string;
  readonly json: string | null;
  readonly contactSheet: string | null;
}

/** Settings of the videos, with every default filled in. */
interface Conditions {
  readonly model: string;
  readonly cache: string;
  readonly steps: number;
  readonly guidanceScale: number;
}

/**
 * Generates and checks the held-out prompts, and prints the scores. A check of all prompts without cache also
 * writes them to the model's card.
 */
export async function runPromptCheck(values: Values): Promise<void> {
  const options = parseOptions(values);
  const all: HeldOutPrompt[] = JSON.parse(await readFile(PROMPTS, "utf8"));
  const prompts = all.slice(0, options.count ?? all.length);
  const videos: Frames[] = [];
  const { checked, conditions } = await check(prompts, options, (frames) => {
    if (options.contactSheet !== null && videos.length < SHEET_VIDEOS) videos.push(frames);
  });
  const report = promptReport(checked);
  const section = describe(report, conditions, checked.length);
  console.log(section);

  if (options.json !== null) {
    const json = `${JSON.stringify({ ...conditions, prompts: checked.length, ...report }, null, 2)}\n`;
    await writeFileAtomically(options.json, new TextEncoder().encode(json));
  }
  if (options.contactSheet !== null) await writeContactSheet(options.contactSheet, videos);
  if (prompts.length === all.length && options.cache === "off") {
    const card = join(options.model, "README.md");
    if (await writePromptSection(card, section)) console.error(`Wrote the scores into ${card}.`);
  }
}

interface Values {
  readonly model: string;
  readonly count?: string | undefined;
  readonly steps?: string | undefined;
  readonly guidance?: string | undefined;
  readonly cache: string;
  readonly json?: string | undefined;
  readonly "contact-sheet"?: string | undefined;
}

function parseOptions(values: Values): PromptCheckOptions {
  const count = number("--count", values.count);
  if (count !== null && !(Number.isInteger(count) && count >= 1)) {
    throw new UsageError(`--count must be a whole number from 1, not ${values.count}.`);
  }
  return {
    model: values.model,
    count,
    steps: number("--steps", values.steps),
    guidance: number("--guidance", values.guidance),
    cache: values.cache,
    json: values.json ?? null,
    contactSheet: values["contact-sheet"] ?? null,
  };
}

function number(flag: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (text.trim() === "" || Number.isNaN(value))
    throw new UsageError(`${flag} must be a number, not ${text}.`);
  return value;
}

async function check(
  prompts: readonly HeldOutPrompt[],
  { model, steps, guidance, cache }: PromptCheckOptions,
  onVideo: (frames: Frames) => void,
): Promise<{ checked: CheckedPrompt[]; conditions: Conditions }> {
  const pipeline = await openPipeline(model);
  const checked: CheckedPrompt[] = [];
  const started = performance.now();
  try {
    const conditions = {
      model: pipeline.model,
      cache,
      steps: steps ?? pipeline.limits.steps,
      guidanceScale: guidance ?? pipeline.limits.guidance_scale,
    };
    const { steps: denoisingSteps, guidanceScale } = conditions;
    for (const { prompt, seed, ...expected } of prompts) {
      const asked = { prompt, seed, steps: denoisingSteps, guidance_scale: guidanceScale, cache };
      const { frames } = await pipeline.generate(resolveRequest(asked, pipeline));
      onVideo(frames);
      checked.push({ prompt, seed, expected, observed: detect(frames) });
      if (checked.length % 10 === 0 || checked.length === prompts.length) {
        const seconds = Math.round((performance.now() - started) / 1000);
        console.error(`${checked.length}/${prompts.length} prompts, ${seconds} s`);
      }
    }
    return { checked, conditions };
  } finally {
    await pipeline.close();
  }
}

function describe(report: PromptReport, conditions: Conditions, count: number): string {
  const { cache, steps, guidanceScale } = conditions;
  const all = report.scores.filter(({ aim }) => aim !== null).map(({ attribute }) => attribute);
  const perfect = count - report.failed.filter(({ wrong }) => wrong.some((w) => all.includes(w))).length;
  const how = cache === "off" ? "without cache" : `with cache ${cache}`;
  return [
    `${count} prompts with combinations held out of training, one seed each, ${steps} steps, guidance scale ${guidanceScale}, ${how}.`,
    `A detector that does not know the prompt classifies each video; ${perfect} of ${count} videos are correct in`,
    `every attribute that has an aim. Written by \`npm run bench -- prompts\`.`,
    "",
    reportMarkdown(report),
  ].join("\n");
}
