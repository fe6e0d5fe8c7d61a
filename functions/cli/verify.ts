import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Verification, verificationLines, verifyFile } from "../../lib/generation/provenance/index.ts";
import {
  command,
  commandUsage,
  parseCommand,
  runMain,
  UsageError,
} from "../../lib/shared/command-line/index.ts";

/** `npm run verify`: says what a video claims about its origin, and whether that holds. */

const NAME = "npm run verify --";

/** Exit codes by outcome. 1 is a file that cannot be read, and 2 a mistake in the command. */
const EXIT_CODES = {
  trusted: 0,
  unvouched: 0,
  expired: 4,
  changed: 5,
  invalid: 5,
  marked: 6,
  unmarked: 6,
  unchecked: 7,
} as const satisfies Record<Verification["outcome"], number>;

/** Exit code of a signature that holds, by a signer who is not trusted although `--trust` says who is. */
const NOT_TRUSTED = 3;

const VERIFY = command({
  text:
    "says what a video claims about its origin, and whether that holds; exits with 0 if a signature holds, 3 if its " +
    "signer is not of --trust, 4 if the certificate is over, 5 if the file was changed, 6 without a signature, and 7 if " +
    "it cannot be checked here",
  positionals: [{ name: "FILE", text: "MP4 or WebP", missing: `Give a file, as in: ${NAME} video.mp4` }],
  options: {
    trust: { value: "FILE", text: "certificates of authorities whose signers are trusted, in PEM" },
    json: { text: "prints one line of JSON" },
  },
  example: "out/video.mp4",
});

async function main(): Promise<void> {
  const line = parseCommand(NAME, VERIFY, process.argv.slice(2));
  if (line === "help") return void process.stdout.write(commandUsage(NAME, VERIFY));
  // npm runs scripts in the package's folder; INIT_CWD is the folder of the user.
  const folder = process.env.INIT_CWD ?? process.cwd();
  const { trust, json } = line.values;
  const roots = trust === undefined ? null : await rootsIn(resolve(folder, trust));
  const verification = await verifyFile(resolve(folder, line.words[0]!), { roots });
  const text = json ? JSON.stringify(verification) : verificationLines(verification).join("\n");
  process.stdout.write(`${text}\n`);
  const isStranger = roots !== null && verification.outcome === "unvouched";
  process.exitCode = isStranger ? NOT_TRUSTED : EXIT_CODES[verification.outcome];
}

async function rootsIn(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`--trust ${path} cannot be read (${error.code}).`, { cause: error });
  });
  if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  throw new UsageError(`--trust takes certificates in PEM, and ${path} has none.`);
}

await runMain(main);
