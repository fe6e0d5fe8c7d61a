import type { Clock, Random } from "../../shared/ports.ts";

/** Crockford's base 32 in lower case: its order as text is its order as a number. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const TIME_CHARACTERS = 10;
const RANDOM_CHARACTERS = 16;

const VIDEO_ID = /^video_[0-7][0-9a-hjkmnp-tv-z]{25}$/;

/** `video_` and a ULID: 48 bits of milliseconds, 80 random bits. Later ids come later in every sorting. */
export function newVideoId(clock: Clock, random: Random): string {
  const time = base32(BigInt(clock.now()), TIME_CHARACTERS);
  const noise = base32(BigInt(`0x${Buffer.from(random(10)).toString("hex")}`), RANDOM_CHARACTERS);
  return `video_${time}${noise}`;
}

/** Whether `text` could be the id of a video; says nothing about whether there is one. */
export function isVideoId(text: string): boolean {
  return VIDEO_ID.test(text);
}

/** When the id was drawn, in milliseconds since 1970. */
export function videoIdTime(id: string): number {
  const time = id.slice("video_".length, "video_".length + TIME_CHARACTERS);
  return [...time].reduce((value, character) => value * 32 + ALPHABET.indexOf(character), 0);
}

/**
 * The id counted down instead of up, so that an ascending listing has the newest video first: object stores list in no
 * other order. Its own inverse.
 */
export function invertVideoId(id: string): string {
  const prefix = "video_";
  const inverted = [...id.slice(prefix.length)].map(
    (character) => ALPHABET[31 - ALPHABET.indexOf(character)],
  );
  return prefix + inverted.join("");
}

/** An inverted id that sorts after every id of that millisecond and later, and before all older ones. */
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
