import type { JobRecord, JobStore } from "../../lib/service/jobs/index.ts";
import type { VideoFilter } from "./middleware/list-query.ts";
import { ApiError } from "./problem.ts";
import { STATUS_NAMES } from "./views/video.ts";

/**
 * Maximum number of records that one request reads. So many take about 50 ms of processor time, whatever a filter asks
 * for and however many videos there are.
 */
const READ_MAX = 500;
const PAGE = 100;

/**
 * Returns one page of a tenant's videos that match a filter, in the order that it asks for. A page may be shorter than
 * its limit before the list ends. The next one begins after its last video, so no video is left out or repeated.
 *
 * @throws ApiError if none of the records that one request may read matches; it names the video to continue after. An
 *   empty page would end the loops of OpenAI's clients without a word
 */
export async function listVideos(
  jobs: JobStore,
  tenant: string,
  { after, limit, order, status, metadata }: VideoFilter,
): Promise<{ readonly records: readonly JobRecord[]; readonly isTruncated: boolean }> {
  const isWanted = (record: JobRecord) =>
    record.deletedAt === null &&
    (status === undefined || STATUS_NAMES[record.status] === status) &&
    metadata.every(([name, value]) => record.metadata[name] === value);
  const isFiltered = status !== undefined || metadata.length > 0;
  const size = isFiltered ? PAGE : limit + 1;
  const found: JobRecord[] = [];
  let [last, looked, isTruncated] = [after, 0, true];
  // The loop collects one video more than the page holds: if it exists, there is a next page that is not empty.
  while (isTruncated && found.length <= limit && looked < READ_MAX) {
    const page = await jobs.list(tenant, { after: last, order, limit: size });
    found.push(...page.records.filter(isWanted));
    looked += size;
    last = page.lastId ?? undefined;
    isTruncated = page.isTruncated && last !== undefined;
  }
  if (isTruncated && found.length === 0) throw filterUnfinished(last!);
  return { records: found.slice(0, limit), isTruncated: isTruncated || found.length > limit };
}

/**
 * Makes the error of a filter that matched nothing so far.
 *
 * @param last id of the last video that was looked at
 */
export function filterUnfinished(last: string): ApiError {
  return new ApiError(
    "filter_unfinished",
    `None of the videos up to ${last} matches, and there are more: continue with after=${last}.`,
    { param: "after", after: last },
  );
}
