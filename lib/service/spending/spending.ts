import { isAhead } from "../../shared/ahead.ts";
import type { Clock, Random, Sleep } from "../../shared/ports.ts";
import { heldMs, isFinished, type JobStore } from "../jobs/index.ts";
import { usdOf } from "../quotes/index.ts";
import { everyKey, inLanes, type ObjectStore, records, unlessDamaged } from "../storage/index.ts";
import {
  EMPTY_LEDGER,
  type Ledger,
  type LedgerEntry,
  ledgerSchema,
  type Outcomes,
  openIds,
  reserved,
  settled,
  spentUsd,
} from "./ledger.ts";

/** API key with a limit of what its videos of one day may cost. */
export interface LimitedKey {
  readonly tenant: string;
  readonly keyId: string;
  readonly limitUsd: number;
}

/** Money that is left of a key's day. */
export interface Left {
  readonly leftUsd: number;
  /** End of the day in milliseconds since 1970. */
  readonly endsAt: number;
}

export type Reservation = { readonly ok: true } | ({ readonly ok: false } & Left);

/**
 * Spending of API keys. The most that a video may cost is reserved before its job is created, so that concurrent
 * requests cannot exceed a limit together; once the video is over, its price takes the place of that. A crash leaves at
 * most a reservation, which is dropped when it turns out that there is no job.
 */
export interface Spending {
  /** Reserves what a video may cost. Repeated for the same video, it reserves nothing more. */
  reserve(
    key: LimitedKey,
    video: { readonly id: string; readonly usd: number; readonly usdPerHour: number },
  ): Promise<Reservation>;
  /** Says what is left; videos that are not over count with what is reserved for them. */
  left(key: LimitedKey): Promise<Left>;
  /** Deletes the ledgers of the days before this time. */
  purge(tenant: string, before: number): Promise<void>;
}

export interface SpendingDeps {
  readonly store: ObjectStore;
  readonly jobs: Pick<JobStore, "read">;
  readonly clock: Clock;
  readonly random: Random;
  readonly sleep: Sleep;
}

const DAY_MS = 24 * 3_600_000;

/** Number of open entries from which on a reservation looks which of their videos are over. */
const OPEN_MAX = 100;

/** Number of records that are read at once. */
const LANES = 16;

/** Longest time between a reservation and its job's record, with the time that a creation may take twice. */
const CREATION_MS_MAX = 20 * 60_000;

const PREFIX = "spending/";

export function spendingOf({ store, jobs, clock, random, sleep }: SpendingDeps): Spending {
  const ledgers = records(store, ledgerSchema, { random, sleep });

  /** Looks which videos of the open entries are over, and what they cost. */
  async function outcomesOf(tenant: string, { entries }: Ledger, ids: readonly string[]): Promise<Outcomes> {
    const outcomes = new Map<string, number | null>();
    await inLanes(ids, LANES, async (id) => {
      const outcome = await outcomeOf(tenant, id, entries[id]!);
      if (outcome !== undefined) outcomes.set(id, outcome);
    });
    return outcomes;
  }

  /** Returns the price of a video that is over, null if it was never made, and undefined while that is open. */
  async function outcomeOf(tenant: string, id: string, { usd, usdPerHour, at }: LedgerEntry) {
    const record = await jobs.read({ tenant, id }).catch(unlessDamaged);
    // What a damaged record cost, nobody knows.
    if (record === "damaged") return usd;
    if (record === null)
      return isAhead(at + CREATION_MS_MAX, clock.now(), CREATION_MS_MAX) ? undefined : null;
    if (!isFinished(record)) return undefined;
    return usdOf(heldMs(record, record.finishedAt!) / 1000, usdPerHour);
  }

  const nothing: Outcomes = new Map();

  return {
    async reserve({ tenant, keyId, limitUsd }, video) {
      const now = clock.now();
      const key = ledgerKey(tenant, keyId, now);
      const entry = { ...video, limitUsd, at: now };
      const attempt = async (outcomes: Outcomes): Promise<Ledger | null> => {
        const change = (ledger: Ledger) => {
          const known = settled(ledger, outcomes);
          const next = reserved(known, entry);
          return { next: next ?? (outcomes.size > 0 ? known : null), tell: next === null ? known : null };
        };
        const updated = await ledgers.update(key, change);
        if (updated.ok) return updated.told ?? null;
        const { next, tell } = change(EMPTY_LEDGER);
        if (next === null) return tell;
        const created = await ledgers.create(key, next);
        return created.ok ? null : attempt(outcomes);
      };
      const before = (await ledgers.read(key))?.value ?? EMPTY_LEDGER;
      const open = openIds(before);
      const early = open.length >= OPEN_MAX ? await outcomesOf(tenant, before, open) : nothing;
      let refusing = await attempt(early);
      if (refusing) refusing = await attempt(await outcomesOf(tenant, refusing, openIds(refusing)));
      return refusing ? { ok: false, ...leftOf(refusing, limitUsd, now) } : { ok: true };
    },
    async left({ tenant, keyId, limitUsd }) {
      const now = clock.now();
      const ledger = (await ledgers.read(ledgerKey(tenant, keyId, now)))?.value ?? EMPTY_LEDGER;
      const outcomes = await outcomesOf(tenant, ledger, openIds(ledger));
      return leftOf(settled(ledger, outcomes), limitUsd, now);
    },
    async purge(tenant, before) {
      const last = dayOf(before);
      for await (const key of everyKey(store, ledgersPrefix(tenant))) {
        if (key.slice(-"2026-01-01.json".length, -".json".length) < last) await store.delete(key);
      }
    },
  };
}

function leftOf(ledger: Ledger, limitUsd: number, now: number): Left {
  return {
    leftUsd: Math.max(0, limitUsd - spentUsd(ledger)),
    endsAt: (Math.floor(now / DAY_MS) + 1) * DAY_MS,
  };
}

const ledgersPrefix = (tenant: string) => `${PREFIX}${tenant}/`;

const ledgerKey = (tenant: string, keyId: string, now: number) =>
  `${ledgersPrefix(tenant)}${keyId}/${dayOf(now)}.json`;

/** Returns the day of a time in UTC, such as 2026-12-01. */
function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, "2026-12-01".length);
}
