import { readFile } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import { basename, isAbsolute, resolve } from "node:path";
import * as z from "zod";
import { modelFingerprint } from "../../lib/generation/checkpoint/index.ts";

/** Circumstances of a measurement: everything it depends on besides the code. */
export const circumstancesSchema = z.object({
  command: z.string(),
  /** UTC date, such as 2026-01-31. */
  date: z.string(),
  machine: z.object({
    processor: z.string(),
    cores: z.number(),
    memoryBytes: z.number(),
    /** Flags of /proc/cpuinfo that decide how fast products are; undefined where there is no such file. */
    instructions: z.array(z.string()).optional(),
    platform: z.string(),
    node: z.string(),
    packages: z.record(z.string(), z.string()),
  }),
  /** Load average over one minute at the start; 0 on an idle machine. */
  loadBefore: z.number(),
  /** Measured model; null if the benchmark makes its own models. */
  model: z.object({ name: z.string(), sha256: z.string() }).nullable(),
});

export type Circumstances = z.infer<typeof circumstancesSchema>;

/** Load average above which other programs must be running, since the benchmark has just started. */
const BUSY = 0.7;

/** Packages that a generation depends on. */
const PACKAGES = ["onnxruntime-node", "@huggingface/tokenizers"];

/**
 * Describes the circumstances of a measurement.
 *
 * @param args      words after `npm run bench --`
 * @param packages  packages whose versions matter
 */
export async function circumstances(
  args: readonly string[],
  modelFolder: string | null,
  packages: readonly string[] = PACKAGES,
): Promise<Circumstances> {
  return {
    // Paths are shortened: they are private, and the hash identifies the model.
    command: ["npm run bench --", ...args.map((word) => (isAbsolute(word) ? basename(word) : word))].join(
      " ",
    ),
    date: new Date().toISOString().slice(0, 10),
    machine: {
      processor: cpus()[0]?.model.trim() ?? "unknown processor",
      cores: availableParallelism(),
      memoryBytes: totalmem(),
      instructions: await processorFlags(),
      platform: `${process.platform} ${process.arch}`,
      node: process.version,
      packages: Object.fromEntries(
        await Promise.all(packages.map(async (name) => [name, await installedVersion(name)] as const)),
      ),
    },
    loadBefore: loadavg()[0]!,
    model:
      modelFolder === null
        ? null
        : {
            name: basename(resolve(modelFolder)),
            sha256: await modelFingerprint(modelFolder),
          },
  };
}

/** Returns list items that describe the machine, the software and the model. */
export function describeCircumstances({
  command,
  date,
  machine,
  loadBefore,
  model,
}: Circumstances): string[] {
  const busy = loadBefore > BUSY ? ", so other programs slowed the measurements" : "";
  const packages = Object.entries(machine.packages).map(([name, version]) => `${name} ${version}`);
  const { instructions } = machine;
  return [
    `Command: \`${command}\`, ${date}.`,
    `Machine: ${machine.processor}, ${machine.cores} cores, ${(machine.memoryBytes / 2 ** 30).toFixed(0)} GiB of ` +
      `memory, ${machine.platform}; load average ${loadBefore.toFixed(1)} at the start${busy}.`,
    ...(instructions ? [describeInstructions(instructions)] : []),
    `Software: Node ${machine.node.slice(1)}, ${packages.join(", ")}.`,
    ...(model
      ? [
          `Model: ${model.name}, sha256 ${model.sha256.slice(0, 16)} over the configurations and weights of its parts.`,
        ]
      : []),
  ];
}

/**
 * Instruction sets that decide how fast products of matrices are, by the flags of /proc/cpuinfo on x86 and on Arm
 * (arch/x86/include/asm/cpufeatures.h and arch/arm64/kernel/cpuinfo.c of Linux).
 */
const INSTRUCTION_SETS: Readonly<Record<string, readonly string[]>> = {
  AVX2: ["avx2"],
  "AVX-512": ["avx512f"],
  VNNI: ["avx512_vnni", "avx_vnni"],
  AMX: ["amx_tile"],
  NEON: ["asimd"],
  "int8 products of Arm": ["i8mm"],
  bfloat16: ["avx512_bf16", "amx_bf16", "bf16"],
  float16: ["avx512_fp16", "amx_fp16", "asimdhp"],
};
const OF_X86 = ["AVX2", "AVX-512", "VNNI", "AMX", "bfloat16", "float16"];
const OF_ARM = ["NEON", "int8 products of Arm", "bfloat16", "float16"];

/**
 * Returns a sentence about the instruction sets that a processor has and lacks.
 *
 * @example
 * describeInstructions(["fma", "avx2"]); // "Instruction sets: AVX2. It lacks AVX-512, VNNI, AMX, bfloat16, float16."
 */
export function describeInstructions(flags: readonly string[]): string {
  const sets = flags.includes("asimd") ? OF_ARM : OF_X86;
  const [had, lacked] = [true, false].map((isHad) =>
    sets.filter((set) => INSTRUCTION_SETS[set]!.some((flag) => flags.includes(flag)) === isHad).join(", "),
  );
  return `Instruction sets: ${had || "none of those named here"}.${lacked ? ` It lacks ${lacked}.` : ""}`;
}

async function processorFlags(): Promise<string[] | undefined> {
  const text = await readFile("/proc/cpuinfo", "utf8").catch(() => "");
  const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(text)?.[1]?.trim().split(/\s+/);
  return flags?.filter((flag) => Object.values(INSTRUCTION_SETS).flat().includes(flag));
}

async function installedVersion(name: string): Promise<string> {
  const manifest = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  return z.object({ version: z.string() }).parse(JSON.parse(await readFile(manifest, "utf8"))).version;
}
