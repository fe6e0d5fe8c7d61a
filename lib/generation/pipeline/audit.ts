import { createPolicy, type ErrorTable, off } from "../caching/index.ts";
import { type Frames, psnr } from "../video/index.ts";
import { type DenoiseOptions, denoise } from "./denoise.ts";

/** PSNR in dB at which videos count as identical. */
const IDENTICAL_DB = 100;

/** Number of audits in which a correction is half believed. */
const HALF_BELIEVED = 4;

/** Largest correction in dB; beyond it the table is of no use, and has to be measured again. */
const CORRECTION_MAX = 10;

/**
 * Audits a finished video: denoises the same noise without cache, and returns the PSNR in dB of the video against that.
 * It takes as long as a generation without cache. To compute a few of the reused steps would be cheaper and tell less:
 * what their errors do to the final latent differs by 20 dB between videos.
 *
 * @param options those of the generation, with a latent that is noise again
 */
export async function auditedDb(
  options: Omit<DenoiseOptions, "policy">,
  frames: Frames,
  decode: (latent: Float32Array) => Promise<Frames>,
): Promise<number> {
  await denoise({ ...options, policy: createPolicy(off, {}) });
  return Math.min(IDENTICAL_DB, psnr(await decode(options.latent), frames));
}

/** Audits of a model while a service runs: PSNRs in dB that were measured minus those that its table predicts. */
export class Audits {
  #count = 0;
  /** Sum of the errors in dB. */
  #sum = 0;
  /** The corrected table, until another audit; a plan belongs to a table, and is not made for each generation. */
  #corrected: { readonly from: ErrorTable; readonly to: ErrorTable } | null = null;

  /** Adds an audit of a video whose PSNR was predicted with the table as it was corrected by then. */
  add(audited: number, predicted: number): void {
    if (audited >= IDENTICAL_DB) return;
    this.#sum += audited - (predicted - this.#shift());
    this.#count += 1;
    this.#corrected = null;
  }

  /** Returns the correction in dB. Few audits are believed little. */
  #shift(): number {
    const believed = this.#sum / (this.#count + HALF_BELIEVED);
    return Math.min(CORRECTION_MAX, Math.max(-CORRECTION_MAX, believed));
  }

  /** Returns the table with the PSNRs of its ladders shifted by the mean error of its predictions. */
  correct(table: ErrorTable | null): ErrorTable | null {
    if (table === null || this.#count === 0) return table;
    if (this.#corrected?.from === table) return this.#corrected.to;
    const shift = this.#shift();
    const ladders = table.ladders.map(({ steps, rungs }) => ({
      steps,
      rungs: rungs.map((rung) => ({ ...rung, psnr: rung.psnr.map((decibels) => decibels + shift) })),
    }));
    this.#corrected = { from: table, to: { ...table, ladders } };
    return this.#corrected.to;
  }
}
