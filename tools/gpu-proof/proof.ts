import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import * as z from "zod";
import { timedModels } from "../bench/model/timed-models.ts";
import { drawnModel, keepIn, measurePart } from "./measure.ts";
import { PROOF_SECONDS, partsOf, secondsFor } from "./plan.ts";
import { proofReport } from "./report.ts";
import { type PartResults, type ProofMachine, type ProofResults, partSchema } from "./results.ts";

const run = promisify(execFile);

/** Libraries that onnxruntime's CUDA library of PyPI needs, besides the driver's: those of CUDA 13. */
const NEEDED = [
  "libcudart.so.13",
  "libcublas.so.13",
  "libcublasLt.so.13",
  "libcurand.so.10",
  "libcudnn.so.9",
];

/** Describes PyTorch and the folders of the CUDA libraries that are installed with it, as JSON. */
const ASK_TORCH = `
import glob, json, os, torch
root = os.path.dirname(os.path.dirname(torch.__file__))
found = glob.glob(root + "/nvidia/*/lib/lib*.so*") + glob.glob(root + "/torch/lib/lib*.so*")
print(json.dumps({"version": torch.__version__.split("+")[0], "cuda": str(torch.version.cuda),
                  "folders": sorted({os.path.dirname(path) for path in found})}))
`;
const torchSchema = z.object({ version: z.string(), cuda: z.string(), folders: z.array(z.string()) });

/**
 * Runs the proof: `[--out FOLDER] [--seconds N]`. Each part runs in a process of its own and is killed at its limit; its
 * results are written at once, so that whatever ends the proof leaves what was measured. Returns the exit code, which
 * is 0 on a machine without a GPU too.
 */
export async function runProof(args: readonly string[], say: (line: string) => void): Promise<number> {
  const [out = "gpu-proof-results", seconds = String(PROOF_SECONDS)] = ["--out", "--seconds"].map((name) =>
    args.includes(name) ? args[args.indexOf(name) + 1] : undefined,
  );
  const gpu = await findGpu();
  if (gpu === null) {
    say("no GPU: nvidia-smi finds none here, so nothing is measured.");
    return 0;
  }
  const began = performance.now();
  const left = () => Number(seconds) - (performance.now() - began) / 1000;
  const torch = await findTorch();
  const folders = libraryFolders(typeof torch === "string" ? [] : torch.folders);
  const missing = NEEDED.filter((name) => !folders.some((folder) => existsSync(join(folder, name))));
  if (missing.length > 0) say(`onnxruntime may lack ${missing.join(", ")}: PyTorch does not bring them.`);
  const machine: ProofMachine = {
    ...gpu,
    processor: `${cpus()[0]?.model.trim() ?? "unknown processor"}, ${cpus().length} cores`,
    torch: typeof torch === "string" ? torch : { version: torch.version, cuda: torch.cuda },
    date: new Date().toISOString().slice(0, 10),
  };
  const work = await mkdtemp(join(tmpdir(), "adareel-proof-"));
  const results: ProofResults = { machine, parts: [], left: [] };
  await mkdir(out, { recursive: true });
  try {
    for (const part of partsOf(timedModels)) {
      const limit = secondsFor(part, left());
      if (limit === null) {
        results.left.push(part.id);
        continue;
      }
      say(`${part.id}: at most ${limit.toFixed(0)} s`);
      results.parts.push(await runPart(part.id, { out, work, limit, folders }));
      await writeProof(out, results);
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  await writeProof(out, results);
  say(`Wrote ${join(out, "results.json")} and ${join(out, "table.md")}.`);
  return 0;
}

/** Measures one part in this process: `--part ID --work FOLDER --out FOLDER`. */
export async function runOnePart(id: string, work: string, out: string): Promise<void> {
  const part = partsOf(timedModels).find((planned) => planned.id === id)!;
  const model = await drawnModel(part.family, join(work, part.family.name.replaceAll(" ", "-")));
  await measurePart(part, { provider: "cuda", model, keep: keepIn(join(out, `${id}.json`)) });
}

async function writeProof(out: string, results: ProofResults): Promise<void> {
  await writeFile(join(out, "results.json"), `${JSON.stringify(results, null, 1)}\n`);
  await writeFile(join(out, "table.md"), `${proofReport(results)}\n`);
}

interface PartRun {
  readonly out: string;
  readonly work: string;
  /** Seconds until it is killed. */
  readonly limit: number;
  /** Folders of CUDA's libraries. */
  readonly folders: readonly string[];
}

async function runPart(id: string, { out, work, limit, folders }: PartRun): Promise<PartResults> {
  const path = join(out, `${id}.json`);
  await rm(path, { force: true });
  const words = [...process.execArgv, process.argv[1]!, "--part", id, "--work", work, "--out", out];
  const known = process.env.LD_LIBRARY_PATH;
  const env = { ...process.env, LD_LIBRARY_PATH: [...folders, ...(known ? [known] : [])].join(":") };
  // A group of its own, so that its Python ends with it.
  const child = spawn(process.execPath, words, { env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let complaint = "";
  const hear = (chunk: Buffer) => {
    complaint = `${complaint}${chunk}`.slice(-4000);
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  let isCut = false;
  const timer = setTimeout(() => {
    isCut = true;
    process.kill(-child.pid!, "SIGKILL");
  }, limit * 1000);
  const [code] = await once(child, "exit");
  clearTimeout(timer);
  return partAfter(id, path, { isCut, code, complaint });
}

/** Returns what a part wrote, with how it ended. */
export async function partAfter(
  id: string,
  path: string,
  { isCut, code, complaint }: { isCut: boolean; code: number | null; complaint: string },
): Promise<PartResults> {
  const written: PartResults = existsSync(path)
    ? partSchema.parse(JSON.parse(await readFile(path, "utf8")))
    : { id, family: id, extent: "–", state: "running", problem: null, timed: [], checked: [] };
  if (written.state === "done") return written;
  if (isCut) return { ...written, state: "cut off" };
  const lines = complaint.trim().split("\n");
  // Of CUDA's errors the call is told first, in a long line, and the reason last.
  const reason =
    /CUDA failure \d+: [^;]+/.exec(complaint)?.[0].trim() ??
    lines.find((line) => /error|fail/i.test(line)) ??
    `exit code ${code}`;
  return { ...written, state: "failed", problem: reason.slice(0, 300) };
}

async function findGpu(): Promise<{ gpu: string; memory: number; driver: string } | null> {
  const query = ["--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits"];
  const answer = await run("nvidia-smi", query).catch(() => null);
  const [gpu, memory, driver] =
    answer?.stdout
      .split("\n")[0]
      ?.split(",")
      .map((cell) => cell.trim()) ?? [];
  return gpu && memory && driver ? { gpu, memory: Number(memory), driver } : null;
}

async function findTorch(): Promise<z.infer<typeof torchSchema> | string> {
  try {
    const { stdout } = await run(process.env.ADAREEL_PYTHON ?? "python3", ["-c", ASK_TORCH]);
    return torchSchema.parse(JSON.parse(stdout));
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim().split("\n").at(-1);
    return said || "there is no Python.";
  }
}

/** Returns the folders that may hold CUDA's libraries: those of PyTorch, of this pack, and of the system. */
function libraryFolders(ofTorch: readonly string[]): string[] {
  const packed = join(dirname(process.argv[1]!), "../../../lib");
  const cuda = existsSync("/usr/local")
    ? readdirSync("/usr/local")
        .filter((name) => name.startsWith("cuda"))
        .map((name) => `/usr/local/${name}/lib64`)
    : [];
  const configured = existsSync("/etc/ld.so.cache") ? ["/usr/lib/x86_64-linux-gnu"] : [];
  return [...ofTorch, packed, ...cuda, ...configured].filter((folder) => existsSync(folder));
}
