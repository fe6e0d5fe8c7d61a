/**
 * A parent to be killed: opens the model of its argument in a child process, and writes a line for each
 * denoising step as long as it lives. With a second argument it makes one video, closes, and has nothing more
 * to do.
 */
import { type Progress, startPipelineProcess } from "../../../lib/generation/pipeline/index.ts";
import { requestFor } from "./request-for.ts";

const [folder, once] = process.argv.slice(2);
const request = { prompt: "a red circle", seed: 1, cache: "off" };

async function main(): Promise<void> {
  const pipeline = await startPipelineProcess(folder!, { threads: 1 });
  const onProgress = ({ done }: Progress) => process.stdout.write(`${done}\n`);
  while (!once) await pipeline.generate(requestFor(pipeline, { ...request, steps: 1000 }), { onProgress });
  const { signal } = new AbortController();
  const { frames } = await pipeline.generate(requestFor(pipeline, { ...request, steps: 3 }), { signal });
  await pipeline.close();
  process.stdout.write(`${frames.count} frames\n`);
}

main().catch((error: Error) => process.stdout.write(`${error.message}\n`));
