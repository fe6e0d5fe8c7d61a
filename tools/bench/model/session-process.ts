import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { z } from "zod";
import type { BenchmarkVideo } from "../../../lib/generation/models/index.ts";
import type { Precision } from "../../../lib/generation/onnx/index.ts";
import type { SessionName } from "../step/results.ts";

const run = promisify(execFile);

export interface ProbeOptions {
  /** Precision of the graph; `int8` takes the weights of the files beside the parts'. Float32 by default. */
  readonly precision?: Precision;
  /** Video shape; by default the first that the model lists. */
  readonly video?: BenchmarkVideo;
  /** True, the default, to run the session once. */
  readonly runs?: boolean;
  /** True to hold float32 copies of 16-bit weights; false by default. */
  readonly holdsCopies?: boolean;
  /** Bytes of weights from which they are mapped; 512 MiB by default. */
  readonly mappedBytesMin?: number;
}

/** Runs session-probe.ts in its own process, with one thread per core, and returns its measurements. */
export async function probeSession<Schema extends z.ZodType>(
  folder: string,
  name: SessionName,
  schema: Schema,
  options: ProbeOptions = {},
): Promise<z.infer<Schema>> {
  const script = fileURLToPath(new URL("./session-probe.ts", import.meta.url));
  const flags = ["--expose-gc", "--import", import.meta.resolve("tsx")];
  const threads = String(availableParallelism());
  const words = [...flags, script, folder, name, threads, JSON.stringify(options)];
  const { stdout } = await run(process.execPath, words);
  return schema.parse(JSON.parse(stdout));
}
