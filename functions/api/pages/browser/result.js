/** @typedef {import("./api.js").Video} Video */
/** @typedef {NonNullable<Video["compute"]>} Receipt */
import { byId, element, secondsText } from "./dom.js";

const STAGES = /** @type {const} */ (["queue", "load", "encode", "denoise", "decode", "write", "upload"]);

/**
 * Returns the line below the heading: what a video was asked to be.
 *
 * @param {Video} video
 */
export function aboutOf({ model, size, seconds, params }) {
  const facts = [
    model,
    size.replace("x", " × "),
    `${Number(seconds)} s`,
    `seed ${params.seed}`,
    `${params.steps} steps`,
    `guidance ${params.guidance_scale}`,
    `cache ${params.cache.policy}`,
    params.compare ? "compared" : "",
  ];
  return facts.filter(Boolean).join(" · ");
}

/**
 * Shows a completed video: its frames, the computed steps, and the times.
 *
 * @param {Video} video
 */
export function showResult(video) {
  const { compute } = video;
  if (!compute) return;
  showFigures(video, compute);
  showUnknownWords(compute);
  byId("compare").hidden = compute.comparison !== null || compute.cache.policy === "off";
  byId("download").hidden = false;
  showDownload(video);
  byId("numbers").replaceChildren(...cards(compute).map(card));
  byId("receipt").textContent = receiptInWords(compute);
  byId("table").replaceChildren(scheduleTable(compute));
  byId("times").replaceChildren(...times(compute));
  byId("film").hidden = false;
  byId("computed").hidden = false;
}

/**
 * @param {Video} video
 * @param {Receipt} compute
 */
function showFigures(video, { seconds, comparison, video: { encoder } }) {
  const isPicture = encoder === "webp";
  const first = video.params.cache.policy === "off" ? "Without cache" : "With cache";
  /** @type {[name: string, url: string | null, denoiseSeconds: number][]} */
  const shown = [[first, video.url, seconds.denoise]];
  if (comparison) shown.push(["Without cache", video.uncached_url, comparison.denoise_seconds]);
  const figures = shown.map(([name, url, denoiseSeconds]) => {
    const medium = isPicture ? element("img", { alt: `${name}: the video, looping` }) : player(name, video);
    medium.onerror = () => {
      byId("failure").textContent = "The video cannot be loaded. Its link may have expired: open it again.";
      byId("failure").hidden = false;
    };
    medium.src = url ?? "";
    const caption = [
      element("strong", {}, name),
      element("span", {}, `denoised in ${secondsText(denoiseSeconds)}`),
    ];
    return element("figure", {}, medium, element("figcaption", {}, ...caption));
  });
  byId("figures").replaceChildren(...figures);
}

/**
 * @param {string} name
 * @param {Video} video
 */
function player(name, { thumbnail_url: poster }) {
  const made = element("video", { muted: true, playsInline: true, poster: poster ?? "" });
  made.setAttribute("aria-label", name);
  return made;
}

/**
 * Names the words of the prompt that the model was not trained with.
 *
 * @param {Receipt} compute
 */
function showUnknownWords({ unknown_words: words = [] }) {
  byId("unknown-words").hidden = words.length === 0;
  byId("unknown-words").textContent = `The model does not know: ${words.join(", ")}`;
}

/** @param {Video} video */
function showDownload({ id, url, compute }) {
  const link = /** @type {HTMLAnchorElement} */ (byId("download"));
  link.href = url ?? "";
  link.download = `${id}.${compute?.video.encoder === "webp" ? "webp" : "mp4"}`;
}

/**
 * @param {Receipt} compute
 * @returns {[name: string, value: string, meaning: string][]}
 */
function cards({ steps, speedup, seconds, comparison }) {
  /** @type {[string, string, string]} */
  const computed = ["Computed steps", `${steps.computed} of ${steps.requested}`, `${steps.reused} reused`];
  if (!comparison) {
    /** @type {[string, string, string]} */
    const denoising = ["Denoising", secondsText(seconds.denoise), `of ${secondsText(seconds.total)} in all`];
    if (steps.reused === 0) return [computed, denoising];
    return [
      computed,
      ["Speed-up", `${speedup.toFixed(2)}×`, "estimated from one computed step's time"],
      denoising,
    ];
  }
  const { psnr, ssim, denoise_seconds: uncached, speedup: measured } = comparison;
  return [
    computed,
    [
      "Speed-up",
      `${measured.toFixed(2)}×`,
      `${secondsText(seconds.denoise)} instead of ${secondsText(uncached)}`,
    ],
    psnr === null
      ? ["PSNR", "identical", "no pixel differs"]
      : ["PSNR", `${psnr.toFixed(2)} dB`, "against the video without cache"],
    ["SSIM", ssim.toFixed(4), "1 is the video without cache"],
  ];
}

/** @param {[name: string, value: string, meaning: string]} figure */
function card([name, value, meaning]) {
  return element("div", {}, element("dt", {}, name), element("dd", {}, value), element("dd", {}, meaning));
}

/** @param {Receipt} compute */
function receiptInWords({ steps, cache, speedup, comparison, prompt, promise, notes = [] }) {
  const sentences = [];
  if (steps.reused === 0) sentences.push(`All ${steps.requested} denoising steps were computed.`);
  else {
    sentences.push(
      `${steps.computed} of ${steps.requested} denoising steps were computed; the other ${steps.reused} reused the residual of the last computed one.`,
    );
    if (!comparison) {
      sentences.push(
        `Computing all of them would have taken about ${speedup.toFixed(1)} times as long, an estimate: compare to measure it.`,
      );
    }
  }
  /** @type {Readonly<Record<string, string>>} */
  const explanations = JSON.parse(byId("receipt").dataset.explanations ?? "{}");
  /** @type {Readonly<Record<string, unknown>>} */
  const options = cache;
  for (const [option, explanation] of Object.entries(explanations)) {
    // Receipts of earlier versions have null for the options of other policies.
    if ((options[option] ?? null) !== null) sentences.push(explanation);
  }
  if (promise) sentences.push(promiseInWords(promise));
  sentences.push(...notes);
  if (prompt.read) sentences.push(`The model read the prompt as: ${prompt.read}`);
  if (prompt.negative_read) sentences.push(`It read the negative prompt as: ${prompt.negative_read}`);
  if (prompt.is_truncated)
    sentences.push(`The prompt was cut to ${prompt.tokens} tokens, the model's limit.`);
  if (prompt.is_negative_truncated) sentences.push("The negative prompt was cut to the model's limit.");
  return sentences.join(" ");
}

/**
 * Tells what was promised, what was predicted, and what came true.
 *
 * @param {NonNullable<Receipt["promise"]>} promise
 */
function promiseInWords({ asked, predicted_db, predicted_seconds, audited_db, kept }) {
  const facts = [
    predicted_db === null ? "" : `${predicted_db.toFixed(1)} dB were predicted`,
    predicted_seconds === null ? "" : `${secondsText(predicted_seconds)} were predicted`,
    audited_db === null ? "" : `${audited_db.toFixed(1)} dB were measured`,
    kept === null ? "nobody measured whether it was kept" : kept ? "it was kept" : "it was not kept",
  ];
  return `Promised: ${askedInWords(asked)}; ${facts.filter(Boolean).join(", ")}.`;
}

/** @param {NonNullable<Receipt["promise"]>["asked"]} asked */
function askedInWords(asked) {
  if ("at_least_db" in asked) return `at least ${asked.at_least_db} dB against the video without cache`;
  if ("at_most_seconds" in asked) return `at most ${secondsText(asked.at_most_seconds)}`;
  return `${asked.computed_steps} computed ${asked.computed_steps === 1 ? "step" : "steps"}`;
}

/**
 * Builds the table of the computed steps, with the columns of their policy. The page holds the labels and descriptions
 * of the columns.
 *
 * @param {Receipt} compute
 */
function scheduleTable({ schedule }) {
  /** @type {{key: string, label: string, description: string}[]} */
  const known = JSON.parse(byId("table").dataset.columns ?? "[]");
  const written = known.filter(({ key }) => schedule.some((line) => key in line));
  const columns = [{ key: "step", label: "Step", description: "Denoising steps, from 1." }, ...written];
  const head = columns.map(({ label, description }) =>
    element("th", { scope: "col", title: description }, label),
  );
  const rows = schedule.map((line) => {
    /** @type {Readonly<Record<string, unknown>>} */
    const values = line;
    const cells = columns.map(({ key }, index) => {
      const value = values[key];
      const text = typeof value === "number" ? String(Number(value.toPrecision(4))) : "";
      return index === 0 ? element("th", { scope: "row" }, text) : element("td", {}, text);
    });
    return element("tr", {}, ...cells);
  });
  return element(
    "table",
    {},
    element("caption", {}, "Computed steps"),
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...rows),
  );
}

/** @param {Receipt} compute */
function times({ seconds }) {
  const longest = Math.max(...STAGES.map((stage) => seconds[stage]));
  return STAGES.map((stage) => {
    const bar = element("i");
    bar.style.width = `${longest > 0 ? (100 * seconds[stage]) / longest : 0}%`;
    return element(
      "div",
      {},
      element("dt", {}, stage),
      element("dd", {}, secondsText(seconds[stage])),
      element("dd", { ariaHidden: "true" }, bar),
    );
  });
}
