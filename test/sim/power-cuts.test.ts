import { describe, expect, test } from "vitest";
import { DISK_MUTATIONS } from "./mutations.ts";
import { runPowerCuts } from "./power-cuts.ts";
import { FOLDER, powerlessMachine } from "./powerless-machine.ts";

/** Seeds to run: SIM_SEED=123 runs one, SIM_SEEDS=2000 runs seeds 1 to 2000. */
const { SIM_SEED, SIM_SEEDS = "60" } = process.env;
const seeds = SIM_SEED
  ? [Number(SIM_SEED)]
  : Array.from({ length: Number(SIM_SEEDS) }, (_, index) => index + 1);

test("a folder store keeps every acknowledged write through kills and power cuts between any two calls", async () => {
  const found: string[] = [];
  for (const seed of seeds) {
    const violations = await runPowerCuts({ seed });
    found.push(...violations.slice(0, 1).map((sentence) => `SIM_SEED=${seed}: ${sentence}`));
  }
  expect(found).toEqual([]);
}, 600_000);

test.each(Object.entries(DISK_MUTATIONS))("power cuts reveal the fault when %s", async (_name, { files }) => {
  const found: string[] = [];
  for (let seed = 1; seed <= 50 && found.length === 0; seed += 1)
    found.push(...(await runPowerCuts({ seed, mutate: files! })));
  expect(found.length).toBeGreaterThan(0);
});

describe("a power cut that loses all that was not synced", () => {
  const OBJECTS = `${FOLDER}/objects`;
  const never = () => new Promise<never>(() => undefined);
  const bytes = (text: string) => new TextEncoder().encode(text);

  test("the data folder and its parents survive", async () => {
    const { open, restart } = powerlessMachine();
    await (await open()).put("a", bytes("1"));
    expect((await (await restart()).get("a"))?.body).toEqual(bytes("1"));
  });

  test("a second version survives though the writer of the first has not synced its parent folders", async () => {
    const { files, open, restart } = powerlessMachine();
    let isStuck = false;
    const slow = await open({
      open: (path, ...rest) => (isStuck && path === OBJECTS ? never() : files.open(path, ...rest)),
    });
    const quick = await open();
    isStuck = true;
    void slow.put("a/b", bytes("1"));
    await expect.poll(() => quick.get("a/b")).not.toBeNull();
    expect(await quick.put("a/b", bytes("2"))).toMatchObject({ ok: true });
    expect((await (await restart()).get("a/b"))?.body).toEqual(bytes("2"));
  });

  test("an acknowledged version survives though the newer one that replaced it was never synced", async () => {
    const { files, open, restart } = powerlessMachine();
    let isOvertaken = false;
    const isUnsynced = (path: string) => isOvertaken && /\/objects\/a@\/[^/]+$/.test(path);
    const other = await open({
      open: (path, ...rest) => (isUnsynced(path) ? never() : files.open(path, ...rest)),
    });
    const slow = await open({
      // The other writer acts after this link, and before the slow writer lists the versions.
      async link(existing, path) {
        await files.link(existing, path);
        if (!/\/3$/.test(path)) return;
        isOvertaken = true;
        void other.put("a", bytes("4"));
        await expect.poll(async () => Buffer.from((await slow.get("a"))!.body).toString()).toBe("4");
      },
    });
    for (const text of ["1", "2"]) await slow.put("a", bytes(text));
    expect(await slow.put("a", bytes("3"))).toMatchObject({ ok: true });
    const body = Buffer.from((await (await restart()).get("a"))!.body).toString();
    expect(["3", "4"]).toContain(body);
  });
});
