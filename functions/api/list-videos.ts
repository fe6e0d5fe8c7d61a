import type { JobRecord, JobStore } from "../../lib/service/jobs/index.ts";
import type { VideoFilter } from "./middleware/list-query.ts";
import { ApiError } from "./problem.ts";
import { STATUS_NAMES } from "./views/video.ts";

/** Records that one request for a filtered list looks at. */
const FILTERED_MAX = 2000;

/**
 * Lists a tenant's videos that pass a filter, newest first, one page of them.
 *
 * @throws ApiError when none of the records that one request looks at passes
 */
export async function listVideos(
  jobs: JobStore,
  tenant: string,
  { after, limit, status, metadata }: VideoFilter,
): Promise<{ readonly records: readonly JobRecord[]; readonly isTruncated: boolean }> {
  const isWanted = (record: JobRecord) =>
    record.deletedAt === null &&
    (status === undefined || STATUS_NAMES[record.status] === status) &&
    metadata.every(([name, value]) => record.metadata[name] === value);
  const isFiltered = status !== undefined || metadata.length > 0;
  const found: JobRecord[] = [];
  let [last, looked, isTruncated] = [after, 0, true];
  // One more than the page shows that there is a next page, which so is never empty.
  while (isTruncated && found.length <= limit && looked < FILTERED_MAX) {
    const page = await jobs.list(tenant, { after: last, limit: isFiltered ? 100 : limit + 1 });
    found.push(...page.records.filter(isWanted));
    looked += page.records.length;
    last = page.records.at(-1)?.id;
    isTruncated = page.isTruncated && last !== undefined;
  }
  if (isTruncated && found.length === 0) throw tooDeep(last);
  return { records: found.slice(0, limit), isTruncated: isTruncated || found.length > limit };
}

function tooDeep(last: string | undefined): ApiError {
  return new ApiError(
    "invalid_value",
    `None of the next ${FILTERED_MAX} videos matches: go on with after=${last}, or filter less.`,
    { param: "after" },
  );
}
