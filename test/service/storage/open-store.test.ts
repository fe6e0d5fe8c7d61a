import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { openStore } from "../../../lib/service/storage/index.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const options = { signUrl: (key: string) => `signed:${key}` };

function stubEnv(env: Record<string, string>): void {
  for (const name of ["AWS_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"]) vi.stubEnv(name, env[name]);
  vi.stubEnv("AWS_ACCESS_KEY_ID", "id");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
  onTestFinished(() => void vi.unstubAllEnvs());
}

describe("a folder", () => {
  test("a folder store is opened by its path or its URL", async () => {
    const folder = join(temporaryFolder(), "a b");
    const store = await openStore(pathToFileURL(folder).href, options);
    await store.put("a", Uint8Array.of(1));
    const again = await openStore(folder, options);
    expect((await again.get("a"))?.body).toEqual(Uint8Array.of(1));
    expect(await again.signedUrl("a", { expiresInSeconds: 1 })).toBe("signed:a");
  });
});

test("the AWS SDK is loaded only when a bucket is opened", () => {
  const sources = readdirSync(join("lib", "service", "storage")).map((name) => ({
    name,
    text: readFileSync(join("lib", "service", "storage", name), "utf8").replaceAll(/^import type .*$/gm, ""),
  }));
  const importing = (specifier: RegExp) =>
    sources.filter(({ name, text }) => !name.startsWith("s3-") && specifier.test(text));
  expect(importing(/ from "(@aws-sdk\/[^"]*|\.\/s3-[^"]*)"/).map(({ name }) => name)).toEqual([]);
  expect(importing(/await import\("\.\/s3-store\.ts"\)/).length).toBeGreaterThan(0);
});

describe("a bucket", () => {
  test("a bucket is reached at Amazon in the region of the environment", async () => {
    stubEnv({ AWS_REGION: "eu-west-1" });
    const store = await openStore("s3://my-bucket/some/prefix/", options);
    const url = await store.signedUrl("a", { expiresInSeconds: 60, downloadName: "a.mp4" });
    const { host, pathname, searchParams } = new URL(url);
    expect(`${host}${pathname}`).toBe("my-bucket.s3.eu-west-1.amazonaws.com/some/prefix/a");
    expect(searchParams.get("response-content-disposition")).toBe('attachment; filename="a.mp4"');
  });

  test("a bucket is reached at the endpoint of the environment, with path-style URLs", async () => {
    stubEnv({ AWS_ENDPOINT_URL: "http://127.0.0.1:1", AWS_ENDPOINT_URL_S3: "http://127.0.0.1:2" });
    const store = await openStore("s3://my-bucket", options);
    expect(await store.signedUrl("a", { expiresInSeconds: 60 })).toMatch(
      /^http:\/\/127\.0\.0\.1:2\/my-bucket\/a\?/,
    );
  });

  test("an unreachable bucket is reported as unavailable", async () => {
    stubEnv({ AWS_ENDPOINT_URL: "http://127.0.0.1:1" });
    const store = await openStore("s3://my-bucket", options);
    await expect(store.get("a")).rejects.toMatchObject({ name: "StoreError", code: "unavailable" });
  });
});

test("a malformed store is refused in one sentence", async () => {
  for (const url of [
    "",
    "gs://a",
    "http://a/b",
    "s3://",
    "s3:bucket",
    "s3://A_B/c",
    "s3://bucket/../b",
    "file://host/a",
  ]) {
    const opened = openStore(url, options);
    await expect(opened).rejects.toThrow(RangeError);
    await expect(opened).rejects.toThrow(
      `${JSON.stringify(url)} is not a store: give a folder, file:///folder, s3://bucket or s3://bucket/prefix.`,
    );
  }
});
