import { type Hang, Silence, TICK_MS } from "../../../shared/silence.ts";
import type { Progress } from "../progress.ts";

/** A step that takes as many times as long as the slowest one before it will not end. */
const TIMES_SLOWEST = 20;

/** Least ticks for a step, however fast the others were: the machine may be busy with something else. */
const STEP_TICKS_MIN = 60_000 / TICK_MS;

/**
 * Decides when a generating process hangs, from its progress alone. Between two steps it waits for many times the
 * duration of the slowest step so far. For all else (opening, text encoders, the first step, a second transformer, the
 * decoder) there is nothing to compare with, so only the caller's limit counts.
 *
 * A process that uses its processor is not held to be alive for that: a runtime may spin in a deadlock. A process that
 * uses none may wait for a GPU.
 */
export class Patience {
  readonly #silence = new Silence();
  readonly #ticksMax: number;
  /** Ticks of the slowest step so far; null before the first. */
  #slowest: number | null = null;
  /** True if the next sign of life to come is the end of a step. */
  #isStepping = false;

  /** @param silenceMsMax longest silence of a process that works */
  constructor(silenceMsMax: number) {
    this.#ticksMax = Math.ceil(silenceMsMax / TICK_MS);
  }

  heard({ stage, done }: Pick<Progress, "stage" | "done">): void {
    const isStep = this.#isStepping && stage === "denoise" && done > 0;
    if (isStep) this.#slowest = Math.max(this.#slowest ?? 0, this.#silence.ticks);
    this.#isStepping = stage === "denoise";
    this.#silence.heard();
  }

  /** Counts a tick, and returns why the process is held to hang; null if it is not. */
  tick(isStopped: boolean): Hang | null {
    return this.#silence.tick(this.#limit(), isStopped);
  }

  #limit(): number {
    if (!this.#isStepping || this.#slowest === null) return this.#ticksMax;
    return Math.min(this.#ticksMax, Math.max(STEP_TICKS_MIN, TIMES_SLOWEST * this.#slowest));
  }
}
