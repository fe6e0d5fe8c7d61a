import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, it } from "vitest";
import { NAME as GENERATE, generateCommand } from "../../functions/cli/args.ts";
import { KEYS } from "../../functions/cli/keys-program.ts";
import { MODELS } from "../../functions/cli/models-program.ts";
import { START, NAME as START_NAME } from "../../functions/local/command.ts";
import { PREFLIGHT, NAME as PREFLIGHT_NAME } from "../../infra/preflight/arguments.ts";
import {
  type Command,
  commandUsage,
  parseCommand,
  programUsage,
  UsageError,
} from "../../lib/shared/command-line/index.ts";
import { BENCH } from "../../tools/bench/program.ts";
import { parsePlan } from "../../tools/plan/options.ts";
import { PLAN, NAME as PLAN_NAME } from "../../tools/plan/plan-command.ts";
import { startCommand } from "./start-command.ts";

const programs = [KEYS, MODELS, BENCH];
const commands: [name: string, command: Command][] = [
  [GENERATE, generateCommand(fileURLToPath(new URL("../..", import.meta.url)))],
  [START_NAME, START],
  [PREFLIGHT_NAME, PREFLIGHT],
  [PLAN_NAME, PLAN],
  ...programs.flatMap(({ name, commands }) =>
    Object.entries(commands).map(([word, command]): [string, Command] => [`${name} ${word}`, command]),
  ),
];

/** Splits an example into words, as a shell does. */
function wordsOf(example: string): string[] {
  return [...example.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
}

describe("an example", () => {
  it.each(commands)("the example in the usage of %s is a right command line", (name, command) => {
    const usage = commandUsage(name, command);
    const shown = `${name} ${command.example}`.trim().replace(/ --$/, "");
    expect(usage.endsWith(`\nexample: ${shown}\n`)).toBe(true);
    expect(parseCommand(name, command, wordsOf(command.example))).toMatchObject({ values: {} });
  });

  it("the example of the plan is a plan", () => {
    expect(parsePlan(wordsOf(PLAN.example)).kind).toBe("plan");
  });

  it.each(programs)("the usage of $name has an example", (program) => {
    const [word, { example }] = Object.entries(program.commands)[0]!;
    expect(programUsage(program)).toContain(`\nexample: ${`${program.name} ${word} ${example}`.trim()}\n`);
  });
});

describe("a missing argument", () => {
  const needy = commands.filter(([, { positionals }]) => positionals.length > 0);

  it.each(needy)(
    "the command %s answers a missing argument with one line that has an example",
    (name, command) => {
      expect(() => parseCommand(name, command, [])).toThrow(UsageError);
      expect(() => parseCommand(name, command, [])).toThrow(/^[^\n]{1,200}$/);
      expect(() => parseCommand(name, command, [])).toThrow(`, as in: ${name} ${command.example}`);
    },
  );
});

describe("offline examples", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "adareel-examples-"));
    return () => rm(folder, { recursive: true });
  });

  it.each([
    ["keys", KEYS.commands.create!.example],
    ["models", MODELS.commands.check!.example],
    ["models", MODELS.commands.convert!.example],
  ] as const)("the example %s %s does what it says in any folder", async (program, example) => {
    const commands = program === "keys" ? KEYS.commands : MODELS.commands;
    const [word] = Object.entries(commands).find(([, command]) => command.example === example)!;
    const { code, stdout } = await startCommand(program, [word, ...wordsOf(example)], { folder }).ended;
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^adr_|It can run|demo-float32 has the model/)]);
  });
});
