import { VERSION } from "../../../shared/version.ts";
import { type Source, sourceOf } from "../source.ts";
import { TOOL } from "../tool.ts";
import { isMp4, packetInMp4, withPacketInMp4 } from "./mp4.ts";
import { MADE_BY_MODEL, type Mark, packetOf, readPacket } from "./packet.ts";
import { isWebp, packetInWebp, withPacketInWebp } from "./webp.ts";

/** Kinds of files that can be marked and signed, by their content. */
export type Kind = "video/mp4" | "image/webp";

/** Returns the kind of a file; null if it is neither an MP4 nor a WebP. */
export async function kindOf(source: Source): Promise<Kind | null> {
  if (await isMp4(source)) return "video/mp4";
  return (await isWebp(source)) ? "image/webp" : null;
}

/**
 * Returns an MP4 or a WebP with a mark that says that a model made it: IPTC metadata as an XMP packet. The same bytes
 * and the same model give the same result.
 *
 * @throws RangeError if the bytes are neither
 */
export async function marked(bytes: Uint8Array, { model }: { readonly model: string }): Promise<Uint8Array> {
  const packet = packetOf({
    sourceType: MADE_BY_MODEL,
    system: `${TOOL}, model ${model}`,
    systemVersion: VERSION,
    tool: `${TOOL} ${VERSION}`,
  });
  switch (await kindOf(sourceOf(bytes))) {
    case "video/mp4":
      return withPacketInMp4(bytes, packet);
    case "image/webp":
      return withPacketInWebp(bytes, packet);
    default:
      throw new RangeError("Only MP4 and WebP are marked.");
  }
}

/** Returns the mark of an MP4 or a WebP; null if it has none. */
export async function markOf(source: Source): Promise<Mark | null> {
  const kind = await kindOf(source);
  if (kind === null) return null;
  const packet = await (kind === "video/mp4" ? packetInMp4(source) : packetInWebp(source));
  return packet && readPacket(packet);
}
