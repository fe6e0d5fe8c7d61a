import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type LocalService, startLocal } from "../local/local-service.ts";
import { answerFaults } from "./answers.ts";
import { type Block, blocksOf, PAGES } from "./blocks.ts";
import { hasShell, openTerminal, type Program, python, type Terminal } from "./terminal.ts";

/** Time limit, generous for slow machines. */
const TIMEOUT_MS = 120_000;
vi.setConfig({ testTimeout: TIMEOUT_MS, hookTimeout: TIMEOUT_MS });

if (!hasShell) console.warn("The documentation's blocks are not run: bash, curl or openssl is missing.");
if (!python)
  console.warn("The documentation's Python is not run: no Python has the package openai (set ADAREEL_PYTHON).");

let dataFolder: string;
let service: LocalService;

beforeAll(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), "adareel-docs-data-"));
  service = await startLocal({ DATA_DIR: dataFolder, ALLOW_LOOPBACK_WEBHOOKS: "1", LOG_LEVEL: "error" });
});
afterAll(async () => {
  service?.child.kill("SIGTERM");
  await service?.ended;
  await rm(dataFolder, { recursive: true, force: true });
});

const isDriven = ({ language, marks }: Block) =>
  ["run", "server", "answer"].includes(marks[0]!) && (language !== "python" || python !== null);

for (const page of PAGES) {
  const blocks = blocksOf(page).filter(isDriven);
  describe.skipIf(!hasShell || blocks.length === 0)(`the blocks of ${page}`, () => {
    let terminal: Terminal;
    /** Program of the newest block that was run. */
    let last: Program;
    beforeAll(async () => {
      terminal = await openTerminal({ ADAREEL_URL: service.url, ADAREEL_API_KEY: service.key! });
    });
    afterAll(() => terminal?.close());

    for (const block of blocks) {
      const { line, marks } = block;
      const at = `${page}, line ${line},`;
      if (marks[0] === "answer") {
        it(`${at} shows members of the answer to the block before`, () => {
          expect(answerFaults(JSON.parse(block.text), JSON.parse(last.stdout))).toEqual([]);
        });
      } else if (marks[0] === "server") {
        it(`${at} starts a program that listens`, async () => {
          last = await terminal.start(block);
          await vi.waitFor(() => listens(last, block.language === "sh" ? null : terminal.port), TIMEOUT_MS);
        });
      } else {
        it(`${at} runs as it is written`, async () => {
          last = await terminal.start(block);
          const code = await last.ended;
          const { stdout, stderr } = last;
          // 22 is how curl ends when a request was refused.
          const expected = marks.includes("refused") ? 22 : 0;
          expect(code, `${block.text}\n${stdout}\n${stderr}`).toBe(expected);
        });
      }
    }
  });
}

/** Throws unless a program accepts connections, on the port that it prints if none is given. */
async function listens({ stdout, child }: Program, given: number | null): Promise<void> {
  if (child.exitCode !== null) return expect.unreachable(`the program ended: ${stdout}`);
  const port = given ?? Number(/127\.0\.0\.1:(\d+)/.exec(stdout)![1]);
  await new Promise<void>((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => resolve(void socket.end()));
    socket.once("error", reject);
  });
}
