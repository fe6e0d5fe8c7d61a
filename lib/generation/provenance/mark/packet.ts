/** Maker of a picture or a video, as its mark names it. */
export interface Mark {
  /** Digital source type of IPTC, a full URL. */
  readonly sourceType: string;
  /** AI system, with its model. */
  readonly system: string | null;
  readonly systemVersion: string | null;
  /** Program that wrote the file. */
  readonly tool: string | null;
}

/** Digital source type of everything that a model makes (IPTC NewsCodes). */
export const MADE_BY_MODEL = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";

/** Digital source types of pictures and videos that a model made, or made a part of. */
const OF_MODELS = [
  MADE_BY_MODEL,
  "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia",
];

/** Bytes of the largest packet that is read. */
export const PACKET_BYTES_MAX = 1 << 20;

const NAMESPACES = {
  Iptc4xmpExt: "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
  xmp: "http://ns.adobe.com/xap/1.0/",
} as const;

/** Properties of IPTC Photo Metadata 2025.1 and of XMP that make up a mark. */
const PROPERTIES = {
  sourceType: ["Iptc4xmpExt", "DigitalSourceType"],
  system: ["Iptc4xmpExt", "AISystemUsed"],
  systemVersion: ["Iptc4xmpExt", "AISystemVersionUsed"],
  tool: ["xmp", "CreatorTool"],
} as const satisfies Record<keyof Mark, readonly [keyof typeof NAMESPACES, string]>;

type Name = keyof Mark;

const NAMES = Object.keys(PROPERTIES) as Name[];

/** Returns whether a digital source type says that a model made the file, or a part of it. */
export function isOfModels(sourceType: string): boolean {
  return OF_MODELS.includes(sourceType);
}

/** Returns a mark as an XMP packet. The same mark gives the same bytes. */
export function packetOf(mark: Mark): Uint8Array {
  const lines = NAMES.flatMap((name) => {
    const value = mark[name];
    if (value === null) return [];
    const [space, property] = PROPERTIES[name];
    return [`   <${space}:${property}>${escaped(value)}</${space}:${property}>`];
  });
  return new TextEncoder().encode(
    [
      `<?xpacket begin="\uFEFF" id="W5M0MpCehiHzreSzNTczkc9d"?>`,
      `<x:xmpmeta xmlns:x="adobe:ns:meta/">`,
      ` <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">`,
      `  <rdf:Description rdf:about="" xmlns:Iptc4xmpExt="${NAMESPACES.Iptc4xmpExt}" xmlns:xmp="${NAMESPACES.xmp}">`,
      ...lines,
      "  </rdf:Description>",
      " </rdf:RDF>",
      "</x:xmpmeta>",
      `<?xpacket end="r"?>`,
    ].join("\n"),
  );
}

/**
 * Reads the mark in an XMP packet of any tool, which may write a property as an element, as an attribute or as a
 * resource, with any prefix. Returns null if the packet names no digital source type.
 */
export function readPacket(packet: Uint8Array): Mark | null {
  const text = new TextDecoder().decode(packet);
  const read = (name: Name) => {
    const [space, property] = PROPERTIES[name];
    return propertyOf(text, space, property);
  };
  const sourceType = read("sourceType");
  if (sourceType === null) return null;
  return { sourceType, system: read("system"), systemVersion: read("systemVersion"), tool: read("tool") };
}

/** Prefixes of one namespace that are tried, at most. */
const PREFIXES_MAX = 4;

function propertyOf(text: string, space: keyof typeof NAMESPACES, property: string): string | null {
  for (const prefix of prefixesOf(text, NAMESPACES[space])) {
    const name = `${prefix.replaceAll(".", "\\.")}:${property}`;
    const found =
      new RegExp(`<${name}>([^<]{0,4000})</${name}>`).exec(text) ??
      new RegExp(`<${name}\\s[^<>]{0,200}resource\\s?=\\s?["']([^"'<]{0,4000})["']`).exec(text) ??
      new RegExp(`\\s${name}\\s?=\\s?["']([^"'<]{0,4000})["']`).exec(text);
    if (found) return unescaped(found[1]!.trim());
  }
  return null;
}

function prefixesOf(text: string, namespace: string): string[] {
  const declared = text.matchAll(/xmlns:([\w.-]{1,64})\s?=\s?["']([^"'<>]{1,200})["']/g);
  const prefixes = new Set(
    [...declared].filter(([, , uri]) => uri === namespace).map(([, prefix]) => prefix!),
  );
  return [...prefixes].slice(0, PREFIXES_MAX);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

const CHARACTERS = Object.fromEntries(
  Object.entries(ENTITIES).map(([character, entity]) => [entity, character]),
);

/** Returns text as XML has it. Characters that XML cannot have are left out. */
function escaped(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, "")
    .replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!);
}

function unescaped(text: string): string {
  return text.replaceAll(/&(?:amp|lt|gt|quot|apos);/g, (entity) => CHARACTERS[entity]!);
}
