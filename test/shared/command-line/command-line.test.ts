import { describe, expect, test } from "vitest";
import {
  command,
  commandUsage,
  type Program,
  parseCommand,
  programUsage,
  subcommand,
  UsageError,
} from "../../../lib/shared/command-line/index.ts";

const MAKE = command({
  text: "makes a film",
  positionals: [{ name: "TITLE", text: "the title of the film" }],
  options: {
    out: { value: "FILE", text: "where it goes" },
    frames: { value: "N", text: "how long it is", default: "16", read: (text) => Number(text) },
    tag: { short: "t", value: "WORD", text: "what it is about", multiple: true },
    quiet: { text: "says nothing" },
  },
  example: "Noon --frames 8",
  variables: { FILM_DIR: "folder of the films" },
  notes: "A film is made once.",
});

function made(...args: string[]) {
  const given = parseCommand("make", MAKE, args);
  if (given === "help") throw new TypeError("help was asked for");
  return given;
}

describe("a command line", () => {
  test("a command line that is right has a typed value for each option and each word", () => {
    const { values, words, args } = made("--out", "a.mp4", "Noon", "-t", "sun", "--tag=-1", "--quiet");
    const frames: number = values.frames;
    const [title]: readonly [string] = words;
    expect({ ...values, frames }).toEqual({ out: "a.mp4", frames: 16, tag: ["sun", "-1"], quiet: true });
    expect([title, args.length]).toEqual(["Noon", 7]);
  });

  test("a command line that leaves options out has their defaults", () => {
    expect(made("Noon").values).toEqual({ out: undefined, frames: 16, tag: [], quiet: false });
  });

  test("the parser counts the last of two values for one option", () => {
    expect(made("Noon", "--frames", "1", "--frames", "2").values.frames).toBe(2);
  });

  test("the parser takes words after -- as they are", () => {
    expect(made("--", "--out").words).toEqual(["--out"]);
  });

  test.each([["--help"], ["-h"], ["Noon", "--out", "x", "-h"]])(
    "a command line with %s asks for the usage",
    (...args) => {
      expect(parseCommand("make", MAKE, args)).toBe("help");
    },
  );

  const MISTAKES: readonly [args: string[], sentence: string][] = [
    [[], "TITLE is missing: the title of the film, as in: make Noon --frames 8"],
    [["Noon", "Moon"], '"Moon" is one word too many; write it as in: make Noon --frames 8'],
    [["Noon", "--frmes", "3"], "Unknown option '--frmes'; did you mean --frames?"],
    [["Noon", "--color"], "Unknown option '--color'; see --help."],
    [["Noon", "--constructor"], "Unknown option '--constructor'; see --help."],
    [["Noon", "-x"], "Unknown option '-x'; see --help."],
    [["Noon", "--out"], "--out takes a value: write --out FILE, or --out=FILE if it begins with a dash."],
    [["Noon", "--out", "--quiet"], "--out takes a value: write --out FILE, or "],
    [["Noon", "--quiet=yes"], "--quiet takes no value."],
    [
      ["Noon", "--film-dir", "x"],
      "There is no option '--film-dir': write FILM_DIR=... before the command; see --help.",
    ],
  ];
  test.each(MISTAKES)("the arguments %j are refused in one sentence", (args, sentence) => {
    expect(() => made(...args)).toThrow(UsageError);
    expect(() => made(...args)).toThrow(sentence);
    expect(() => made(...args)).toThrow(/^[^\n]*([.?]|: make Noon --frames 8)$/);
  });

  test("a negative number is the value of the option before it", () => {
    expect(made("Noon", "--frames", "-8").values.frames).toBe(-8);
    expect(made("Noon", "--frames", "-.5").values.frames).toBe(-0.5);
  });
});

describe("a usage", () => {
  test("the example of a command without arguments is its name alone", () => {
    const usage = (name: string) =>
      commandUsage(name, { text: "lists", positionals: [], options: {}, example: "" });
    expect(usage("npm start --")).toMatch(/\nexample: npm start\n$/);
    expect(usage("npm run films -- list")).toMatch(/\nexample: npm run films -- list\n$/);
  });

  test("the usage of a command tells its words, options, defaults, notes and example", () => {
    expect(
      commandUsage("make", MAKE),
    ).toBe(`usage: make TITLE [--out FILE] [--frames N] [-t WORD ...] [--quiet]

Makes a film.

  TITLE  the title of the film

  --out FILE      where it goes
  --frames N      how long it is; default 16
  -t, --tag WORD  what it is about
  --quiet         says nothing
  -h, --help      prints this

  FILM_DIR  folder of the films

A film is made once.

example: make Noon --frames 8
`);
  });

  test("the usage of a program tells how each command is written and what it does", () => {
    const program: Program = {
      name: "films",
      commands: {
        make: subcommand({ ...MAKE, run: () => undefined }),
        list: subcommand({
          text: `lists ${"all the films ".repeat(9)}`,
          options: {},
          positionals: [],
          example: "",
          run: () => undefined,
        }),
      },
    };
    expect(
      programUsage(program),
    ).toBe(`usage: films make TITLE [--out FILE] [--frames N] [-t WORD ...] [--quiet]
       films list

  make  makes a film
  list  lists all the films all the films all the films all the films all the films all the films all the
        films all the films all the films

example: films make Noon --frames 8

More about a command and its options: films make --help
`);
  });
});
