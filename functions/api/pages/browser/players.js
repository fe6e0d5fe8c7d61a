import { byId } from "./dom.js";

/**
 * One set of controls for all videos on the stage. None loops by itself: two players drift apart, so the next round
 * starts when all have ended.
 *
 * @param {readonly HTMLVideoElement[]} videos
 */
export function playInStep(videos) {
  const button = /** @type {HTMLButtonElement} */ (byId("play"));
  const slider = /** @type {HTMLInputElement} */ (byId("position"));
  let isPlaying = false;

  /** @param {boolean} on */
  const show = (on) => {
    isPlaying = on;
    button.textContent = on ? "Pause" : "Play";
  };
  const play = () => {
    show(true);
    for (const video of videos) video.play().catch(() => show(false));
  };
  const pause = () => {
    show(false);
    for (const video of videos) video.pause();
  };
  /** @param {number} share */
  const seek = (share) => {
    for (const video of videos) if (video.duration) video.currentTime = share * video.duration;
  };
  const follow = () => {
    const first = videos[0];
    if (!first?.isConnected) return;
    if (isPlaying && first.duration) slider.value = String((first.currentTime / first.duration) * 1000);
    requestAnimationFrame(follow);
  };

  for (const video of videos) {
    video.addEventListener("ended", () => {
      if (!isPlaying || !videos.every(({ ended }) => ended)) return;
      seek(0);
      play();
    });
  }
  button.onclick = () => (isPlaying ? pause() : play());
  slider.oninput = () => {
    pause();
    seek(Number(slider.value) / 1000);
  };
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) pause();
  else play();
  follow();
}
