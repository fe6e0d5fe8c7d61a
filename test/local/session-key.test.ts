import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { sessionKey } from "../../functions/local/session-key.ts";
import { apiKeys } from "../../lib/service/keys/index.ts";
import { openStore } from "../../lib/service/storage/index.ts";
import { system } from "../../lib/shared/system.ts";

it("ten session keys are each valid for their own process, beside stored keys, and leave nothing in the store", async () => {
  const folder = await mkdtemp(join(tmpdir(), "adareel-session-"));
  const open = async () => apiKeys({ store: await openStore(folder, { signUrl: () => "" }), ...system });
  const stored = await open();
  const { key: first } = await stored.create({ tenant: "default", name: "first start" });
  const sessions = [];
  for (let start = 0; start < 10; start++) {
    sessions.push(sessionKey(await open(), { tenant: "default", random: system.random }));
  }
  for (const { key, keys } of sessions) {
    expect(await keys.authenticate(key)).toMatchObject({ tenant: "default" });
    expect(await keys.authenticate(first)).toMatchObject({ tenant: "default" });
    expect(await keys.authenticate(`${key.slice(0, -1)}${key.endsWith("A") ? "B" : "A"}`)).toBeNull();
    expect(await stored.authenticate(key)).toBeNull();
    const others = sessions.filter((session) => session.key !== key);
    for (const other of others) expect(await other.keys.authenticate(key)).toBeNull();
    expect((await keys.list()).length).toBe(1);
  }
  await rm(folder, { recursive: true });
});
