import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const index = fileURLToPath(new URL("../../../lib/shared/command-line/index.ts", import.meta.url));

/** Runs a program of three commands as a process. */
function run(args: readonly string[], env: NodeJS.ProcessEnv = {}, redirection = "") {
  const source = `
    import { runMain, runProgram, subcommand, UsageError } from ${JSON.stringify(index)};
    const plain = { text: "does it", positionals: [], options: { loud: { text: "says it" } }, example: "" };
    const commands = {
      say: subcommand({ ...plain, run: () => void process.stdout.write("said\\n".repeat(50_000)) }),
      quote: subcommand({ ...plain, run: () => { throw new Error("It broke: " + "A wire." + "."); } }),
      fail: subcommand({ ...plain, run: () => { throw new Error("It broke.", { cause: new Error("A wire.") }); } }),
      misuse: subcommand({ ...plain, run: () => { throw new UsageError("Say it otherwise."); } }),
      exceed: subcommand({ ...plain, run: () => { throw new RangeError("Say less."); } }),
    };
    runMain(() => runProgram({ name: "films", commands }, process.argv.slice(1)), { usageErrors: [RangeError] });`;
  const words = ["--import", import.meta.resolve("tsx"), "--input-type=module", "-e", source, "--", ...args];
  const script = `${redirection.startsWith("|") ? "" : "exec"} "$0" "$@" ${redirection}`;
  const { status, stdout, stderr } = spawnSync("sh", ["-c", script, process.execPath, ...words], {
    encoding: "utf8",
    env: { ...process.env, ADAREEL_DEBUG: "", ...env },
  });
  return { status, stdout, stderr };
}

describe("a program", () => {
  test("a program runs the command that its first word names, wherever options stand", () => {
    const { status, stdout, stderr } = run(["--loud", "say"]);
    expect([status, stdout.length, stderr]).toEqual([0, 250_000, ""]);
  });

  test("a program prints its usage, or that of the command", () => {
    expect(run(["--help"]).stdout).toMatch(/^usage: films say \[--loud\]\n/);
    expect(run(["fail", "--help"])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^usage: films fail \[--loud\]\n\nDoes it\.\n/),
    });
  });

  test.each([
    [[], "Say say, quote, fail, misuse or exceed, as in films say --help.\n"],
    [
      ["fial"],
      'There is no command "fial": say say, quote, fail, misuse or exceed, as in films say --help.\n',
    ],
    [["--nonsense"], "Unknown option '--nonsense'; see --help.\n"],
    [["misus"], 'There is no command "misus": say misuse, as in films misuse --help.\n'],
    [["toString"], expect.stringMatching(/^There is no command "toString": /)],
    [["misuse"], "Say it otherwise.\n"],
    [["exceed"], "Say less.\n"],
  ])("a program given %j ends with one sentence and exit code 2", (args, stderr) => {
    expect(run(args)).toEqual({ status: 2, stdout: "", stderr });
  });

  test("a program that fails ends with one sentence and exit code 1, and tells stack and cause to ADAREEL_DEBUG", () => {
    expect(run(["fail"])).toEqual({ status: 1, stdout: "", stderr: "It broke.\n" });
    const { stderr } = run(["fail"], { ADAREEL_DEBUG: "1" });
    expect(stderr).toMatch(/^It broke\.\nError: It broke\.\n {4}at .*\[cause\]: Error: A wire\.\n/s);
  });

  test("a program that ends its sentence with another's prints one full stop", () => {
    expect(run(["quote"]).stderr).toBe("It broke: A wire.\n");
  });

  test("a program whose reader has read enough ends without a word", () => {
    expect(run(["say"], {}, "| head -n 1")).toEqual({ status: 0, stdout: "said\n", stderr: "" });
  });

  test.runIf(process.platform === "linux")("a program whose output cannot be written says so once", () => {
    const { status, stderr } = run(["say"], {}, ">/dev/full");
    expect([status, stderr]).toEqual([1, "The result cannot be printed: ENOSPC.\n"]);
  });
});
