import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { eventually } from "../eventually.ts";
import { clientOf, type LocalService, startLocal } from "../local/local-service.ts";
import { answerFaults } from "./answers.ts";
import { type Block, blocksOf, PAGES } from "./blocks.ts";
import { hasShell, openTerminal, type Program, python, type Terminal } from "./terminal.ts";

/** Time limit, generous for slow machines. */
const TIMEOUT_MS = 300_000;
vi.setConfig({ testTimeout: TIMEOUT_MS, hookTimeout: TIMEOUT_MS });

if (!hasShell) console.warn("The documentation's blocks are not run: bash, curl or openssl is missing.");
if (!python)
  console.warn(
    "The documentation's Python is not run: no Python has the package openai (set ADAREEL_PYTHON).",
  );

let dataFolder: string;
let service: LocalService;

beforeAll(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), "adareel-docs-data-"));
  service = await startLocal({ DATA_DIR: dataFolder, ALLOW_LOOPBACK_WEBHOOKS: "1", LOG_LEVEL: "error" });
  // Opens the model, so that the first block does not spend its wait on that.
  const client = clientOf(service.url, service.key!);
  await client.finished((await client.create({ prompt: "a red circle", steps: 2 })).id);
});
afterAll(async () => {
  service?.child.kill("SIGTERM");
  await service?.ended;
  await rm(dataFolder, { recursive: true, force: true });
});

/** Block that was run or started. */
interface Ran {
  readonly block: Block;
  readonly program: Program;
}

const isDriven = ({ language, marks }: Block) =>
  ["run", "server", "answer"].includes(marks[0]!) && (language !== "python" || python !== null);

for (const page of PAGES) {
  const blocks = blocksOf(page).filter(isDriven);
  describe.skipIf(!hasShell || blocks.length === 0)(`the blocks of ${page}`, () => {
    let terminal: Terminal;
    const ran: Ran[] = [];
    beforeAll(async () => {
      terminal = await openTerminal({ ADAREEL_URL: service.url, ADAREEL_API_KEY: service.key! });
    });
    afterAll(() => terminal?.close());

    async function start(block: Block): Promise<Program> {
      const program = await terminal.start(block);
      ran.push({ block, program });
      return program;
    }

    for (const block of blocks) {
      const { line, marks } = block;
      const at = `${page}, line ${line},`;
      if (marks[0] === "answer") {
        it(`${at} shows members of the answer to the block before`, () => {
          const { stdout } = ran.at(-1)!.program;
          expect(answerFaults(JSON.parse(block.text), JSON.parse(stdout)), stdout).toEqual([]);
        });
      } else if (marks[0] === "server") {
        it(`${at} starts a program that listens`, async () => {
          const program = await start(block);
          const port = block.language === "sh" ? null : terminal.port;
          await eventually(() => listens(program, port));
        });
      } else {
        it(`${at} runs as it is written`, async () => {
          const program = await start(block);
          const code = await program.ended;
          // 22 is how curl ends when a request was refused.
          const expected = marks.includes("refused") ? 22 : 0;
          expect(code, `${block.text}\n${program.stdout}\n${program.stderr}`).toBe(expected);
        });
      }
    }

    if (page === "docs/serve.md") checkServing(ran, () => terminal.port);
  });
}

/** Checks what the blocks of docs/serve.md did. */
function checkServing(ran: readonly Ran[], port: () => number): void {
  const indexOf = (text: string) => ran.findIndex(({ block }) => block.text.includes(text));
  const outputOf = (index: number) => ran[index]!.program.stdout;

  it("the receiver of docs/serve.md verifies the webhook of the video after it", async () => {
    const index = indexOf("new Webhook(");
    const { id } = JSON.parse(outputOf(index + 1));
    await eventually(() => expect(outputOf(index)).toContain(`video.completed ${id}\n`));
  });

  it("the receiver of docs/serve.md refuses a forged webhook", async () => {
    const before = outputOf(indexOf("new Webhook("));
    const forged = await fetch(`http://127.0.0.1:${port()}/`, {
      method: "POST",
      headers: {
        "webhook-id": "evt_1",
        "webhook-timestamp": String(Math.floor(Date.now() / 1000)),
        "webhook-signature": `v1,${Buffer.alloc(32).toString("base64")}`,
      },
      body: JSON.stringify({ id: "evt_1", type: "video.completed", data: { id: "video_forged" } }),
    });
    expect([forged.status, outputOf(indexOf("new Webhook("))]).toEqual([401, before]);
  });

  it("the trigger of docs/serve.md makes a video of an issue's title", async () => {
    const { video_id: id } = JSON.parse(outputOf(indexOf("X-Hub-Signature-256")));
    const video = await clientOf(service.url, service.key!).finished(id);
    expect([video.status, video.prompt]).toEqual(["completed", "a purple cross moves left"]);
  });

  it("two requests with one idempotency key in docs/serve.md make one video", () => {
    const [first, second, ...more] = outputOf(indexOf("Idempotency-Key")).trimEnd().split("\n");
    expect([first, more]).toEqual([expect.stringMatching(/^video_/), []]);
    expect(second).toBe(first);
  });
}

/** Throws unless a program accepts connections, on the port that it prints if none is given. */
async function listens({ stdout, stderr, child }: Program, given: number | null): Promise<void> {
  if (child.exitCode !== null) expect.unreachable(`the program ended: ${stderr}`);
  const port = given ?? Number(/127\.0\.0\.1:(\d+)/.exec(stdout)![1]);
  await new Promise<void>((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => resolve(void socket.end()));
    socket.once("error", reject);
  });
}
