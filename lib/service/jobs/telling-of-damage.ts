import { RecordError, type Records } from "../storage/index.ts";

/** Number of damaged records that are remembered as told. */
const TOLD_MAX = 1000;

/**
 * Returns a function that wraps records, so that `onDamaged` is told of each damaged record once: sweeps and listings
 * meet them again and again. The error is thrown each time.
 */
export function tellingOfDamage(onDamaged: (error: RecordError) => void) {
  const told = new Set<string>();

  function tell(error: unknown): never {
    if (error instanceof RecordError && !told.has(error.key)) {
      if (told.size >= TOLD_MAX) told.clear();
      told.add(error.key);
      onDamaged(error);
    }
    throw error;
  }

  return <T>(records: Records<T>): Records<T> => ({
    read: (key) => records.read(key).catch(tell),
    create: (...args) => records.create(...args).catch(tell),
    update: (key, change) => records.update(key, change).catch(tell),
  });
}
