import { execFileSync } from "node:child_process";
import { appendFile, mkdtemp, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Video } from "../../functions/api/schemas/video.ts";
import { writeTinyModel } from "../generation/pipeline/tiny-model.ts";
import { type Client, clientOf, type LocalService, startLocal } from "./local-service.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const PAGE_BYTES = 4096;

const folder = await mkdtemp(join(tmpdir(), "adareel-full-"));
const isMounted = mountSmallDisk();
if (!isMounted) console.log("no right to mount a small disk: the tests of a full one are skipped");

function mountSmallDisk(): boolean {
  if (process.platform !== "linux" || process.getuid!() !== 0) return false;
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], { stdio: "ignore" });
    return true;
  } catch {
    // In most containers, root may not mount disks either.
    return false;
  }
}

describe.skipIf(!isMounted)("a full disk", () => {
  const ballast = join(folder, "ballast");
  const quick = { prompt: "a red circle moves", steps: 2 };
  let model: string;
  let service: LocalService;
  let client: Client;

  beforeAll(async () => {
    model = await writeTinyModel();
    service = await startLocal({ DATA_DIR: join(folder, "data"), MODELS: model });
    client = clientOf(service.url, service.key!);
  });
  afterAll(async () => {
    service.child.kill("SIGTERM");
    await service.ended;
    execFileSync("umount", [folder]);
    for (const path of [folder, model]) await rm(path, { recursive: true });
  });

  async function fill(): Promise<void> {
    for (;;) {
      try {
        await appendFile(ballast, Buffer.alloc(PAGE_BYTES));
      } catch (error) {
        expect((error as NodeJS.ErrnoException).code).toBe("ENOSPC");
        return;
      }
    }
  }

  async function ids(): Promise<string[]> {
    const { data } = await client.ask<{ data: Video[] }>("GET", "/v1/videos");
    return data.map(({ id }) => id);
  }

  it("a full disk acknowledges nothing, shows no partial object, and works again with free space", async () => {
    const before = await client.create(quick);
    await client.finished(before.id);
    await fill();
    const tryAgain = () => client.send("POST", "/v1/videos", quick, { "idempotency-key": "one" });
    let answer = await tryAgain();
    let refusals = 0;
    // One page is freed each time, so that each write of a creation is the first to fail once.
    while (answer.status !== 200) {
      expect([answer.status, answer.headers.get("content-type")]).toEqual([503, "application/problem+json"]);
      expect(answer.headers.get("retry-after")).not.toBeNull();
      expect(await answer.json()).toMatchObject({ status: 503, error: { code: "storage_unavailable" } });
      expect(await ids()).toEqual([before.id]);
      expect((await client.read(before.id)).status).toBe("completed");
      refusals += 1;
      await truncate(ballast, (await stat(ballast)).size - PAGE_BYTES);
      answer = await tryAgain();
    }
    expect(refusals).toBeGreaterThan(1);
    await rm(ballast);
    const { id } = (await answer.json()) as Video;
    expect((await client.finished(id)).status).toBe("completed");
    expect(await ids()).toEqual([id, before.id]);
    const { status } = await client.finished((await client.create(quick)).id);
    expect(status).toBe("completed");
  });

  it("a full disk is cleared by deleting a video", async () => {
    const { id } = await client.create(quick);
    await client.finished(id);
    await fill();
    expect((await client.send("DELETE", `/v1/videos/${id}`)).status).toBe(200);
    expect(await ids()).not.toContain(id);
    await rm(ballast);
  });
});
