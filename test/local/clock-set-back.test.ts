import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { VideoEvents } from "../../functions/api/schemas/video.ts";
import { eventually } from "../eventually.ts";
import { writeTinyModel } from "../generation/pipeline/tiny-model.ts";
import { clientOf, startLocal } from "./local-service.ts";
import { hasProcessList, processesWith } from "./processes.ts";

/** Module that sets the clock of a process an hour ahead. */
const AHEAD = "data:text/javascript,Date.now=(now=>()=>now()+3600000)(Date.now)";

it.skipIf(!hasProcessList)(
  "a job whose processes were killed runs again at once after the clock was set back an hour",
  async () => {
    const [folder, model] = await Promise.all([mkdtemp(join(tmpdir(), "adareel-clock-")), writeTinyModel()]);
    const ours = () => processesWith("DATA_DIR", folder);
    onTestFinished(async () => {
      for (const { pid } of ours()) process.kill(pid, "SIGKILL");
      await eventually(() => expect(ours()).toEqual([]));
      for (const path of [folder, model]) await rm(path, { recursive: true, force: true });
    });
    const env = { DATA_DIR: folder, MODELS: model, LOG_LEVEL: "error" };
    const ahead = await startLocal({ ...env, NODE_OPTIONS: `--import ${AHEAD}` });
    const before = clientOf(ahead.url, ahead.key!);
    const { id, created_at } = await before.create({ prompt: "a red circle", steps: 120, cache: "off" });
    expect(created_at).toBeGreaterThan(Date.now() / 1000 + 3000);
    const begun = async () => expect((await before.read(id)).status).toBe("in_progress");
    await eventually(begun);
    // The GPU function would hand the job back if it saw the end of its parent.
    for (const role of ["gpu", "api"]) {
      for (const { pid } of ours().filter((each) => each.role === role)) process.kill(pid, "SIGKILL");
    }
    await eventually(() => expect(ours()).toEqual([]));

    const after = await startLocal(env);
    const client = clientOf(after.url, ahead.key!);
    expect(await client.finished(id)).toMatchObject({ status: "completed" });
    const { lifecycle } = await client.ask<VideoEvents>("GET", `/v1/videos/${id}/events`);
    expect(lifecycle.map(({ type }) => type)).toEqual(["created", "claimed", "lost", "claimed", "completed"]);
  },
  120_000,
);
