/** Part of a model whose sessions are opened and released together. */
export type ResidentPart = "text_encoder" | "image_encoder" | "transformer" | "transformer_2" | "decoder";

/** Memory of a part on a device. */
export interface PartMemory {
  readonly part: ResidentPart;
  /** Bytes that its sessions hold from their first run to their release: weights, and the arena of activations. */
  readonly heldBytes: number;
  /** Bytes that it needs while it runs, and that the system can take back: on the CPU weights mapped from a file. */
  readonly mappedBytes: number;
}

/** Parts that stay open beside each other. */
export interface Residency {
  /** Groups of parts that may be open at the same time. Before a part opens, all that share no group with it close. */
  readonly groups: readonly ReadonlySet<ResidentPart>[];
  /** Releases and their moments, in words for a user; none if everything stays open. */
  readonly releases: readonly string[];
}

/** Residency with the most memory that it takes. */
export interface MeasuredResidency extends Residency {
  readonly peakBytes: number;
  /** Parts that are open when the most memory is taken. */
  readonly peakParts: readonly ResidentPart[];
}

/** Share of a device's memory that parts may fill; drivers, other programs and the growth of arenas take the rest. */
export const usableShare = 0.9;

const ENCODERS = ["text_encoder", "image_encoder"] as const;
const TRANSFORMERS = ["transformer", "transformer_2"] as const;

const WITHOUT_ENCODERS = "the encoders are released before denoising";
const WITHOUT_TRANSFORMERS = "the decoder is opened after the transformers are released";
const IN_TURN = "the second transformer is opened after the first is released";

/** Residencies in the order in which they are tried: each takes less memory than the one before it. */
const RESIDENCIES: readonly Residency[] = [
  residency([[...ENCODERS, ...TRANSFORMERS, "decoder"]], []),
  residency([["text_encoder"], ["image_encoder"], [...TRANSFORMERS, "decoder"]], [WITHOUT_ENCODERS]),
  residency(
    [["text_encoder"], ["image_encoder"], TRANSFORMERS, ["decoder"]],
    [WITHOUT_ENCODERS, WITHOUT_TRANSFORMERS],
  ),
  residency(
    [["text_encoder"], ["image_encoder"], ["transformer"], ["transformer_2"], ["decoder"]],
    [WITHOUT_ENCODERS, WITHOUT_TRANSFORMERS, IN_TURN],
  ),
];

function residency(groups: readonly (readonly ResidentPart[])[], releases: readonly string[]): Residency {
  return { groups: groups.map((parts) => new Set(parts)), releases };
}

/** Residency where the memory is not known: two transformers take turns, and everything else stays open. */
export const UNKNOWN_MEMORY: Residency = {
  groups: TRANSFORMERS.map((transformer) => new Set<ResidentPart>([...ENCODERS, transformer, "decoder"])),
  releases: [IN_TURN],
};

/**
 * Returns the first residency that fits into the memory: everything stays open if it can. If none fits, returns the one
 * that takes least.
 */
export function residencyFor(parts: readonly PartMemory[], memoryBytes: number): MeasuredResidency {
  const measured = RESIDENCIES.map((tried) => measure(tried, parts));
  const least = measured.reduce((a, b) => (b.peakBytes < a.peakBytes ? b : a));
  const { groups, releases, ...peak } = measured.find(({ peakBytes }) => peakBytes <= memoryBytes) ?? least;
  const hasSecond = parts.some(({ part }) => part === "transformer_2");
  return { groups, releases: releases.filter((release) => hasSecond || release !== IN_TURN), ...peak };
}

/** Returns the least memory in which the parts can run, when everything is released that can be. */
export function leastBytes(parts: readonly PartMemory[]): number {
  return residencyFor(parts, 0).peakBytes;
}

/** Returns the memory in which everything stays open. */
export function wholeBytes(parts: readonly PartMemory[]): number {
  return measure(RESIDENCIES[0]!, parts).peakBytes;
}

/** Returns what takes more memory, of sessions of one part that are released before the others open. */
export function largest(sessions: readonly [PartMemory, ...PartMemory[]]): PartMemory {
  const bytes = ({ heldBytes, mappedBytes }: PartMemory) => heldBytes + mappedBytes;
  return sessions.reduce((a, b) => (bytes(b) > bytes(a) ? b : a));
}

/** Tells if one part may stay open while another runs. */
export function mayStay({ groups }: Residency, part: ResidentPart, other: ResidentPart): boolean {
  return groups.some((group) => group.has(part) && group.has(other));
}

function measure(tried: Residency, parts: readonly PartMemory[]): MeasuredResidency {
  const peaks = tried.groups.map((group) => {
    const open = parts.filter(({ part }) => group.has(part));
    const held = open.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
    const mapped = Math.max(0, ...open.map(({ mappedBytes }) => mappedBytes));
    return { peakBytes: held + mapped, peakParts: open.map(({ part }) => part) };
  });
  return { ...tried, ...peaks.reduce((a, b) => (b.peakBytes > a.peakBytes ? b : a)) };
}
