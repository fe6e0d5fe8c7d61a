import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { chooseModels, fetchModel, namedByFolder } from "../../functions/gpu/models.ts";
import { warmModels } from "../../functions/gpu/warm-models.ts";
import { ConfigError } from "../../lib/shared/environment.ts";
import { startS3Stub } from "../s3-stub/s3-stub.ts";
import { silent } from "./job-fixture.ts";

let mounted: string;
beforeEach(() => {
  mounted = mkdtempSync(join(tmpdir(), "adareel-mounted-"));
});
afterEach(() => rmSync(mounted, { recursive: true }));

const url = "s3://bucket/models/wan/";
const demo = join(import.meta.dirname, "../../models/demo");

describe("the choice of models", () => {
  it("the models are those of the configured folders, named after them, before any other", () => {
    writeFileSync(join(mounted, "model_index.json"), "{}");
    expect(chooseModels({ folders: ["/models/a/", "b"], url, mounted })).toEqual([
      { name: "a", folder: "/models/a/" },
      { name: "b", folder: "b" },
    ]);
  });

  it("the model is the one in the bucket, under its name, read from where SageMaker mounted it", () => {
    expect(chooseModels({ folders: undefined, url, mounted })).toEqual([{ name: "wan", url }]);
    writeFileSync(join(mounted, "model_index.json"), "{}");
    expect(chooseModels({ folders: undefined, url, mounted })).toEqual([{ name: "wan", folder: mounted }]);
  });

  it("the model is by default what is mounted, or else the demo model", () => {
    const choose = (folder: string) => chooseModels({ folders: undefined, url: undefined, mounted: folder });
    expect(choose(mounted)).toEqual([{ name: "demo", folder: demo }]);
    expect(choose(join(mounted, "missing"))).toEqual([{ name: "demo", folder: demo }]);
    mkdirSync(join(mounted, "vae"));
    expect(choose(mounted)).toEqual([namedByFolder(mounted)]);
  });
});

it("a model of the bucket is downloaded once, and found under the name that jobs ask for", async () => {
  const stub = await startS3Stub();
  onTestFinished(() => stub.close());
  for (const [name, value] of Object.entries(stub.env)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  const body = readFileSync(join(demo, "model_index.json"));
  const metadata = { sha256: createHash("sha256").update(body).digest("hex") };
  stub.objects.set("bucket/models/wan/model_index.json", { body, etag: `"1"`, contentType: "x/y", metadata });
  const lines: unknown[] = [];
  const log = { ...silent, info: (line: unknown) => void lines.push(line) };
  const model = await fetchModel({ name: "wan", url }, { cacheFolder: mounted, log });
  expect(readFileSync(join(model.folder, "model_index.json"))).toEqual(body);
  expect((await warmModels([model], {})).names).toEqual(["wan"]);
  expect(lines).toMatchObject([{ name: "wan", doneBytes: body.length, receivedBytes: body.length }]);
  expect(await fetchModel(model, { cacheFolder: mounted, log })).toBe(model);
});

it("two models of one name are refused", async () => {
  const two = warmModels([namedByFolder(demo), { name: "demo", folder: demo }], {});
  await expect(two).rejects.toThrow(ConfigError);
});
