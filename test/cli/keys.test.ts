import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { apiKeys } from "../../lib/service/keys/index.ts";
import { openStore } from "../../lib/service/storage/index.ts";
import { system } from "../../lib/shared/system.ts";
import { runKeys } from "./run-keys.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-keys-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** Opens the keys as a newly started service does. */
async function openKeys() {
  const store = await openStore(join(folder, "data", "store"), { signUrl: () => "" });
  return apiKeys({ store, clock: Date, random: randomBytes, sleep: system.sleep });
}

describe("a deployment in the folder", () => {
  const outputs = {
    "adareel-data": { BucketName: "adareel-1-eu-central-1" },
    "adareel-gpu": { Dashboard: "x" },
  };

  it("the command keys asks which keys are meant beside the outputs of a deployment", async () => {
    await mkdir(join(folder, "out"));
    await writeFile(join(folder, "out/outputs.json"), JSON.stringify(outputs));
    for (const command of ["create", "list"])
      expect(await runKeys([command], folder)).toEqual({
        code: 2,
        stdout: "",
        stderr:
          "There is a deployment in out/outputs.json: say --store s3://adareel-1-eu-central-1 for its keys, or " +
          "DATA_DIR=data for those of npm start.\n",
      });
    expect((await runKeys(["create"], folder, { DATA_DIR: "data" })).code).toBe(0);
  });

  it("the command keys takes any other file at its place for no deployment", async () => {
    await mkdir(join(folder, "out"));
    for (const text of ["[1]", "no JSON", '{"other":{"Url":"x"}}']) {
      await writeFile(join(folder, "out/outputs.json"), text);
      expect((await runKeys(["create"], folder)).code).toBe(0);
    }
  });
});

describe("create", () => {
  it("the command keys create prints only a key that a service accepts, and stores no key in the folder", async () => {
    const { code, stdout, stderr } = await runKeys(["create"], folder);
    expect(code).toBe(0);
    const [, id, secret] = /^adr_([a-z2-7]{12})_(\S{43})\n$/.exec(stdout)!;
    expect(stderr).toBe(`Key ${id} of tenant default, shown this once.\n`);
    expect(await (await openKeys()).authenticate(stdout.trim())).toEqual({ tenant: "default", keyId: id });
    const stored = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = stored.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) expect(await readFile(file, "latin1")).not.toContain(secret);
  });

  it("the command keys create makes a key for a tenant", async () => {
    const { stdout } = await runKeys(["create", "--tenant", "acme", "--name", "a laptop"], folder);
    expect(await (await openKeys()).authenticate(stdout.trim())).toMatchObject({ tenant: "acme" });
  });

  it("the command keys create refuses an invalid tenant name", async () => {
    const { code, stdout, stderr } = await runKeys(["create", "--tenant", "../other"], folder);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^A tenant's name has .*\.\n$/);
  });
});

it("the command keys create takes a limit of US dollars a day, which keys list shows", async () => {
  const { stdout, stderr } = await runKeys(["create", "--per-day", "0.5usd"], folder);
  expect(stderr).toMatch(/, whose videos may cost 0\.5 USD a day, shown this once\.\n$/);
  expect(await (await openKeys()).limitOf(stdout.split("_")[1]!)).toBe(0.5);
  expect((await runKeys(["list"], folder)).stdout).toMatch(/\tactive\t\t0\.5 USD a day\n$/);
});

it("the command keys list says how to make a key where there is none", async () => {
  expect(await runKeys(["list"], folder)).toMatchObject({
    code: 0,
    stdout: "",
    stderr: "There are no keys yet: npm run keys -- create makes one.\n",
  });
});

it("the command keys list shows all keys, oldest first and without their secrets, and keys revoke revokes one", async () => {
  const keys = [];
  for (const name of ["first", "second"]) {
    keys.push((await runKeys(["create", "--name", name], folder)).stdout.trim());
  }
  const [first, second] = keys.map((key) => key.split("_")[1]!);
  const revoked = await runKeys(["revoke", first!], folder);
  expect(revoked).toMatchObject({ code: 0, stdout: "" });
  expect(revoked.stderr).toBe(`Key ${first} is revoked; a running service refuses it within seconds.\n`);

  const { stdout } = await runKeys(["list"], folder);
  const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;
  expect(stdout).toMatch(
    new RegExp(
      `^${first}\tdefault\t${time}\trevoked ${time}\tfirst\n${second}\tdefault\t${time}\tactive\tsecond\n$`,
    ),
  );
  const service = await openKeys();
  expect(await service.authenticate(keys[0]!)).toBeNull();
  expect(await service.authenticate(keys[1]!)).not.toBeNull();
});

describe("wrong words", () => {
  const wrong: [args: string[], message: RegExp][] = [
    [[], /^Say create, list or revoke, as in npm run keys -- create --help\.\n$/],
    [["constructor"], /^There is no command "constructor": say create, list or revoke, .*\.\n$/],
    [
      ["revoke"],
      /^ID is missing: the id of a key, as list prints it, as in: npm run keys -- revoke abcdefghijkl\n$/,
    ],
    [
      ["revoke", "one", "two"],
      /^"two" is one word too many; write it as in: npm run keys -- revoke abcdefghijkl\n$/,
    ],
    ...["0", "-3", "20eur", "", "1e9", "0.001"].map((limit): [string[], RegExp] => [
      ["create", `--per-day=${limit}`],
      /^--per-day is ".*": write US dollars from 0\.01 to 1000000, such as 20usd or 0\.5\.\n$/,
    ]),
    [["create", "--owner", "me"], /^Unknown option '--owner'; see --help\.\n$/],
    [["list", "--tenant", "me"], /^Unknown option '--tenant'; see --help\.\n$/],
  ];
  it.each(wrong)(
    "the arguments %j are answered with one sentence, and create nothing",
    async (args, message) => {
      const { code, stdout, stderr } = await runKeys(args, folder);
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(message);
      expect(existsSync(join(folder, "data"))).toBe(false);
    },
  );

  it("a revoke of an unknown key is one sentence, which does not repeat what may be a secret", async () => {
    for (const id of ["../../master", "adr_aaaaaaaaaaaa_secret"]) {
      const { code, stderr } = await runKeys(["revoke", id], folder);
      expect([code, stderr]).toEqual([2, "There is no key with this id: see npm run keys -- list.\n"]);
    }
  });
});

it("an invalid data folder is reported in one sentence", async () => {
  await writeFile(join(folder, "file"), "");
  const { code, stdout, stderr } = await runKeys(["create"], folder, { DATA_DIR: "file" });
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(/^The data folder \S+file\/store is not a folder, .*\.\n$/);
});
