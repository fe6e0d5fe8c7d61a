/** Signs that a process hangs: it gives no sign of life, or the system has stopped it. */
export type Hang = "silent" | "stopped";

/** Milliseconds between two ticks of a watcher's timer. */
export const TICK_MS = 1000;

/** Ticks for which a process must be stopped. A terminal or a debugger stops several processes, and wakes one first. */
const STOPPED_TICKS = 5;

/**
 * Counts how long another process gives no sign of life, in ticks of the watcher's own timer. A watcher that was
 * suspended itself, as by the sleep of a laptop, has no ticks in that time, so it finds no hang when it wakes.
 */
export class Silence {
  #ticks = 0;
  #stoppedTicks = 0;

  /** Ticks since the last sign of life. */
  get ticks(): number {
    return this.#ticks;
  }

  /** Notes a sign of life. */
  heard(): void {
    this.#ticks = 0;
    this.#stoppedTicks = 0;
  }

  /**
   * Counts a tick, and returns why the process is held to hang; null if it is not.
   *
   * @param ticksMax ticks of silence that are too many
   * @param isStopped true if the system runs no instruction of the process until it is told to continue
   */
  tick(ticksMax: number, isStopped: boolean): Hang | null {
    this.#ticks += 1;
    this.#stoppedTicks = isStopped ? this.#stoppedTicks + 1 : 0;
    if (this.#stoppedTicks >= STOPPED_TICKS) return "stopped";
    return this.#ticks >= ticksMax ? "silent" : null;
  }
}
