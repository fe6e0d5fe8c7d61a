/** @typedef {import("./api.js").Video} Video */
/** @typedef {import("./api.js").VideoPage} VideoPage */
import { isGivenUp, request } from "./api.js";
import { byId, clockTime, element } from "./dom.js";
import { isOver } from "./follow.js";

/** Videos that are shown at first, and by which "Show older" adds. */
const PAGE = 8;

/** Pauses between two looks at the list: while a listed video is being made, and otherwise. */
const BUSY_MS = 1500;
const QUIET_MS = 8000;

const list = byId("recent");

/** @typedef {{node: HTMLLIElement, update(video: Video): void}} Item */

/** Items of the list by the ids of their videos. They stay while their videos do, so that nothing flickers. */
const items = /** @type {Map<string, Item>} */ (new Map());

let wanted = PAGE;
let timer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
let looking = new AbortController();
let openId = /** @type {string | null} */ (null);
let isOn = false;

/** Called with the id of a listed video that was deleted. */
let onDeleted = /** @type {(id: string) => void} */ (() => {});

/** @param {(id: string) => void} tellDeleted called with the id of a listed video that was deleted */
export function wireRecent(tellDeleted) {
  onDeleted = tellDeleted;
  byId("older").addEventListener("click", () => {
    wanted += PAGE;
    void refreshRecent();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) void refreshRecent();
  });
}

/** Empties the list, and begins to follow that of the kept key. */
export async function startRecent() {
  stopRecent();
  for (const { node } of items.values()) node.remove();
  items.clear();
  wanted = PAGE;
  isOn = true;
  await refreshRecent();
}

/** Ends the following. The list stays as it is. */
export function stopRecent() {
  isOn = false;
  clearTimeout(timer);
  looking.abort();
}

/** Brings the list up to date, and does so again after a while. */
export async function refreshRecent() {
  if (!isOn) return;
  clearTimeout(timer);
  looking.abort();
  looking = new AbortController();
  const { signal } = looking;
  let isBusy = false;
  try {
    const { videos, hasMore } = await newest(signal);
    if (signal.aborted) return;
    draw(videos, hasMore);
    isBusy = videos.some((video) => !isOver(video));
    tell(videos.length === 0 ? "None yet." : "");
  } catch (error) {
    if (isGivenUp(error) || !isOn) return;
    tell(`${/** @type {Error} */ (error).message} Trying again.`);
  }
  timer = setTimeout(() => !document.hidden && refreshRecent(), isBusy ? BUSY_MS : QUIET_MS);
}

/**
 * Marks the item of the video on the stage.
 *
 * @param {string | null} id
 */
export function markOpen(id) {
  openId = id;
  for (const [each, { node }] of items) mark(node, each === id);
}

/**
 * @param {HTMLLIElement} node
 * @param {boolean} isOpen
 */
function mark(node, isOpen) {
  const link = node.querySelector("a");
  if (isOpen) link?.setAttribute("aria-current", "true");
  else link?.removeAttribute("aria-current");
}

/** @param {string} text */
function tell(text) {
  byId("recent-state").textContent = text;
  byId("recent-state").hidden = text === "";
}

/** @param {AbortSignal} signal */
async function newest(signal) {
  const videos = /** @type {Video[]} */ ([]);
  for (let hasMore = true; hasMore; ) {
    const after = videos.at(-1)?.id;
    const limit = Math.min(wanted - videos.length, 100);
    const query = new URLSearchParams({ limit: String(limit), ...(after && { after }) });
    /** @type {VideoPage} */
    const page = await request("GET", `/v1/videos?${query}`, { signal });
    videos.push(...page.data);
    hasMore = page.has_more && videos.length < wanted;
    if (!hasMore) return { videos, hasMore: page.has_more };
  }
  return { videos, hasMore: false };
}

/**
 * @param {readonly Video[]} videos newest first
 * @param {boolean} hasMore
 */
function draw(videos, hasMore) {
  const ids = new Set(videos.map(({ id }) => id));
  const oldest = videos.at(-1)?.id ?? "";
  for (const [id, { node }] of items) {
    if (ids.has(id)) continue;
    node.remove();
    items.delete(id);
    // Ids grow with time: a video that is older than the last one has only slipped off the end of the list.
    if (!hasMore || id > oldest) onDeleted(id);
  }
  for (const [index, video] of videos.entries()) {
    const item = items.get(video.id) ?? itemOf(video);
    items.set(video.id, item);
    item.update(video);
    const before = list.children[index] ?? null;
    if (before !== item.node) list.insertBefore(item.node, before);
  }
  byId("older").hidden = !hasMore;
}

/**
 * @param {Video} video
 * @returns {Item}
 */
function itemOf({ id, prompt, params, created_at: createdAt }) {
  const picture = element("span", { className: params.compare ? "picture compared" : "picture" });
  const about = element("span", { className: "faint" });
  const link = element(
    "a",
    { href: `#video=${id}`, title: prompt ?? "" },
    picture,
    element("span", { className: "prompt" }, prompt ?? ""),
    about,
  );
  const node = element("li", {}, link);
  mark(node, id === openId);
  let hasPicture = false;
  return {
    node,
    update(video) {
      const texts = [stateOf(video), params.compare ? "compared" : "", `${params.steps} steps`];
      const text = [...texts, params.cache.policy, clockTime(createdAt)].filter(Boolean).join(" · ");
      if (about.textContent !== text) about.textContent = text;
      const share = isOver(video) ? "" : `${video.progress} %`;
      if (!hasPicture && picture.textContent !== share) picture.textContent = share;
      if (video.status !== "completed" || hasPicture) return;
      hasPicture = true;
      void showThumbnail(picture, id);
    },
  };
}

/** @param {Video} video */
function stateOf({ status, error }) {
  if (error?.code === "canceled") return "cancelled";
  return { queued: "queued", in_progress: "in progress", completed: "", failed: "failed" }[status];
}

/**
 * Shows the thumbnail of a completed video. Lists contain no URLs, so the video is requested.
 *
 * @param {HTMLElement} picture
 * @param {string} id
 */
async function showThumbnail(picture, id) {
  const url = await request("GET", `/v1/videos/${id}`).then(
    (/** @type {Video} */ video) => video.thumbnail_url,
    // The list is useful without this thumbnail.
    () => null,
  );
  if (url) picture.replaceChildren(element("img", { alt: "", src: url }));
}
