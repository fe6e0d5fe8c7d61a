/**
 * Parent process for tests that kill it. Opens the model of its first argument in a child process, and prints its id,
 * and a line for each denoising step. With a second argument it makes one video, closes the pipeline and is then done.
 */
import { type Progress, startPipelineProcess } from "../../../lib/generation/pipeline/index.ts";
import { requestFor } from "./request-for.ts";

const [folder, once] = process.argv.slice(2);
const request = { prompt: "a red circle", seed: 1, cache: "off" };

async function main(): Promise<void> {
  const pipeline = await startPipelineProcess(folder!, { threads: 1 });
  const onProgress = ({ done }: Progress) => process.stdout.write(`${done}\n`);
  if (!once) process.stdout.write(`process ${pipeline.pid}\n`);
  while (!once) await pipeline.generate(requestFor(pipeline, { ...request, steps: 1000 }), { onProgress });
  const { signal } = new AbortController();
  const { frames } = await pipeline.generate(requestFor(pipeline, { ...request, steps: 3 }), { signal });
  await pipeline.close();
  process.stdout.write(`${frames.count} frames\n`);
}

main().catch((error: Error) => process.stdout.write(`${error.message}\n`));
