import type { GenerateOptions, Generation, Pipeline } from "../../../lib/generation/pipeline/index.ts";
import type { ResolvedRequest } from "../../../lib/generation/request/index.ts";

/**
 * Clocks by which denoising is timed: `wall` as a user waits, or `cpu` as this process computes, which other programs on
 * the machine disturb less. The second knows nothing of a GPU.
 */
export const CLOCKS = ["wall", "cpu"] as const;
export type Clock = (typeof CLOCKS)[number];

/** Generates a video, and returns the seconds of its denoising by a clock. */
export async function timedBy(
  clock: Clock,
  pipeline: Pipeline,
  request: ResolvedRequest,
): Promise<{ generation: Generation; denoiseSeconds: number }> {
  let [begun, ended] = [0, 0];
  const onProgress: GenerateOptions["onProgress"] = ({ stage, done }) => {
    if (stage === "denoise" && done === 0) begun = cpuSeconds();
    if (stage === "decode") ended = cpuSeconds();
  };
  const generation = await pipeline.generate(request, { onProgress });
  return { generation, denoiseSeconds: clock === "cpu" ? ended - begun : generation.seconds.denoise };
}

/** Returns the seconds that all threads of this process have computed. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
