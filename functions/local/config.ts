import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import {
  environmentOf,
  folderList,
  logLevel,
  oneOf,
  parseEnvironment,
  wholeNumber,
} from "../../lib/shared/environment.ts";

export interface LocalConfig {
  /** `PORT`; 3000. With 0 the system chooses a free one. */
  readonly port: number;
  /** `HOST`; 127.0.0.1, so that nobody else can reach it. */
  readonly host: string;
  /** `PUBLIC_URL`: what signed URLs begin with, where clients know the service by another name. */
  readonly publicUrl: string | null;
  /** `DATA_DIR`: jobs, videos, keys and the master key; `data`. */
  readonly dataFolder: string;
  /** `MODELS`: folders, separated as in PATH; the first is the default. Left out, the demo model. */
  readonly models: readonly string[];
  /** `ALLOW_LOOPBACK_WEBHOOKS`: lets webhooks go to this machine, for development; 0. */
  readonly allowLoopbackWebhooks: boolean;
  /** `LEASE_MS`: how long a job waits for a worker that went silent because all of this was killed; 15000. */
  readonly leaseMs: number;
  /** `UNFINISHED_MAX`: queued and running videos of one API key; 100. */
  readonly unfinishedMax: number;
  /** `RETENTION_DAYS`: how long videos are kept; 30. */
  readonly retentionMs: number;
  /** `LOG_LEVEL`: that of pino; `info`. */
  readonly logLevel: string;
}

const DAY_MS = 24 * 3_600_000;
const DEMO_MODEL = fileURLToPath(new URL("../../models/demo", import.meta.url));

const PUBLIC_URL_RULE = "must be a URL such as https://videos.example.com";

const environment = environmentOf("local", {
  PORT: wholeNumber(0, 65_535).default(3000),
  HOST: z.string().default("127.0.0.1"),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/, error: PUBLIC_URL_RULE })
    .refine((text) => !/[?#]/.test(text), { error: PUBLIC_URL_RULE })
    .optional(),
  DATA_DIR: z.string().default("data"),
  MODELS: folderList().optional(),
  ALLOW_LOOPBACK_WEBHOOKS: oneOf("0", "1").default("0"),
  LEASE_MS: wholeNumber(1000, 3_600_000).default(15_000),
  UNFINISHED_MAX: wholeNumber(1, 1000).default(100),
  RETENTION_DAYS: wholeNumber(1, 3650).default(30),
  LOG_LEVEL: logLevel(),
});

/**
 * The configuration that the environment asks for; a variable that is empty counts as left out.
 *
 * @param folder what relative paths start from
 * @throws ConfigError naming the first variable that cannot be used
 */
export function parseConfig(env: NodeJS.ProcessEnv, folder: string): LocalConfig {
  const data = parseEnvironment(environment, env);
  return {
    port: data.PORT,
    host: data.HOST,
    publicUrl: data.PUBLIC_URL?.replace(/\/+$/, "") ?? null,
    dataFolder: resolve(folder, data.DATA_DIR),
    models: data.MODELS?.map((path) => resolve(folder, path)) ?? [DEMO_MODEL],
    allowLoopbackWebhooks: data.ALLOW_LOOPBACK_WEBHOOKS === "1",
    leaseMs: data.LEASE_MS,
    unfinishedMax: data.UNFINISHED_MAX,
    retentionMs: data.RETENTION_DAYS * DAY_MS,
    logLevel: data.LOG_LEVEL,
  };
}
