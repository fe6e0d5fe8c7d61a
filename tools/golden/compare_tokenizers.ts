/**
 * Compares how Adareel reads real vocabularies with what the libraries make of them. The ids are those that
 * tools/golden/sentencepiece_real.py wrote:
 *
 *     node --import tsx tools/golden/compare_tokenizers.ts [--all OUT] NAME=FOLDER ...
 *
 * NAME is t5, umt5 or mt5, and FOLDER holds its files. Without `--all` the `spiece.model` of each is compared with the
 * ids in test/golden/tokenizer/real.json. With it, all prompts that the script wrote to OUT are, and `tokenizer.json`
 * as well. Prints for each library how many prompts have other ids, and the first of them.
 */
import { copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTokenizer } from "../../lib/generation/pipeline/text/tokenizer.ts";

/** Prompts, and their ids by each library. */
interface Expected {
  readonly prompts: readonly string[];
  readonly ids: Readonly<Record<string, readonly (readonly number[])[]>>;
}

const SHOWN = 5;
const special = /<\/?\w+>|<extra_id_\d+>|\[\w+\]/;
const golden = join(import.meta.dirname, "../../test/golden/tokenizer/real.json");

const given = process.argv.slice(2);
const out = given[0] === "--all" ? given[1] : undefined;
for (const pair of given.filter((argument) => argument.includes("="))) {
  const [name, folder] = pair.split("=") as [string, string];
  const { prompts, ids } = await expectedOf(name);
  const files = Object.keys(ids).some((library) => library.endsWith(".json")) ? ["tokenizer.json"] : [];
  for (const file of ["spiece.model", ...files]) {
    const ours = await idsBy(join(folder, file), file, prompts);
    for (const [library, theirs] of Object.entries(ids))
      report(`${name}, ${file}: ${library}`, prompts, ours, theirs);
  }
}

async function expectedOf(name: string): Promise<Expected> {
  if (out) return JSON.parse(await readFile(join(out, `${name}.json`), "utf8"));
  const cases: { prompt: string; ids: number[] }[] = JSON.parse(await readFile(golden, "utf8"))[name];
  return { prompts: cases.map(({ prompt }) => prompt), ids: { sentencepiece: cases.map(({ ids }) => ids) } };
}

/** Returns the ids of prompts by a file that lies alone in a folder. */
async function idsBy(path: string, file: string, prompts: readonly string[]) {
  const folder = await mkdtemp(join(tmpdir(), "adareel-vocabulary-"));
  try {
    await copyFile(path, join(folder, file));
    const tokenizer = await openTokenizer(folder, {});
    return prompts.map((prompt) => tokenizer.tokenise(prompt, 100_000).ids);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function report(
  title: string,
  prompts: readonly string[],
  ours: readonly (readonly number[])[],
  theirs: readonly (readonly number[])[],
): void {
  const differing = prompts.map((_, i) => i).filter((i) => String(ours[i]) !== String(theirs[i]));
  const spelling = differing.filter((i) => special.test(prompts[i]!));
  console.log(
    `${title}: ${differing.length} of ${prompts.length} differ, ${spelling.length} of them spell a special token`,
  );
  for (const i of differing.filter((i) => !spelling.includes(i)).slice(0, SHOWN)) {
    console.log(`  ${JSON.stringify(prompts[i]).slice(0, 80)}`);
    for (const ids of [ours, theirs]) console.log(`    ${ids[i]!.slice(0, 20)}`);
  }
}
