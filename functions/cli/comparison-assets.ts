/** Style and script of the comparison page. The page works without the script: each video then has its own controls. */

export const STYLE = `
:root { color-scheme: light dark; --paper: #fff; --card: #f6f7f9; --ink: #16191d; --faint: #57606c;
  --line: #dfe3e8; --accent: #1d4ed8 }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171b; --card: #1d2127; --ink: #eceff3; --faint: #a3acb9; --line: #323943; --accent: #7db0ff }
}
* { box-sizing: border-box }
[hidden] { display: none !important }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 1080px; margin: 0 auto; padding: 32px 20px 64px }
h1 { font-size: clamp(1.35rem, 3.4vw, 1.9rem); line-height: 1.25; margin: 0 0 6px; text-wrap: balance;
  overflow-wrap: anywhere }
h2 { font-size: 1.15rem; margin: 44px 0 8px }
p { margin: 0 0 12px; max-width: 72ch }
.about, figcaption, .note { color: var(--faint) }
.about { margin-bottom: 24px }
.pair { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 20px }
figure { margin: 0 }
figure video, figure img { display: block; width: 100%; background: #000; border-radius: 8px; object-fit: contain }
figcaption { display: flex; justify-content: space-between; gap: 12px; padding-top: 8px }
figcaption strong { color: var(--ink) }
.player { display: flex; flex-wrap: wrap; align-items: center; gap: 12px 16px; margin: 14px 0 0 }
.player button { font: inherit; min-width: 5.5em; padding: 6px 14px; color: var(--ink);
  background: var(--card); border: 1px solid var(--line); border-radius: 6px; cursor: pointer }
.player label { display: flex; gap: 8px; align-items: center }
.player label:has([type=range]) { flex: 1 1 220px }
.player input { accent-color: var(--accent); min-width: 0 }
.player [type=range] { flex: 1 }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
main:has(#sharp:checked) :is(video, img) { image-rendering: pixelated }
dl.figures { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 12px; margin: 28px 0 0 }
dl.figures div { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px }
dl.figures dt { color: var(--faint); font-size: .875rem }
dl.figures dd { margin: 0; font-size: 1.5rem; font-weight: 650; line-height: 1.3; font-variant-numeric: tabular-nums }
dl.figures dd + dd { font-size: .875rem; font-weight: 400; color: var(--faint) }
.wide { overflow-x: auto; border-radius: 8px }
.wide > * { min-width: 620px; max-width: 900px }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .9rem }
th, td { padding: 5px 12px; text-align: right; border-bottom: 1px solid var(--line) }
thead th { color: var(--faint); font-weight: 600; vertical-align: bottom }
th:nth-child(2), td:nth-child(2) { text-align: left }
tr.reused { color: var(--faint) }
details summary { cursor: pointer; padding: 6px 0 }
@media (max-width: 640px) {
  main { padding: 20px 14px 48px }
  .pair { gap: 10px }
  figcaption { flex-direction: column; gap: 0 }
  dl.figures { grid-template-columns: repeat(2, minmax(0, 1fr)) }
}`;

/**
 * One set of controls for both videos. Neither loops by itself: two players drift apart, so the next round starts when
 * both have ended.
 */
export const SCRIPT = `
const videos = [...document.querySelectorAll("video")];
const player = document.querySelector(".player");
if (videos.length === 2) {
  const button = player.querySelector("button");
  const slider = player.querySelector("input[type=range]");
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let playing = false;
  const show = (on) => { playing = on; button.textContent = on ? "Pause" : "Play"; };
  const play = () => { show(true); for (const video of videos) video.play().catch(() => show(false)); };
  const pause = () => { show(false); for (const video of videos) video.pause(); };
  const seek = (share) => {
    for (const video of videos) if (video.duration) video.currentTime = share * video.duration;
  };
  for (const video of videos) {
    video.loop = false;
    video.controls = false;
    video.addEventListener("ended", () => {
      if (!playing || !videos.every((other) => other.ended)) return;
      seek(0);
      play();
    });
  }
  button.addEventListener("click", () => (playing ? pause() : play()));
  slider.addEventListener("input", () => { pause(); seek(slider.value / slider.max); });
  const follow = () => {
    const [{ currentTime, duration }] = videos;
    if (playing && duration) slider.value = (currentTime / duration) * slider.max;
    requestAnimationFrame(follow);
  };
  follow();
  for (const control of [button, slider.parentElement]) control.hidden = false;
  if (still) pause();
  else play();
}`;
