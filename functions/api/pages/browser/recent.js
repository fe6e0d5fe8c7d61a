/** @typedef {import("./api.js").Video} Video */
/** @typedef {import("./api.js").VideoPage} VideoPage */
import { request } from "./api.js";
import { byId, element } from "./dom.js";

const SHOWN = 8;
const LABELS = { queued: "queued", in_progress: "in progress", completed: "", failed: "failed" };

/**
 * URLs of thumbnails by video id. Lists contain no URLs, so each video is requested once.
 *
 * @type {Map<string, string | null>}
 */
const thumbnails = new Map();

/** @type {string | null} */
let last = null;

/**
 * Shows the newest videos, or appends the next page of older ones.
 *
 * @param {(id: string) => void} open
 * @param {{isOlder?: boolean}} [options]
 */
export async function listRecent(open, { isOlder = false } = {}) {
  const after = isOlder && last ? `&after=${encodeURIComponent(last)}` : "";
  /** @type {VideoPage} */
  const page = await request("GET", `/v1/videos?limit=${SHOWN}${after}`);
  last = page.last_id;
  const items = page.data.map((video) => item(video, open));
  if (isOlder) byId("recent").append(...items);
  else byId("recent").replaceChildren(...items);
  byId("recent-empty").hidden = byId("recent").children.length > 0;
  byId("older").hidden = !page.has_more;
}

/**
 * @param {Video} video
 * @param {(id: string) => void} open
 */
function item(video, open) {
  const picture = element("span", { className: "picture" });
  void showThumbnail(picture, video);
  const when = new Date(video.created_at * 1000);
  const isToday = when.toDateString() === new Date().toDateString();
  const time = isToday ? when.toLocaleTimeString([], { timeStyle: "short" }) : when.toLocaleDateString();
  const status = video.error?.code === "canceled" ? "cancelled" : LABELS[video.status];
  const about = [status, `${video.params.steps} steps`, video.params.cache.policy, time];
  const button = element(
    "button",
    { type: "button", onclick: () => open(video.id) },
    picture,
    element("span", { className: "prompt" }, video.prompt ?? ""),
    element("span", { className: "faint" }, about.filter(Boolean).join(" · ")),
  );
  button.dataset.video = video.id;
  return element("li", {}, button);
}

/**
 * @param {HTMLElement} picture
 * @param {Video} video
 */
async function showThumbnail(picture, { id, status }) {
  if (status === "completed" && !thumbnails.has(id)) {
    const url = await request("GET", `/v1/videos/${id}`).then(
      (/** @type {Video} */ video) => video.thumbnail_url,
      // The list is useful without this thumbnail.
      () => null,
    );
    thumbnails.set(id, url);
  }
  const url = thumbnails.get(id);
  if (url) picture.append(element("img", { alt: "", src: url }));
}
