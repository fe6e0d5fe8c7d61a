import type { JobRecord } from "../../lib/service/jobs/index.ts";
import { jobKey, unfinishedKey } from "../../lib/service/jobs/object-keys.ts";
import type { Process } from "./network.ts";

interface Claim {
  readonly at: number;
  readonly record: JobRecord;
}

export interface TurnChecksOptions {
  /** Returns whether there is an object under the key. */
  readonly has: (key: string) => boolean;
  readonly now: () => number;
  /** Time for which workers pass over a job that they have seen held, so that they may learn late that it waits. */
  readonly blindMs: number;
}

/**
 * Checks S12: between two turns that a worker gives to one tenant, every other tenant with a waiting job gets a turn,
 * and so does every key of a tenant between two turns of another one. Within a key the oldest job comes first.
 */
export class TurnChecks {
  readonly #options: TurnChecksOptions;
  /** Jobs that are queued, by key, and since when. */
  readonly #waiting = new Map<string, Claim>();
  /** Claims of each worker since it started, oldest first. */
  readonly #claims = new Map<string, Claim[]>();

  constructor(options: TurnChecksOptions) {
    this.#options = options;
  }

  /** Notes a record that a process has written, and returns what is wrong with the turn that it is; null if nothing. */
  written(before: JobRecord | undefined, record: JobRecord, process: Process): string | null {
    const at = this.#options.now();
    if (record.status === "queued") {
      const since = this.#waiting.get(jobKey(record));
      if (before?.status !== "queued" || !since) this.#waiting.set(jobKey(record), { at, record });
    } else this.#waiting.delete(jobKey(record));
    if (!before || record.attempt === before.attempt || record.status !== "running") return null;
    const claims = this.#claims.get(process.name) ?? [];
    this.#claims.set(process.name, [...claims, { at, record }]);
    return this.#wrongIn(claims, record, process.troubledAt);
  }

  #wrongIn(claims: readonly Claim[], record: JobRecord, troubledAt: number): string | null {
    const { tenant, keyId, id } = record;
    const last = claims.at(-1);
    if (
      last &&
      this.#waitsSince(last.at, troubledAt, (other) => whose(other) === whose(record) && other.id < id)
    )
      return "S12: an older job of the key waits";
    const isSkipped = (groupOf: (job: JobRecord) => string) => {
      const from = claims.findLastIndex((claim) => groupOf(claim.record) === groupOf(record));
      if (from < 0) return false;
      const served = new Set(claims.slice(from).map((claim) => groupOf(claim.record)));
      return this.#waitsSince(
        claims[from]!.at,
        troubledAt,
        (other) => !served.has(groupOf(other)) && (groupOf === who || other.tenant === tenant),
      );
    };
    if (isSkipped(who)) return `S12: ${tenant} has two turns before another tenant has one`;
    if (isSkipped(whose)) return `S12: the key ${keyId} has two turns before another one has one`;
    return null;
  }

  /** Returns whether a job has been waiting since a time after which the worker met no fault. */
  #waitsSince(time: number, troubledAt: number, isIt: (job: JobRecord) => boolean): boolean {
    if (troubledAt >= time) return false;
    const from = time - this.#options.blindMs;
    return [...this.#waiting.values()].some(
      ({ at, record }) => at < from && isIt(record) && this.#options.has(unfinishedKey(record)),
    );
  }
}

const who = ({ tenant }: JobRecord) => tenant;
const whose = ({ tenant, keyId }: JobRecord) => `${tenant}/${keyId}`;
