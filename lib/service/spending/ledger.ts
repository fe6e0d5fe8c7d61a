import * as z from "zod";

const usd = z.number().nonnegative();

const entrySchema = z.object({
  /** Price that the video may come to, or once it is settled, that it came to. */
  usd,
  usdPerHour: usd,
  /** Time of the reservation in milliseconds since 1970. */
  at: z.int().nonnegative(),
  isSettled: z.boolean(),
});

export type LedgerEntry = z.infer<typeof entrySchema>;

/** Spending of one API key on one day, in UTC: the day on which its videos were asked for. */
export const ledgerSchema = z.object({
  /** Sum of the settled entries that were taken out. */
  closedUsd: usd,
  /** Entries by the ids of their videos. */
  entries: z.record(z.string(), entrySchema),
});

export type Ledger = z.infer<typeof ledgerSchema>;

/** Outcome of an open entry: its price, or null if its video was never made. */
export type Outcomes = ReadonlyMap<string, number | null>;

export const EMPTY_LEDGER: Ledger = { closedUsd: 0, entries: {} };

/** Number of entries above which settled ones are summed up. */
const ENTRIES_MAX = 200;

/** Time for which an entry stays, since a second process may be creating the same video. */
const KEPT_MS = 20 * 60_000;

/** Slack of sums of fractions. */
const ROUNDING = 1e-9;

/** Returns what a ledger holds: spent and reserved together. */
export function spentUsd({ closedUsd, entries }: Ledger): number {
  return Object.values(entries).reduce((sum, { usd }) => sum + usd, closedUsd);
}

export function openIds({ entries }: Ledger): string[] {
  return Object.keys(entries).filter((id) => !entries[id]!.isSettled);
}

/** Returns the ledger with the outcomes of entries that are still open. */
export function settled(ledger: Ledger, outcomes: Outcomes): Ledger {
  const entries = Object.entries(ledger.entries).flatMap(([id, entry]) => {
    const outcome = entry.isSettled ? undefined : outcomes.get(id);
    if (outcome === null) return [];
    return [[id, outcome === undefined ? entry : { ...entry, usd: outcome, isSettled: true }] as const];
  });
  return { ...ledger, entries: Object.fromEntries(entries) };
}

/** Returns the ledger with a reservation; null if that would exceed the limit. A video is reserved for once. */
export function reserved(
  ledger: Ledger,
  {
    id,
    limitUsd,
    ...entry
  }: Omit<LedgerEntry, "isSettled"> & { readonly id: string; readonly limitUsd: number },
): Ledger | null {
  if (ledger.entries[id]) return ledger;
  if (spentUsd(ledger) + entry.usd > limitUsd + ROUNDING) return null;
  const { closedUsd, entries } = compact(ledger, entry.at);
  return { closedUsd, entries: { ...entries, [id]: { ...entry, isSettled: false } } };
}

function compact(ledger: Ledger, now: number): Ledger {
  const all = Object.entries(ledger.entries);
  if (all.length < ENTRIES_MAX) return ledger;
  const isClosed = ({ isSettled, at }: LedgerEntry) => isSettled && Math.abs(now - at) > KEPT_MS;
  const closed = all.filter(([, entry]) => isClosed(entry));
  return {
    closedUsd: closed.reduce((sum, [, { usd }]) => sum + usd, ledger.closedUsd),
    entries: Object.fromEntries(all.filter(([, entry]) => !isClosed(entry))),
  };
}
