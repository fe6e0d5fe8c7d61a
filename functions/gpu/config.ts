import * as z from "zod";
import type { PipelineOptions } from "../../lib/generation/pipeline/index.ts";
import {
  environmentOf,
  folderList,
  logLevel,
  oneOf,
  parseEnvironment,
  wholeNumber,
} from "../../lib/shared/environment.ts";
import { chooseModels, DEFAULT_CACHE, type NamedModel, type RemoteModel } from "./models.ts";

export interface GpuConfig {
  /** `PORT`, or else `SAGEMAKER_BIND_TO_PORT`; 8080. With 0 the system chooses a free one. */
  readonly port: number;
  /** `HOST`; 0.0.0.0. */
  readonly host: string;
  /** `STORE`: where the jobs are, `s3://bucket/prefix` or `file:///folder`. */
  readonly store: string;
  /**
   * `MODELS`: folders, separated as in PATH. Left out, `MODEL_URI`: `s3://bucket/models/<name>/`, which SageMaker lays
   * into `/opt/ml/model`, and which is downloaded where nothing is there. Left out too, what is in `/opt/ml/model`, or
   * else the model that comes with the program.
   */
  readonly models: readonly (NamedModel | RemoteModel)[];
  /** `MODEL_CACHE`: where models are downloaded to; a folder among the system's temporary ones. */
  readonly modelCache: string;
  /** `LEASE_MS`: how long a job waits for a worker that has gone silent; 60000. */
  readonly leaseMs: number;
  /** `PROGRESS_INTERVAL_MS`: the least time between two writes of progress; 2000. */
  readonly progressIntervalMs: number;
  /** `MAX_RUN_MS`: how long a job may run; 21600000, which is as long as a job can live. */
  readonly maxRunMs: number;
  /**
   * `PROVIDER`: `cpu`, `cuda` or `webgpu`; `cpu`. `PRECISION`: `float32` or `float16`, what the transformer's blocks
   * multiply in; float16 with `cuda`. `THREADS`: inside one operator; by default one for each core.
   */
  readonly pipeline: PipelineOptions & Required<Pick<PipelineOptions, "provider">>;
  /** `LOG_LEVEL`: that of pino; `info`. */
  readonly logLevel: string;
}

const SAGEMAKER_MODEL = "/opt/ml/model";

const environment = environmentOf("gpu", {
  PORT: wholeNumber(0, 65_535).optional(),
  SAGEMAKER_BIND_TO_PORT: wholeNumber(0, 65_535).optional(),
  HOST: z.string().default("0.0.0.0"),
  STORE: z
    .string({ error: "is needed: s3://bucket/prefix, or file:///folder" })
    .regex(/^(s3|file):\/\/./, "must begin with s3:// or file://"),
  MODELS: folderList().optional(),
  MODEL_URI: z
    .string()
    .regex(
      /^s3:\/\/[a-z0-9.-]+(\/[A-Za-z0-9._=-]+)*\/[A-Za-z0-9][A-Za-z0-9._-]*\/?$/,
      "must be s3://bucket/models/<name>/",
    )
    .optional(),
  MODEL_CACHE: z.string().default(DEFAULT_CACHE),
  LEASE_MS: wholeNumber(1_000, 3_600_000).default(60_000),
  PROGRESS_INTERVAL_MS: wholeNumber(0, 60_000).default(2_000),
  MAX_RUN_MS: wholeNumber(1_000, 9_999_999).default(21_600_000),
  THREADS: wholeNumber(1, 1_024).optional(),
  PROVIDER: oneOf("cpu", "cuda", "webgpu").default("cpu"),
  PRECISION: oneOf("float32", "float16").optional(),
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
    models: chooseModels({ folders: data.MODELS, url: data.MODEL_URI, mounted: SAGEMAKER_MODEL }),
    modelCache: data.MODEL_CACHE,
    leaseMs: data.LEASE_MS,
    progressIntervalMs: data.PROGRESS_INTERVAL_MS,
    maxRunMs: data.MAX_RUN_MS,
    pipeline: {
      provider: data.PROVIDER,
      ...(data.PRECISION === undefined ? {} : { precision: data.PRECISION }),
      ...(data.THREADS === undefined ? {} : { threads: data.THREADS }),
    },
    logLevel: data.LOG_LEVEL,
  };
}
