import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Block } from "./blocks.ts";

/** Python of the documentation's blocks; null if there is none with the package openai. */
export const python: string | null = (() => {
  const name = process.env.ADAREEL_PYTHON ?? "python3";
  return spawnSync(name, ["-c", "import openai"]).status === 0 ? name : null;
})();

/** True where blocks for a shell can be run. */
export const hasShell = ["bash --version", "curl --version", "openssl version"].every((text) => {
  const [name, word] = text.split(" ");
  return spawnSync(name!, [word!]).status === 0;
});

/** Port of the programs in the documentation that wait for webhooks. */
const WRITTEN_PORT = "4000";

/** Folders and files of the repository that a reader uses. Blocks may write beside them. */
const COPIED = [
  "package.json",
  "tsconfig.json",
  "clients",
  "functions",
  "lib",
  "infra",
  "tools",
  "codebooks",
];
const LINKED = ["node_modules", "models/demo"];

/** Endings of the files into which programs are written, by language. */
const EXTENSIONS: Readonly<Record<string, string>> = { js: "mjs", ts: "ts", python: "py" };

export interface Program {
  readonly child: ChildProcess;
  readonly stdout: string;
  readonly stderr: string;
  /** Exit code, once the program has ended; null if a signal ended it. */
  readonly ended: Promise<number | null>;
}

/** Folder and environment in which somebody pastes the blocks of one page. */
export interface Terminal {
  /** Free port in place of the one that the page names. */
  readonly port: number;
  /** Starts a block as it is written, but for `npm ci`, `npm test` and the port of a receiver. */
  start(block: Block): Promise<Program>;
  /** Ends all programs, and deletes the folder. */
  close(): Promise<void>;
}

/** Opens a folder that looks like a fresh clone, with the variables that the pages tell readers to set. */
export async function openTerminal(variables: Readonly<Record<string, string>>): Promise<Terminal> {
  const folder = await mkdtemp(join(tmpdir(), "adareel-docs-"));
  const root = join(import.meta.dirname, "../..");
  await mkdir(join(folder, "models"));
  for (const path of COPIED) await cp(join(root, path), join(folder, path), { recursive: true });
  for (const path of LINKED) await symlink(join(root, path), join(folder, path));
  // Lets curl fail when a request is refused; without this, a refusal would look like success.
  await writeFile(join(folder, ".curlrc"), "fail-with-body\nno-progress-meter\n");
  const port = await freePort();
  const env = {
    ...process.env,
    ...variables,
    CURL_HOME: folder,
    INIT_CWD: "",
    PORT: "0",
    DATA_DIR: "data",
    THREADS: "1",
    LANG: "C.UTF-8",
    npm_config_update_notifier: "false",
  };
  const programs: Program[] = [];
  return {
    port,
    async start(block) {
      const [command, ...words] = await commandOf(block, { folder, port });
      const program = follow(spawn(command!, words, { cwd: folder, env, detached: true }));
      programs.push(program);
      return program;
    },
    async close() {
      for (const { child, ended } of programs) {
        if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, "SIGTERM");
        await ended;
      }
      await rm(folder, { recursive: true, maxRetries: 5 });
    },
  };
}

async function commandOf(
  { language, line, text }: Block,
  { folder, port }: { readonly folder: string; readonly port: number },
): Promise<string[]> {
  const code = text.replaceAll(WRITTEN_PORT, String(port));
  // Readers install once; these tests run within npm test.
  if (language === "sh") {
    const commands = code.replace(/^npm ci && npm test$/m, "").replaceAll("npm ci && ", "");
    return ["bash", "-euo", "pipefail", "-c", commands];
  }
  const file = join(folder, `block-${line}.${EXTENSIONS[language]}`);
  await writeFile(file, code);
  if (language === "python") return [python!, file];
  return [process.execPath, ...(language === "ts" ? ["--import", "tsx"] : []), file];
}

function follow(child: ChildProcess): Program {
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream]!.setEncoding("utf8").on("data", (text: string) => {
      output[stream] += text;
    });
  }
  return Object.assign(output, {
    child,
    ended: once(child, "close").then(([code]) => code as number | null),
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
