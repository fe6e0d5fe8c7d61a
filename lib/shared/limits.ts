/* Limits of every video, for requests, generation and encoders alike. */

/** Longest side in pixels: the limit of WebP. That of H.264 level 6.2 is close to it. */
export const MAX_SIDE = 16_383;

/** Highest frame rate, in whole frames per second. */
export const MAX_FPS = 240;
