import { delimiter } from "node:path";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../functions/gpu/config.ts";
import { ConfigError } from "../../lib/shared/environment.ts";

const STORE = "file:///jobs";

describe("a configuration", () => {
  it("a configuration needs no more than a store", () => {
    const { models, modelCache, ...rest } = parseConfig({ STORE });
    expect(models).toHaveLength(1);
    expect(modelCache).toMatch(/adareel-models$/);
    expect(rest).toEqual({
      port: 8080,
      host: "0.0.0.0",
      store: STORE,
      runsQueueUrl: null,
      ecsAgentUrl: null,
      leaseMs: 60_000,
      progressIntervalMs: 2_000,
      maxRunMs: 21_600_000,
      stallMs: 1_800_000,
      auditShare: 0,
      provenance: { mode: "signed", given: null, secretId: null },
      provider: "cpu",
      device: null,
      pipeline: {},
      stopGraceMs: 25_000,
      pullPauseMs: 2_000,
      logLevel: "info",
    });
  });

  it("a configuration takes every value from the environment, and an empty one for none", () => {
    const config = parseConfig({
      STORE: "s3://bucket/prefix",
      RUNS_QUEUE_URL: "https://sqs.eu-central-1.amazonaws.com/123456789012/runs",
      ECS_AGENT_URI: "http://169.254.170.2/api/0123",
      SAGEMAKER_BIND_TO_PORT: "9000",
      PORT: "",
      HOST: "127.0.0.1",
      MODELS: ["/a", "/b"].join(delimiter),
      LEASE_MS: "30000",
      MODEL_CACHE: "/cache",
      MAX_RUN_MS: "60000",
      STALL_MS: "50000",
      AUDIT_SHARE: "0.01",
      PROVENANCE: "mark",
      PROVENANCE_CERTIFICATE: "/a.pem",
      PROVENANCE_KEY: "/b.pem",
      PROVENANCE_SECRET_ID: "adareel/signer",
      PROGRESS_INTERVAL_MS: "0",
      THREADS: "2",
      CUDA_VISIBLE_DEVICES: "GPU-7a, GPU-7b",
      PROVIDER: "cuda",
      PRECISION: "float32",
      GPU_MEMORY_GIB: "24",
      STOP_GRACE_MS: "90000",
      PULL_PAUSE_MS: "500",
      LOG_LEVEL: "silent",
      SOMETHING_ELSE: "x",
    });
    expect(config).toEqual({
      port: 9000,
      host: "127.0.0.1",
      store: "s3://bucket/prefix",
      runsQueueUrl: "https://sqs.eu-central-1.amazonaws.com/123456789012/runs",
      ecsAgentUrl: "http://169.254.170.2/api/0123",
      models: [
        { name: "a", folder: "/a" },
        { name: "b", folder: "/b" },
      ],
      modelCache: "/cache",
      maxRunMs: 60_000,
      stallMs: 50_000,
      auditShare: 0.01,
      provenance: {
        mode: "mark",
        given: { certificate: "/a.pem", key: "/b.pem" },
        secretId: "adareel/signer",
      },
      leaseMs: 30_000,
      progressIntervalMs: 0,
      provider: "cuda",
      device: "GPU-7a",
      pipeline: { precision: "float32", threads: 2, memoryBytes: 24 * 2 ** 30 },
      stopGraceMs: 90_000,
      pullPauseMs: 500,
      logLevel: "silent",
    });
  });

  it("the memory of a GPU that is 0, or given without a GPU, is not known", () => {
    expect(parseConfig({ STORE, PROVIDER: "cuda", GPU_MEMORY_GIB: "0" }).pipeline).toEqual({});
    expect(parseConfig({ STORE, GPU_MEMORY_GIB: "24" }).pipeline).toEqual({});
  });

  it("a configuration prefers PORT, and accepts a PORT of 0", () => {
    expect(parseConfig({ STORE, PORT: "0", SAGEMAKER_BIND_TO_PORT: "9000" }).port).toBe(0);
  });

  it("a configuration downloads the model of MODEL_URI, whose last part names it", () => {
    for (const MODEL_URI of ["s3://bucket/models/wan-1.3b/", "s3://bucket/models/wan-1.3b"])
      expect(parseConfig({ STORE, MODEL_URI }).models).toEqual([{ name: "wan-1.3b", url: MODEL_URI }]);
  });

  const wrong: [env: NodeJS.ProcessEnv, message: string][] = [
    [{}, "STORE is needed: s3://bucket/prefix, or file:///folder."],
    [{ STORE: "ftp://host/x" }, "STORE must be s3://bucket, s3://bucket/prefix or file:///folder."],
    [{ PORT: "65536" }, "PORT must be a whole number from 0 to 65535."],
    [{ PORT: "8e3" }, "PORT must be a whole number from 0 to 65535."],
    [{ SAGEMAKER_BIND_TO_PORT: "x" }, "SAGEMAKER_BIND_TO_PORT must be a whole number from 0 to 65535."],
    [{ LEASE_MS: "-1" }, "LEASE_MS must be a whole number from 1000 to 3600000."],
    [{ LEASE_MS: "60s" }, "LEASE_MS must be a whole number from 1000 to 3600000."],
    [{ PROGRESS_INTERVAL_MS: "1.5" }, "PROGRESS_INTERVAL_MS must be a whole number from 0 to 60000."],
    [{ PRECISION: "bfloat16" }, "PRECISION must be one of float32, float16, int8."],
    [
      { PRECISION: "int8", PROVIDER: "cuda" },
      "PRECISION cannot be int8: the provider cuda has no products in int8: take float32 or float16.",
    ],
    [{ THREADS: "0" }, "THREADS must be a whole number from 1 to 1024."],
    [{ PROVIDER: "tpu" }, "PROVIDER must be one of cpu, cuda, webgpu, auto."],
    [{ LOG_LEVEL: "loud" }, "LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent."],
    ...["-1", "1.01", "half", "1e-3"].map((AUDIT_SHARE): [NodeJS.ProcessEnv, string] => [
      { AUDIT_SHARE },
      "AUDIT_SHARE must be a number from 0 to 1, such as 0.01.",
    ]),
    [{ MAX_RUN_MS: "0" }, "MAX_RUN_MS must be a whole number from 1000 to 9999999."],
    ...["s3://bucket", "s3://bucket/", "https://bucket/models/a/", "s3://b/models/..", "s3://b/a b/"].map(
      (MODEL_URI): [NodeJS.ProcessEnv, string] => [
        { MODEL_URI },
        "MODEL_URI must be s3://bucket/models/<name>/.",
      ],
    ),
    [{ MODELS: delimiter }, `MODELS must be folders with one ${delimiter} between two.`],
  ];
  it.each(wrong)("the configuration %j is refused in one sentence", (env, message) => {
    const given = Object.keys(env).length > 0 ? { STORE, ...env } : env;
    expect(() => parseConfig(given)).toThrow(new ConfigError(message));
  });
});
