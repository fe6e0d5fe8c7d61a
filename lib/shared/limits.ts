/* Limits that several storeys share. */

/** Longest side of a video in pixels: the limit of WebP. That of H.264 level 6.2 is close to it. */
export const MAX_SIDE = 16_383;

/** Highest frame rate of a video, in whole frames per second. */
export const MAX_FPS = 240;

/** Longest lease of a worker on a job, in milliseconds. */
export const LEASE_MS_MAX = 3_600_000;

/** Most pixels of a picture that a video begins with. Decoded, they take 300 MB. */
export const PICTURE_PIXELS_MAX = 100_000_000;

/** Most bytes of the file of such a picture. */
export const PICTURE_BYTES_MAX = 256 * 2 ** 20;
