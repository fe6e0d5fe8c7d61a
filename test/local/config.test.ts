import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../functions/local/config.ts";
import { ConfigError } from "../../lib/shared/environment.ts";

describe("a configuration", () => {
  it("a configuration needs nothing from the environment", () => {
    const { models, ...rest } = parseConfig({}, "/home/me");
    expect(models).toEqual([expect.stringMatching(/models.demo$/)]);
    expect(rest).toEqual({
      port: 3000,
      host: "127.0.0.1",
      publicUrl: null,
      dataFolder: "/home/me/data",
      store: null,
      workers: 1,
      provider: "cpu",
      visibleDevices: null,
      threads: null,
      allowLoopbackWebhooks: false,
      mayReplaceMasterKey: false,
      leaseMs: 15_000,
      unfinishedMax: 100,
      retentionMs: 30 * 24 * 3_600_000,
      pricePerHour: null,
      provenance: { mode: "signed", given: null },
      stopGraceMs: 25_000,
      logLevel: "info",
      logFormat: null,
    });
  });

  it("a configuration takes every value from the environment, and an empty one for none", async () => {
    const home = await mkdtemp(join(tmpdir(), "adareel-config-"));
    for (const model of ["one", "models/two"]) {
      await mkdir(join(home, model), { recursive: true });
      await writeFile(join(home, model, "model_index.json"), "{}");
    }
    const env = {
      PORT: "0",
      HOST: "",
      PUBLIC_URL: "https://videos.example.com/adareel//",
      DATA_DIR: "../jobs",
      STORE: "s3://videos/prefix",
      WORKERS: "2",
      PROVIDER: "cuda",
      CUDA_VISIBLE_DEVICES: "0,2",
      THREADS: "3",
      MODELS: ["one", "two", "demo"].join(delimiter),
      ALLOW_LOOPBACK_WEBHOOKS: "1",
      NEW_MASTER_KEY: "1",
      LEASE_MS: "2000",
      UNFINISHED_MAX: "1",
      RETENTION_DAYS: "7",
      PRICE_PER_HOUR: "1.25",
      PROVENANCE: "required",
      PROVENANCE_CERTIFICATE: "keys/signer.pem",
      PROVENANCE_KEY: "-----BEGIN PRIVATE KEY-----",
      STOP_GRACE_MS: "60000",
      LOG_LEVEL: "silent",
      LOG_FORMAT: "text",
      SOMETHING_ELSE: "x",
    };
    expect(parseConfig(env, home)).toEqual({
      port: 0,
      host: "127.0.0.1",
      publicUrl: "https://videos.example.com/adareel",
      dataFolder: join(home, "../jobs"),
      store: "s3://videos/prefix",
      workers: 2,
      provider: "cuda",
      visibleDevices: "0,2",
      threads: 3,
      models: [join(home, "one"), join(home, "models/two"), expect.stringMatching(/models.demo$/)],
      allowLoopbackWebhooks: true,
      mayReplaceMasterKey: true,
      leaseMs: 2000,
      unfinishedMax: 1,
      retentionMs: 7 * 24 * 3_600_000,
      pricePerHour: 1.25,
      provenance: {
        mode: "required",
        given: { certificate: join(home, "keys/signer.pem"), key: "-----BEGIN PRIVATE KEY-----" },
      },
      stopGraceMs: 60_000,
      logLevel: "silent",
      logFormat: "text",
    });
    await rm(home, { recursive: true });
  });

  it("a configuration has a worker for each GPU that is named, if GPUs are used, and none where none are wanted", () => {
    const workers = (env: NodeJS.ProcessEnv) => parseConfig(env, "/").workers;
    const listed = { CUDA_VISIBLE_DEVICES: "0,2,3" };
    expect(workers({ ...listed, PROVIDER: "auto" })).toBe(3);
    expect(workers({ ...listed, PROVIDER: "cuda", WORKERS: "2" })).toBe(2);
    expect(workers(listed)).toBe(1);
    expect(workers({ ...listed, PROVIDER: "cuda", WORKERS: "none" })).toBe(0);
  });

  it("a configuration with a model that is not there says how to add it", () => {
    expect(() => parseConfig({ MODELS: "latte-1" }, "/")).toThrow(
      /^The model latte-1 is not on this machine/,
    );
  });

  const url = "PUBLIC_URL must be a URL such as https://videos.example.com.";
  const wrong: [env: NodeJS.ProcessEnv, message: string][] = [
    ...["0", "-1", "20eur", "1e9", "1000000", "NaN", "."].map((text): [NodeJS.ProcessEnv, string] => [
      { PRICE_PER_HOUR: text },
      "PRICE_PER_HOUR must be a number of US dollars above 0 and at most 1000, such as 1.2.",
    ]),
    ...["0", "65", "-1", "1.5", "all"].map((text): [NodeJS.ProcessEnv, string] => [
      { WORKERS: text },
      "WORKERS must be a whole number from 1 to 64, or none.",
    ]),
    [{ STORE: "data" }, "STORE must be s3://bucket, s3://bucket/prefix or file:///folder."],
    [{ THREADS: "0" }, "THREADS must be a whole number from 1 to 1024."],
    [{ PROVIDER: "tpu" }, "PROVIDER must be one of cpu, cuda, webgpu, auto."],
    [{ PORT: "65536" }, "PORT must be a whole number from 0 to 65535."],
    [{ PORT: "-1" }, "PORT must be a whole number from 0 to 65535."],
    [{ PORT: "3000 " }, "PORT must be a whole number from 0 to 65535."],
    [{ PORT: "0x10" }, "PORT must be a whole number from 0 to 65535."],
    [{ PUBLIC_URL: "videos.example.com" }, url],
    [{ PUBLIC_URL: "ftp://videos.example.com" }, url],
    [{ PUBLIC_URL: "https://videos.example.com/?a=b" }, url],
    [{ PUBLIC_URL: "https://videos.example.com/#top" }, url],
    [{ MODELS: delimiter }, `MODELS must be folders with one ${delimiter} between two.`],
    [{ MODELS: `a${delimiter}` }, `MODELS must be folders with one ${delimiter} between two.`],
    [{ ALLOW_LOOPBACK_WEBHOOKS: "yes" }, "ALLOW_LOOPBACK_WEBHOOKS must be one of 0, 1."],
    [{ LEASE_MS: "999" }, "LEASE_MS must be a whole number from 1000 to 3600000."],
    [{ UNFINISHED_MAX: "0" }, "UNFINISHED_MAX must be a whole number from 1 to 1000."],
    [{ UNFINISHED_MAX: "1e3" }, "UNFINISHED_MAX must be a whole number from 1 to 1000."],
    [{ RETENTION_DAYS: "forever" }, "RETENTION_DAYS must be a whole number from 1 to 3650."],
    [{ LOG_FORMAT: "xml" }, "LOG_FORMAT must be one of text, json."],
    [{ LOG_LEVEL: "loud" }, "LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent."],
  ];
  it.each(wrong)("the configuration %j is refused in one sentence", (env, message) => {
    expect(() => parseConfig(env, "/")).toThrow(new ConfigError(message));
  });
});
