import * as z from "zod";
import { ASKED_PROVIDERS, type AskedProvider } from "../../lib/generation/accelerator/index.ts";
import { precisionFault, precisions } from "../../lib/generation/onnx/index.ts";
import type { PipelineOptions } from "../../lib/generation/pipeline/index.ts";
import { givenKeyPair, PROVENANCE_MODES } from "../../lib/generation/provenance/index.ts";
import {
  ConfigError,
  environmentOf,
  folderList,
  logLevel,
  oneOf,
  parseEnvironment,
  share,
  wholeNumber,
} from "../../lib/shared/environment.ts";
import { LEASE_MS_MAX } from "../../lib/shared/limits.ts";
import { chooseModels, DEFAULT_CACHE, type NamedModel, type RemoteModel } from "./models.ts";
import type { ProvenanceConfig } from "./open-provenance.ts";

export interface GpuConfig {
  /** `PORT`, or else `SAGEMAKER_BIND_TO_PORT`; 8080 by default. With 0 the system chooses a free port. */
  readonly port: number;
  /** `HOST`; 0.0.0.0 by default. */
  readonly host: string;
  /** `STORE`: URL of the object store that holds the jobs, `s3://bucket/prefix` or `file:///folder`. */
  readonly store: string;
  /** `RUNS_QUEUE_URL`: SQS queue that turns are pulled from; null for a worker that looks into the store itself. */
  readonly runsQueueUrl: string | null;
  /** `ECS_AGENT_URI`: agent of Amazon ECS, which protects this task while a job runs; null elsewhere. */
  readonly ecsAgentUrl: string | null;
  /**
   * Models, from the first of these sources that exists: `MODELS`, folders separated as in PATH; `MODEL_URI`,
   * `s3://bucket/models/<name>/`, which SageMaker puts into `/opt/ml/model`, and which is downloaded if that folder is
   * empty; the content of `/opt/ml/model`; the demo model.
   */
  readonly models: readonly (NamedModel | RemoteModel)[];
  /** `MODEL_CACHE`: folder that models are downloaded to; by default in the system's temporary folder. */
  readonly modelCache: string;
  /** `LEASE_MS`: duration of a lease; another worker may take over a job whose lease has expired. 60000 by default. */
  readonly leaseMs: number;
  /** `PROGRESS_INTERVAL_MS`: minimum time between two writes of progress; 2000 by default. */
  readonly progressIntervalMs: number;
  /** `MAX_RUN_MS`: maximum run time of a job; 21600000 by default, the maximum lifetime of a job. */
  readonly maxRunMs: number;
  /**
   * `STALL_MS`: longest time without progress of a model that works, while it opens, encodes, makes its first step or
   * decodes; then its process is killed. Between later steps it is 20 times the slowest step, but at least a minute and
   * at most this. 1800000 by default: half an hour.
   */
  readonly stallMs: number;
  /** `AUDIT_SHARE`: share of jobs that are audited without being asked, 0 to 1; 0 by default. */
  readonly auditShare: number;
  /**
   * `PROVENANCE`: `signed`, `required`, `mark` or `off`; `signed` by default. `PROVENANCE_CERTIFICATE` and
   * `PROVENANCE_KEY`, or the secret `PROVENANCE_SECRET_ID`; by default a development certificate of this process.
   */
  readonly provenance: ProvenanceConfig;
  /**
   * `PROVIDER`: `cpu`, `cuda` or `webgpu`, or `auto` for the first of `cuda`, `webgpu` and `cpu` that works here; `cpu`
   * by default.
   */
  readonly provider: AskedProvider;
  /** First of `CUDA_VISIBLE_DEVICES`: the GPU that is used, by number or UUID. Default null: the first of all. */
  readonly device: string | null;
  /**
   * `PRECISION`: `float32`, `float16` or, on the CPU, `int8`: the precision of matrix products in the transformer's
   * blocks; float16 by default with `cuda`. `THREADS`: threads per operator; by
   * default one for each core. `GPU_MEMORY_GIB`: memory of the GPU; with `cuda` by default what nvidia-smi says.
   * `VARIANT`: variant of the weights to prefer, such as `fp16`.
   */
  readonly pipeline: Omit<PipelineOptions, "provider">;
  /** `STOP_GRACE_MS`: time that a running job gets after SIGTERM before it is handed back; 25000 by default. */
  readonly stopGraceMs: number;
  /** `PULL_PAUSE_MS`: longest pause between two looks into a store without work, in pull mode; 2000 by default. */
  readonly pullPauseMs: number;
  /** `LOG_LEVEL`: log level of pino; `info` by default. */
  readonly logLevel: string;
}

const SAGEMAKER_MODEL = "/opt/ml/model";

const environment = environmentOf("gpu", {
  PORT: wholeNumber(0, 65_535).optional(),
  SAGEMAKER_BIND_TO_PORT: wholeNumber(0, 65_535).optional(),
  HOST: z.string().default("0.0.0.0"),
  STORE: z
    .string({ error: "is needed: s3://bucket/prefix, or file:///folder" })
    .regex(/^(s3|file):\/\/./, "must be s3://bucket, s3://bucket/prefix or file:///folder"),
  RUNS_QUEUE_URL: z.url("must be the URL of an SQS queue").optional(),
  ECS_AGENT_URI: z.url("must be a URL").optional(),
  MODELS: folderList().optional(),
  MODEL_URI: z
    .string()
    .regex(
      /^s3:\/\/[a-z0-9.-]+(\/[A-Za-z0-9._=-]+)*\/[A-Za-z0-9][A-Za-z0-9._-]*\/?$/,
      "must be s3://bucket/models/<name>/",
    )
    .optional(),
  MODEL_CACHE: z.string().default(DEFAULT_CACHE),
  LEASE_MS: wholeNumber(1_000, LEASE_MS_MAX).default(60_000),
  PROGRESS_INTERVAL_MS: wholeNumber(0, 60_000).default(2_000),
  MAX_RUN_MS: wholeNumber(1_000, 9_999_999).default(21_600_000),
  STALL_MS: wholeNumber(1_000, 21_600_000).default(1_800_000),
  STOP_GRACE_MS: wholeNumber(0, 9_999_999).default(25_000),
  PULL_PAUSE_MS: wholeNumber(10, 600_000).default(2_000),
  AUDIT_SHARE: share().default(0),
  PROVENANCE: oneOf(...PROVENANCE_MODES).default("signed"),
  PROVENANCE_CERTIFICATE: z.string().optional(),
  PROVENANCE_KEY: z.string().optional(),
  PROVENANCE_SECRET_ID: z.string().optional(),
  THREADS: wholeNumber(1, 1_024).optional(),
  CUDA_VISIBLE_DEVICES: z.string().optional(),
  PROVIDER: oneOf(...ASKED_PROVIDERS).default("cpu"),
  PRECISION: oneOf(...precisions).optional(),
  GPU_MEMORY_GIB: wholeNumber(0, 4_096).default(0),
  VARIANT: z
    .string()
    .regex(/^[\w-]{1,64}$/, "must be a name such as fp16")
    .optional(),
  LOG_LEVEL: logLevel(),
});

/**
 * Parses the configuration from environment variables. An empty variable counts as missing.
 *
 * @throws ConfigError naming the first invalid variable
 */
export function parseConfig(env: NodeJS.ProcessEnv): GpuConfig {
  const data = parseEnvironment(environment, env);
  const { PRECISION, PROVIDER } = data;
  const fault = PRECISION && PROVIDER !== "auto" && precisionFault(PRECISION, PROVIDER);
  if (fault) throw new ConfigError(`PRECISION cannot be ${PRECISION}: ${fault}.`);
  return {
    port: data.PORT ?? data.SAGEMAKER_BIND_TO_PORT ?? 8080,
    host: data.HOST,
    store: data.STORE,
    runsQueueUrl: data.RUNS_QUEUE_URL ?? null,
    ecsAgentUrl: data.ECS_AGENT_URI ?? null,
    models: chooseModels({ folders: data.MODELS, url: data.MODEL_URI, mounted: SAGEMAKER_MODEL }),
    modelCache: data.MODEL_CACHE,
    leaseMs: data.LEASE_MS,
    progressIntervalMs: data.PROGRESS_INTERVAL_MS,
    maxRunMs: data.MAX_RUN_MS,
    stallMs: data.STALL_MS,
    auditShare: data.AUDIT_SHARE,
    provenance: {
      mode: data.PROVENANCE,
      given: givenKeyPair(data.PROVENANCE_CERTIFICATE, data.PROVENANCE_KEY),
      secretId: data.PROVENANCE_SECRET_ID ?? null,
    },
    provider: data.PROVIDER,
    device: data.CUDA_VISIBLE_DEVICES?.split(",", 1).join().trim() ?? null,
    pipeline: {
      ...(data.PRECISION === undefined ? {} : { precision: data.PRECISION }),
      ...(data.VARIANT === undefined ? {} : { variant: data.VARIANT }),
      ...(data.THREADS === undefined ? {} : { threads: data.THREADS }),
      ...(data.PROVIDER !== "cpu" && data.GPU_MEMORY_GIB > 0
        ? { memoryBytes: data.GPU_MEMORY_GIB * 2 ** 30 }
        : {}),
    },
    stopGraceMs: data.STOP_GRACE_MS,
    pullPauseMs: data.PULL_PAUSE_MS,
    logLevel: data.LOG_LEVEL,
  };
}
