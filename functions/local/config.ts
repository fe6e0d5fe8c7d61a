import { resolve } from "node:path";
import * as z from "zod";
import {
  ASKED_PROVIDERS,
  type AskedProvider,
  listedDevices,
} from "../../lib/generation/accelerator/index.ts";
import { findModel } from "../../lib/generation/pipeline/index.ts";
import {
  type GivenKeyPair,
  givenKeyPair,
  PROVENANCE_MODES,
  type ProvenanceMode,
} from "../../lib/generation/provenance/index.ts";
import {
  environmentOf,
  folderList,
  hourlyPrice,
  logLevel,
  oneOf,
  parseEnvironment,
  wholeNumber,
} from "../../lib/shared/environment.ts";
import { LEASE_MS_MAX } from "../../lib/shared/limits.ts";

export interface LocalConfig {
  /** `PORT`: port to listen on; 0 lets the system choose a free port. Default 3000. */
  readonly port: number;
  /** `HOST`: address to listen on. Default 127.0.0.1, which other machines cannot reach. */
  readonly host: string;
  /** `PUBLIC_URL`: beginning of signed URLs, for clients that reach the service by another name. Default null. */
  readonly publicUrl: string | null;
  /** `DATA_DIR`: folder of the master key, and of jobs, videos and API keys without `STORE`. Default `data`. */
  readonly dataFolder: string;
  /** `STORE`: `s3://bucket/prefix` or `file:///folder`, where everything but the master key is. Default: in `DATA_DIR`. */
  readonly store: string | null;
  /**
   * `WORKERS`: number of GPU processes, 1 to 64, or `none`, here 0. Default: one, or one for each GPU that
   * `CUDA_VISIBLE_DEVICES` names.
   */
  readonly workers: number;
  /** `PROVIDER`: execution provider of the workers. Default `cpu`. */
  readonly provider: AskedProvider;
  /** `CUDA_VISIBLE_DEVICES`: GPUs with commas between them, one for each worker. Default null: as nvidia-smi lists them. */
  readonly visibleDevices: string | null;
  /** `THREADS`: threads per operator of each worker. Default null: several workers share the cores. */
  readonly threads: number | null;
  /** `MODELS`: models by name or folder, separated as in PATH; requests use the first by default. Default: demo. */
  readonly models: readonly string[];
  /** `ALLOW_LOOPBACK_WEBHOOKS`: 1 allows webhooks to this machine, for development. Default 0. */
  readonly allowLoopbackWebhooks: boolean;
  /** `NEW_MASTER_KEY`: 1 makes a new master key where the old one is lost, and accepts another one. Default 0. */
  readonly mayReplaceMasterKey: boolean;
  /** `LEASE_MS`: lease of a worker: how long a job waits after the whole service was killed. Default 15000. */
  readonly leaseMs: number;
  /** `UNFINISHED_MAX`: limit of queued and running videos of one API key. Default 100. */
  readonly unfinishedMax: number;
  /** `RETENTION_DAYS`: number of days for which videos are kept, here in milliseconds. Default 30. */
  readonly retentionMs: number;
  /**
   * `PROVENANCE`: `signed`, `required`, `mark` or `off`; default `signed`. `PROVENANCE_CERTIFICATE` and
   * `PROVENANCE_KEY`, PEM or paths; by default a development certificate in the data folder.
   */
  readonly provenance: { readonly mode: ProvenanceMode; readonly given: GivenKeyPair | null };
  /** `PRICE_PER_HOUR`: US dollars that this machine costs an hour, for quotes and the limits of keys. Default null. */
  readonly pricePerHour: number | null;
  /** `STOP_GRACE_MS`: time that a running video gets when the service is stopped. Default 25000. */
  readonly stopGraceMs: number;
  /** `LOG_LEVEL`: log level of pino. Default `info`. */
  readonly logLevel: string;
  /** `LOG_FORMAT`: `text` for people or `json` for machines. Default null: text on a terminal. */
  readonly logFormat: "text" | "json" | null;
}

const DAY_MS = 24 * 3_600_000;

const PUBLIC_URL_RULE = "must be a URL such as https://videos.example.com";

const environment = environmentOf("local", {
  PORT: wholeNumber(0, 65_535).default(3000),
  HOST: z.string().default("127.0.0.1"),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/, error: PUBLIC_URL_RULE })
    .refine((text) => !/[?#]/.test(text), { error: PUBLIC_URL_RULE })
    .optional(),
  DATA_DIR: z.string().default("data"),
  STORE: z
    .string()
    .regex(/^(s3|file):\/\/./, "must be s3://bucket, s3://bucket/prefix or file:///folder")
    .optional(),
  WORKERS: z
    .string()
    .regex(/^([1-9]|[1-5]\d|6[0-4]|none)$/, "must be a whole number from 1 to 64, or none")
    .transform((text) => (text === "none" ? 0 : Number(text)))
    .optional(),
  PROVIDER: oneOf(...ASKED_PROVIDERS).default("cpu"),
  CUDA_VISIBLE_DEVICES: z.string().optional(),
  THREADS: wholeNumber(1, 1_024).optional(),
  MODELS: folderList().default(["demo"]),
  ALLOW_LOOPBACK_WEBHOOKS: oneOf("0", "1").default("0"),
  NEW_MASTER_KEY: oneOf("0", "1").default("0"),
  LEASE_MS: wholeNumber(1000, LEASE_MS_MAX).default(15_000),
  UNFINISHED_MAX: wholeNumber(1, 1000).default(100),
  RETENTION_DAYS: wholeNumber(1, 3650).default(30),
  PROVENANCE: oneOf(...PROVENANCE_MODES).default("signed"),
  PROVENANCE_CERTIFICATE: z.string().optional(),
  PROVENANCE_KEY: z.string().optional(),
  PRICE_PER_HOUR: hourlyPrice().optional(),
  STOP_GRACE_MS: wholeNumber(0, 9_999_999).default(25_000),
  LOG_LEVEL: logLevel(),
  LOG_FORMAT: oneOf("text", "json").optional(),
});

/** Defaults of the variables that have one, by their names. */
export const DEFAULTS: Readonly<Record<string, unknown>> = environment.parse({});

/**
 * Parses the configuration from environment variables. An empty variable counts as unset.
 *
 * @param folder base of relative paths
 * @throws ConfigError naming the first variable that is invalid, RequestError for a model that is not there
 */
export function parseConfig(env: NodeJS.ProcessEnv, folder: string): LocalConfig {
  const data = parseEnvironment(environment, env);
  const gpus = { provider: data.PROVIDER, visible: data.CUDA_VISIBLE_DEVICES ?? null };
  return {
    port: data.PORT,
    host: data.HOST,
    publicUrl: data.PUBLIC_URL?.replace(/\/+$/, "") ?? null,
    dataFolder: resolve(folder, data.DATA_DIR),
    store: data.STORE ?? null,
    workers: data.WORKERS ?? listedDevices(gpus) ?? 1,
    provider: gpus.provider,
    visibleDevices: gpus.visible,
    threads: data.THREADS ?? null,
    models: data.MODELS.map((model) => findModel(model, folder)),
    allowLoopbackWebhooks: data.ALLOW_LOOPBACK_WEBHOOKS === "1",
    mayReplaceMasterKey: data.NEW_MASTER_KEY === "1",
    leaseMs: data.LEASE_MS,
    unfinishedMax: data.UNFINISHED_MAX,
    retentionMs: data.RETENTION_DAYS * DAY_MS,
    provenance: {
      mode: data.PROVENANCE,
      given: givenKeyPair(
        pemOrPath(data.PROVENANCE_CERTIFICATE, folder),
        pemOrPath(data.PROVENANCE_KEY, folder),
      ),
    },
    pricePerHour: data.PRICE_PER_HOUR ?? null,
    stopGraceMs: data.STOP_GRACE_MS,
    logLevel: data.LOG_LEVEL,
    logFormat: data.LOG_FORMAT ?? null,
  };
}

/** Returns PEM text as it is, and the path of a PEM file as an absolute one. */
export function pemOrPath(given: string | undefined, folder: string): string | undefined {
  return given === undefined || given.includes("-----BEGIN") ? given : resolve(folder, given);
}
