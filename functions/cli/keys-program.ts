import { resolve } from "node:path";
import { type ApiKeys, apiKeys } from "../../lib/service/keys/index.ts";
import { limitInText } from "../../lib/service/spending/index.ts";
import { openStore } from "../../lib/service/storage/index.ts";
import { type Program, subcommand, UsageError } from "../../lib/shared/command-line/index.ts";
import { system } from "../../lib/shared/system.ts";
import { deployedBucket } from "./deployed-bucket.ts";
import { store } from "./store-option.ts";

/** `npm run keys`: creates, lists and revokes API keys in the store of a service. */

export const KEYS: Program = {
  name: "npm run keys --",
  notes: `The keys are those of the deployment whose bucket --store or STORE in the environment names. Without a bucket,
    they are those of npm start, in the folder DATA_DIR (default: data).`,
  commands: {
    create: subcommand({
      text: "creates a key and prints it; it cannot be shown again",
      positionals: [],
      options: {
        tenant: { value: "NAME", text: "tenant that owns the key", default: "default" },
        name: { value: "TEXT", text: "note that list shows beside the key", default: "" },
        "per-day": {
          value: "USD",
          text: "US dollars that its videos of one day, in UTC, may cost, such as 20usd; no limit without",
          read: limitInText,
        },
        store,
      },
      example: "--tenant films --name laptop --per-day 20usd",
      run: async ({ values }) => create(await openKeys(values.store), values),
    }),
    list: subcommand({
      text: "prints id, tenant, time, state, name and limit of each key, one key a line",
      positionals: [],
      options: { store },
      example: "",
      run: async ({ values }) => list(await openKeys(values.store)),
    }),
    revoke: subcommand({
      text: "revokes a key; running services refuse it within seconds",
      positionals: [{ name: "ID", text: "the id of a key, as list prints it" }],
      options: { store },
      example: "abcdefghijkl",
      run: async ({ values, words }) => revoke(await openKeys(values.store), words[0]),
    }),
  },
};

interface AskedKey {
  readonly tenant: string;
  readonly name: string;
  readonly "per-day"?: number | undefined;
}

async function create(keys: ApiKeys, { tenant, name, "per-day": usdPerDay }: AskedKey): Promise<void> {
  const { key, apiKey } = await keys.create({ tenant, name, usdPerDay });
  process.stdout.write(`${key}\n`);
  const limit = usdPerDay === undefined ? "" : `, whose videos may cost ${usdPerDay} USD a day`;
  process.stderr.write(`Key ${apiKey.id} of tenant ${tenant}${limit}, shown this once.\n`);
}

async function list(keys: ApiKeys): Promise<void> {
  const all = await keys.list();
  if (all.length === 0) process.stderr.write("There are no keys yet: npm run keys -- create makes one.\n");
  for (const { id, tenant, name, createdAt, revokedAt, usdPerDay } of all) {
    const state = revokedAt === null ? "active" : `revoked ${new Date(revokedAt).toISOString()}`;
    const limit = usdPerDay === null ? [] : [`${usdPerDay} USD a day`];
    process.stdout.write(
      [id, tenant, new Date(createdAt).toISOString(), state, name, ...limit].join("\t").concat("\n"),
    );
  }
}

async function revoke(keys: ApiKeys, id: string): Promise<void> {
  const isKnown = (await keys.list()).some((apiKey) => apiKey.id === id);
  if (!isKnown) throw new UsageError("There is no key with this id: see npm run keys -- list.");
  await keys.revoke(id);
  process.stderr.write(`Key ${id} is revoked; a running service refuses it within seconds.\n`);
}

async function openKeys(url = process.env.STORE): Promise<ApiKeys> {
  const here = process.env.INIT_CWD ?? process.cwd();
  const { DATA_DIR } = process.env;
  // A key that is made in a folder beside a deployment would be refused by the deployment.
  const deployed = url || DATA_DIR ? null : await deployedBucket(here);
  if (deployed !== null)
    throw new UsageError(
      `There is a deployment in out/outputs.json: say --store s3://${deployed} for its keys, or DATA_DIR=data for those ` +
        "of npm start.",
    );
  const store = await openStore(url || resolve(here, DATA_DIR || "data", "store"), { signUrl: () => "" });
  return apiKeys({ store, ...system });
}
