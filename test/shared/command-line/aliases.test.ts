import { expect, it } from "vitest";
import { command, commandUsage, parseCommand, UsageError } from "../../../lib/shared/command-line/index.ts";

const paint = command({
  text: "paints",
  positionals: [],
  example: "",
  options: {
    "coat-count": {
      aliases: ["coats"],
      value: "N",
      text: "how many coats",
      read: (text: string, flag: string) => `${flag} ${text}`,
    },
    quick: { aliases: ["fast"], text: "does not wait" },
  },
});

const painted = (...args: string[]) => {
  const line = parseCommand("paint", paint, args);
  if (line === "help") throw new Error("it asked for help");
  return line.values;
};

it("an option is taken by any of its names, and read under the name that was typed", () => {
  expect(painted("--coats", "2")).toEqual({ "coat-count": "--coats 2", quick: false });
  expect(painted("--coat-count=2", "--fast")).toEqual({ "coat-count": "--coat-count 2", quick: true });
});

it("two names of an option may say the same, and must not say different things", () => {
  expect(painted("--coats", "2", "--coat-count", "2")).toMatchObject({ "coat-count": "--coat-count 2" });
  expect(() => painted("--coats", "1", "--coat-count", "2")).toThrow(
    new UsageError("--coats and --coat-count say different things: give one of them."),
  );
});

it("the usage tells each option's other names once", () => {
  const usage = commandUsage("paint", paint);
  expect(usage).toMatch(/^ {2}--coat-count N +how many coats; also --coats$/m);
  expect(usage).toMatch(/^ {2}--quick +does not wait; also --fast$/m);
});

it("a misspelt alias is answered with the alias", () => {
  expect(() => painted("--coatss", "1")).toThrow("Unknown option '--coatss'; did you mean --coats?");
});

it("a negative number is a value, and another dash is not", () => {
  expect(painted("--coats", "-1")).toMatchObject({ "coat-count": "--coats -1" });
  expect(() => painted("--coats", "-x")).toThrow(/^--coats takes a value: write --coats N/);
});
