import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { type ApiKeys, apiKeys } from "../../lib/service/keys/index.ts";
import { openStore } from "../../lib/service/storage/index.ts";
import { system } from "../../lib/shared/system.ts";

/** `npm run keys`: API keys are made, listed and revoked where the service looks for them. */

const USAGE = `usage: npm run keys -- create [--tenant NAME] [--name TEXT] [--store s3://BUCKET]
       npm run keys -- list [--store s3://BUCKET]
       npm run keys -- revoke ID [--store s3://BUCKET]

The keys are those of a deployment, whose bucket is the store (or STORE in the environment), or else those that
npm start has in the folder DATA_DIR (default: data).
`;

class UsageError extends Error {
  override readonly name = "UsageError";
}

async function main(): Promise<void> {
  const { values, positionals } = parse(process.argv.slice(2));
  const [name = "", ...words] = positionals;
  if (values.help) return void process.stdout.write(USAGE);
  const command = COMMANDS.get(name);
  if (!command) throw new UsageError(`Say create, list or revoke.\n${USAGE}`);
  if (words.length !== command.wordCount) throw new UsageError(USAGE);
  await command.run(await openKeys(values.store), words, values);
}

interface Options {
  readonly tenant?: string | undefined;
  readonly name?: string | undefined;
}

interface Command {
  readonly wordCount: number;
  readonly run: (keys: ApiKeys, words: string[], options: Options) => Promise<void>;
}

const COMMANDS = new Map<string, Command>([
  ["create", { wordCount: 0, run: create }],
  ["list", { wordCount: 0, run: list }],
  ["revoke", { wordCount: 1, run: revoke }],
]);

async function create(
  keys: ApiKeys,
  _words: string[],
  { tenant = "default", name = "" }: Options,
): Promise<void> {
  const { key, apiKey } = await keys.create({ tenant, name });
  process.stdout.write(`${key}\n`);
  process.stderr.write(`Key ${apiKey.id} of tenant ${tenant}, shown this once.\n`);
}

async function list(keys: ApiKeys): Promise<void> {
  for (const { id, tenant, name, createdAt, revokedAt } of await keys.list()) {
    const state = revokedAt === null ? "active" : `revoked ${new Date(revokedAt).toISOString()}`;
    process.stdout.write(
      [id, tenant, new Date(createdAt).toISOString(), state, name].join("\t").concat("\n"),
    );
  }
}

async function revoke(keys: ApiKeys, [id]: string[]): Promise<void> {
  const isKnown = (await keys.list()).some((apiKey) => apiKey.id === id);
  if (!isKnown) throw new UsageError("There is no key of that id: see npm run keys -- list.");
  await keys.revoke(id!);
  process.stderr.write(`Key ${id} is revoked; a running service refuses it within seconds.\n`);
}

async function openKeys(url = process.env.STORE): Promise<ApiKeys> {
  const folder = resolve(process.env.INIT_CWD ?? process.cwd(), process.env.DATA_DIR || "data", "store");
  const store = await openStore(url || folder, { signUrl: () => "" });
  return apiKeys({ store, ...system });
}

function parse(args: string[]) {
  const options = {
    tenant: { type: "string" },
    name: { type: "string" },
    store: { type: "string" },
    help: { type: "boolean", short: "h" },
  } as const;
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (cause) {
    throw new UsageError(`${(cause as Error).message.split(". ")[0]}.\n${USAGE}`, { cause });
  }
}

/** One sentence on stderr; 2 for a command that has to be put otherwise, 1 for everything else. */
main().catch((error: Error) => {
  process.stderr.write(`${error.message.trimEnd()}\n`);
  process.exitCode = error instanceof UsageError || error instanceof RangeError ? 2 : 1;
});
