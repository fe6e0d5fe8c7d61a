/**
 * Does `work` for every item, for at most `laneCount` items at once. After a failure no further item is begun, and the
 * error is thrown when the items under way have ended.
 */
export async function inLanes<T>(
  items: Iterable<T>,
  laneCount: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items].reverse();
  async function lane(): Promise<void> {
    for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) {
      try {
        await work(item);
      } catch (error) {
        waiting.length = 0;
        throw error;
      }
    }
  }
  const ends = await Promise.allSettled(Array.from({ length: laneCount }, lane));
  const failed = ends.find((end) => end.status === "rejected");
  if (failed) throw failed.reason;
}
