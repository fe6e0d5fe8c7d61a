/** Pictures on their whole way: sent to the service, used by the model, and gone with the video. */

import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Video } from "../../functions/api/schemas/video.ts";
import { RUNNER } from "../../lib/shared/run/index.ts";
import { type Client, clientOf, type LocalService, startLocal } from "./local-service.ts";

const TIMEOUT_MS = 300_000;
vi.setConfig({ testTimeout: TIMEOUT_MS, hookTimeout: TIMEOUT_MS });

const golden = join(import.meta.dirname, "../golden/pipelines/open-sora");
const tokenizer = join(import.meta.dirname, "../../models/demo/tokenizer");
const generate = join(import.meta.dirname, "../../functions/cli/generate.ts");
const picture = join(golden, "first.png");
const settings = { prompt: "a red circle", seed: 3, steps: 4, cache: "off" };

let folder: string;
let service: LocalService;
let client: Client;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-pictures-"));
  await cp(golden, join(folder, "model"), { recursive: true });
  await cp(tokenizer, join(folder, "model/tokenizer"), { recursive: true });
  // Signed videos are never equal.
  const unsigned = { PROVENANCE: "mark" };
  service = await startLocal({ DATA_DIR: join(folder, "data"), MODELS: join(folder, "model"), ...unsigned });
  client = clientOf(service.url, service.key!);
});
afterAll(async () => {
  service?.child.kill("SIGTERM");
  await service?.ended;
  await rm(folder, { recursive: true, force: true });
});

async function send(file: Uint8Array | null): Promise<Video> {
  const form = new FormData();
  for (const [name, value] of Object.entries(settings)) form.append(name, String(value));
  if (file) form.append("input_reference", new Blob([new Uint8Array(file)]), "photo");
  const answer = await fetch(`${service.url}/v1/videos`, {
    method: "POST",
    headers: { authorization: `Bearer ${service.key}` },
    body: form,
  });
  const video = (await answer.json()) as Video;
  expect([answer.status, video]).toEqual([200, expect.anything()]);
  return client.finished(video.id);
}

const bytesOf = async ({ url }: Video) => Buffer.from(await (await fetch(url!)).arrayBuffer());

async function storedInputs(): Promise<string[]> {
  const names = await readdir(join(folder, "data/store/objects"), { recursive: true });
  return names.filter((name) => /^inputs.*@$/.test(name));
}

test("a video from a file in a form is the one that the command line makes with --image", async () => {
  const video = await send(await readFile(picture));
  expect(video.error).toBeNull();
  const { sha256 } = video.params.input_reference!;
  expect(video.compute!.pictures).toEqual({ input_reference: sha256 });

  const out = join(folder, "cli.mp4");
  const { prompt, ...flags } = settings;
  const args = Object.entries({ ...flags, image: picture, model: join(folder, "model"), out });
  await promisify(execFile)(process.execPath, [
    RUNNER,
    generate,
    prompt,
    ...args.flatMap(([name, value]) => [`--${name}`, String(value)]),
  ]);
  const own = await bytesOf(video);
  expect(own.equals(await readFile(out))).toBe(true);

  const bare = await send(null);
  expect(own.equals(await bytesOf(bare))).toBe(false);
  expect(bare.compute!.pictures).toEqual({});

  expect(await storedInputs()).toHaveLength(1);
  await client.ask("DELETE", `/v1/videos/${video.id}`);
  expect(await storedInputs()).toEqual([]);
});

test("a remix of a video whose original is deleted begins with the same picture", async () => {
  const video = await send(await readFile(picture));
  const { id } = await client.ask<Video>("POST", `/v1/videos/${video.id}/remix`, { prompt: settings.prompt });
  await client.ask("DELETE", `/v1/videos/${video.id}`);
  const remix = await client.finished(id);
  expect(remix.error).toBeNull();
  expect(remix.compute!.pictures).toEqual(video.compute!.pictures);
});

test("a picture whose header is right and whose data are not fails its video, and names the field", async () => {
  const whole = await readFile(picture);
  const video = await send(Buffer.concat([whole.subarray(0, 40), Buffer.alloc(200, 7)]));
  expect(video.error).toMatchObject({ code: "invalid_request" });
  expect(video.error!.message).toMatch(/^The picture input_reference cannot be read/);
});
