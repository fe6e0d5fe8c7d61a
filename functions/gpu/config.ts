import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { folderList, logLevel, oneOf, parseEnvironment, wholeNumber } from "../../lib/environment.ts";
import type { PipelineOptions } from "../../lib/pipeline/index.ts";

export interface GpuConfig {
  /** `PORT`, or else `SAGEMAKER_BIND_TO_PORT`; 8080. With 0 the system chooses a free one. */
  readonly port: number;
  /** `HOST`; 0.0.0.0. */
  readonly host: string;
  /** `STORE`: where the jobs are, `s3://bucket/prefix` or `file:///folder`. */
  readonly store: string;
  /**
   * `MODELS`: folders, separated as in PATH. Left out, what SageMaker laid into `/opt/ml/model`, or else the model that
   * comes with the program.
   */
  readonly models: readonly string[];
  /** `LEASE_MS`: how long a job waits for a worker that has gone silent; 60000. */
  readonly leaseMs: number;
  /** `PROGRESS_INTERVAL_MS`: the least time between two writes of progress; 2000. */
  readonly progressIntervalMs: number;
  /** `PROVIDER`: `cpu`, `cuda` or `webgpu`; `cpu`. `THREADS`: inside one operator; by default one for each core. */
  readonly pipeline: PipelineOptions & Required<Pick<PipelineOptions, "provider">>;
  /** `LOG_LEVEL`: that of pino; `info`. */
  readonly logLevel: string;
}

const SAGEMAKER_MODEL = "/opt/ml/model";
const DEMO_MODEL = fileURLToPath(new URL("../../models/demo", import.meta.url));

const environment = z.object({
  PORT: wholeNumber(0, 65_535).optional(),
  SAGEMAKER_BIND_TO_PORT: wholeNumber(0, 65_535).optional(),
  HOST: z.string().default("0.0.0.0"),
  STORE: z
    .string({ error: "is needed: s3://bucket/prefix, or file:///folder" })
    .regex(/^(s3|file):\/\/./, "must begin with s3:// or file://"),
  MODELS: folderList().optional(),
  LEASE_MS: wholeNumber(1_000, 3_600_000).default(60_000),
  PROGRESS_INTERVAL_MS: wholeNumber(0, 60_000).default(2_000),
  THREADS: wholeNumber(1, 1_024).optional(),
  PROVIDER: oneOf("cpu", "cuda", "webgpu").default("cpu"),
  LOG_LEVEL: logLevel(),
});

/**
 * The configuration that the environment asks for; a variable that is empty counts as left out.
 *
 * @throws ConfigError naming the first variable that cannot be used
 */
export function parseConfig(env: NodeJS.ProcessEnv): GpuConfig {
  const data = parseEnvironment(environment, env);
  return {
    port: data.PORT ?? data.SAGEMAKER_BIND_TO_PORT ?? 8080,
    host: data.HOST,
    store: data.STORE,
    models: data.MODELS ?? [isFilled(SAGEMAKER_MODEL) ? SAGEMAKER_MODEL : DEMO_MODEL],
    leaseMs: data.LEASE_MS,
    progressIntervalMs: data.PROGRESS_INTERVAL_MS,
    pipeline: {
      provider: data.PROVIDER,
      ...(data.THREADS === undefined ? {} : { threads: data.THREADS }),
    },
    logLevel: data.LOG_LEVEL,
  };
}

function isFilled(folder: string): boolean {
  return existsSync(folder) && readdirSync(folder).length > 0;
}
