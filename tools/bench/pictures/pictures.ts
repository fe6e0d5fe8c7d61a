import { join } from "node:path";
import { type Generation, openPipeline, type Pipeline } from "../../../lib/generation/pipeline/index.ts";
import { resolveRequest } from "../../../lib/generation/request/index.ts";
import { psnr, ssim } from "../../../lib/generation/video/index.ts";
import { writeSheet } from "../../drawing/sheet.ts";
import { circumstances } from "../machine.ts";
import { demoModel, docsFolder, resultsFolder, userPath, type Written } from "../options.ts";
import { updateDocument } from "../results-file.ts";
import {
  type PicturedMethod,
  type PicturedRow,
  type PicturedVideo,
  picturedMethods,
  picturedPrompts,
} from "./pictured.ts";
import { PICTURE_FILE, pictureReport } from "./report.ts";
import { pictureSheet } from "./sheet.ts";

const BYTES_MAX = 200_000;

/**
 * Runs `pictures [--model DIR] [--quick]`: draws the same videos made without cache and by each method.
 *
 * Picture and section are written to docs/, or with `--quick` to out/bench.
 */
export async function runPictures({ values, args }: Written<"model">): Promise<void> {
  const model = values.model === undefined ? demoModel : userPath(values.model);
  const folder = values.quick ? resultsFolder : docsFolder;
  const document = join(folder, "benchmarks.md");
  const described = await circumstances(["pictures", ...args], model);
  const rows = await picturedRows(model);
  await updateDocument(document, "pictures", pictureReport(rows, described));
  const bytes = await writeSheet(join(folder, PICTURE_FILE), pictureSheet(rows), { bytesMax: BYTES_MAX });
  process.stdout.write(`Wrote ${document} and ${PICTURE_FILE} beside it, ${Math.ceil(bytes / 1000)} kB.\n`);
}

async function picturedRows(folder: string): Promise<PicturedRow[]> {
  const pipeline = await openPipeline(folder);
  try {
    const [reference, ...compared] = picturedMethods;
    const references = await generateAll(pipeline, reference);
    const rows = [
      { method: reference.name, videos: references.map((generation) => pictured(generation, null)) },
    ];
    for (const method of compared) {
      const generations = await generateAll(pipeline, method);
      const videos = generations.map((generation, index) => pictured(generation, references[index]!));
      rows.push({ method: method.name, videos });
    }
    return rows;
  } finally {
    await pipeline.close();
  }
}

async function generateAll(pipeline: Pipeline, { request }: PicturedMethod): Promise<Generation[]> {
  const generations: Generation[] = [];
  for (const { text, seed } of picturedPrompts) {
    generations.push(await pipeline.generate(resolveRequest({ prompt: text, seed, ...request }, pipeline)));
  }
  return generations;
}

function pictured({ frames, trace }: Generation, reference: Generation | null): PicturedVideo {
  return {
    frames,
    computed: trace.schedule.filter((step) => step.computed).length,
    difference: reference && {
      psnr: psnr(reference.frames, frames),
      ssim: ssim(reference.frames, frames),
    },
  };
}
