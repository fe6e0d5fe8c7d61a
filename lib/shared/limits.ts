/** What a video can be at most, whoever asks for it, makes it or writes it. */

/** Pixels: 16383 is the largest side of a WebP; H.264 level 6.2 ends near it too. */
export const MAX_SIDE = 16_383;

/** Whole frames per second. */
export const MAX_FPS = 240;
