/** Bell that wakes one waiter. A ring while nobody waits is kept, and many rings count as one. */
export interface Bell {
  ring(): void;
  /** Resolves at a ring, or after this time. */
  wait(waitMs: number): Promise<void>;
}

export function newBell(): Bell {
  let hasRung = false;
  let wake: (() => void) | null = null;
  return {
    ring() {
      hasRung = true;
      wake?.();
    },
    async wait(waitMs) {
      if (!hasRung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, waitMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      wake = null;
      hasRung = false;
    },
  };
}
