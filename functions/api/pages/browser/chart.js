import { requestText } from "./api.js";
import { byId } from "./dom.js";

/** Widths between which the service draws; see the API's `schedule.svg`. */
const WIDTHS = { least: 300, most: 900 };

/** Waits for a width that stays, while a window is drawn larger or smaller. */
const SETTLED_MS = 200;

const place = byId("chart");

/**
 * Shows the chart of a video's schedule, and draws it again when its place becomes wider or narrower.
 *
 * @param {string} id
 * @param {AbortSignal} signal ends the drawing
 * @param {(error: unknown) => void} fail
 */
export function showChart(id, signal, fail) {
  let drawn = 0;
  let timer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
  const draw = () => {
    const width = Math.round(Math.min(Math.max(place.clientWidth, WIDTHS.least), WIDTHS.most));
    if (width === drawn || place.clientWidth === 0) return;
    drawn = width;
    chartOf(id, width, signal).then((chart) => place.replaceChildren(chart), fail);
  };
  const watch = new ResizeObserver(() => {
    clearTimeout(timer);
    timer = setTimeout(draw, drawn === 0 ? 0 : SETTLED_MS);
  });
  watch.observe(place);
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    watch.disconnect();
  });
}

/**
 * @param {string} id
 * @param {number} width
 * @param {AbortSignal} signal
 */
async function chartOf(id, width, signal) {
  const svg = await requestText(`/v1/videos/${id}/schedule.svg?width=${width}`, signal);
  const drawing = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  return document.importNode(drawing, true);
}
