/**
 * Element `<synced-player>`: one set of controls for all videos in its `.pair`. No video loops by itself, because two
 * looping videos drift apart: the next round starts when all have ended. Pictures (animated WebP) play by themselves
 * and need no controls. Without this script, each video has its own controls.
 */
class SyncedPlayer extends HTMLElement {
  /** @type {readonly HTMLVideoElement[]} */
  #videos = [];
  #isPlaying = false;

  get #button() {
    return /** @type {HTMLButtonElement} */ (this.querySelector(".player button"));
  }

  get #slider() {
    return /** @type {HTMLInputElement} */ (this.querySelector(".player [type=range]"));
  }

  connectedCallback() {
    const pair = /** @type {HTMLElement} */ (this.querySelector(".pair"));
    this.#button.onclick = () => (this.#isPlaying ? this.#pause() : this.#play());
    this.#slider.oninput = () => {
      this.#pause();
      this.#seek(Number(this.#slider.value) / Number(this.#slider.max));
    };
    new MutationObserver(() => this.#take(pair)).observe(pair, { childList: true });
    this.#take(pair);
  }

  /**
   * Takes control of the videos that are in the pair now.
   *
   * @param {HTMLElement} pair
   */
  #take(pair) {
    this.#videos = [...pair.querySelectorAll("video")];
    for (const video of this.#videos) {
      video.loop = false;
      video.controls = false;
      video.onended = () => this.#goRound();
    }
    const hasVideo = this.#videos.length > 0;
    for (const control of [this.#button, this.#slider.closest("label")])
      control?.toggleAttribute("hidden", !hasVideo);
    this.#slider.value = "0";
    if (hasVideo && !matchMedia("(prefers-reduced-motion: reduce)").matches) this.#play();
    else this.#pause();
  }

  #play() {
    this.#show(true);
    for (const video of this.#videos) {
      video.play().catch(() => {
        // A rejection by a video that was removed from the page says nothing about the videos that replaced it.
        if (this.#videos.includes(video)) this.#show(false);
      });
    }
  }

  #pause() {
    this.#show(false);
    for (const video of this.#videos) video.pause();
  }

  /** @param {number} share of the whole video */
  #seek(share) {
    for (const video of this.#videos) if (video.duration) video.currentTime = share * video.duration;
  }

  #goRound() {
    if (!this.#isPlaying || !this.#videos.every(({ ended }) => ended)) return;
    this.#seek(0);
    this.#play();
  }

  /** @param {boolean} isPlaying */
  #show(isPlaying) {
    const begins = isPlaying && !this.#isPlaying;
    this.#isPlaying = isPlaying;
    this.#button.textContent = isPlaying ? "Pause" : "Play";
    if (begins) this.#follow();
  }

  /** Moves the slider while the videos play. */
  #follow() {
    const [first] = this.#videos;
    if (!this.#isPlaying || !first) return;
    if (first.duration)
      this.#slider.value = String((first.currentTime / first.duration) * Number(this.#slider.max));
    requestAnimationFrame(() => this.#follow());
  }
}

customElements.define("synced-player", SyncedPlayer);
