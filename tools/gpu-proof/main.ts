/**
 * Measures float16 on a GPU: `tools/gpu-proof/run.sh`, or `node --import tsx tools/gpu-proof/main.ts [--out FOLDER]
 * [--seconds N]`. It needs an NVIDIA GPU, onnxruntime's CUDA library, and PyTorch with CUDA 13; `pack.ts` makes a
 * folder that brings all of it but the GPU's driver and PyTorch.
 */
import { runOnePart, runProof } from "./proof.ts";

const args = process.argv.slice(2);
const [part, work, out] = ["--part", "--work", "--out"].map((name) => args[args.indexOf(name) + 1]);
if (args.includes("--part")) {
  await runOnePart(part!, work!, out!);
  // Exits without waiting for the session's threads.
  process.exit(0);
}
process.exitCode = await runProof(args, (line) => process.stdout.write(`${line}\n`));
