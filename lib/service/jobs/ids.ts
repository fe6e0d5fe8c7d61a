import type { Clock, Random } from "../../shared/ports.ts";

/** Crockford's base 32 in lower case. Encoded numbers of equal length sort as the numbers do. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const TIME_CHARACTERS = 10;
const RANDOM_CHARACTERS = 16;

/** Form of a video id. */
export const VIDEO_ID = /^video_[0-7][0-9a-hjkmnp-tv-z]{25}$/;

/** Returns `video_` and a ULID: 48 bits of milliseconds, then 80 random bits. Ids of later milliseconds sort later. */
export function newVideoId(clock: Clock, random: Random): string {
  const time = base32(BigInt(clock.now()), TIME_CHARACTERS);
  const noise = base32(BigInt(`0x${Buffer.from(random(10)).toString("hex")}`), RANDOM_CHARACTERS);
  return `video_${time}${noise}`;
}

/** Returns whether `text` has the form of a video id. The video need not exist. */
export function isVideoId(text: string): boolean {
  return VIDEO_ID.test(text);
}

/** Returns the time at which the id was made, in milliseconds since 1970. */
export function videoIdTime(id: string): number {
  const time = id.slice("video_".length, "video_".length + TIME_CHARACTERS);
  return [...time].reduce((value, character) => value * 32 + ALPHABET.indexOf(character), 0);
}

/**
 * Inverts each digit of the id, so that an ascending listing, the only order of object stores, has the newest video
 * first. Inverting twice gives the id again.
 */
export function invertVideoId(id: string): string {
  const prefix = "video_";
  const inverted = [...id.slice(prefix.length)].map(
    (character) => ALPHABET[31 - ALPHABET.indexOf(character)],
  );
  return prefix + inverted.join("");
}

/**
 * Returns an inverted id that sorts after the inverted ids of this millisecond and later, and before all older ones.
 *
 * @param time milliseconds since 1970
 */
export function invertedTime(time: number): string {
  return invertVideoId(
    `video_${base32(BigInt(time), TIME_CHARACTERS)}${ALPHABET[0]!.repeat(RANDOM_CHARACTERS)}`,
  );
}

function base32(value: bigint, characters: number): string {
  let text = "";
  for (let rest = value; text.length < characters; rest >>= 5n) text = ALPHABET[Number(rest & 31n)] + text;
  return text;
}
