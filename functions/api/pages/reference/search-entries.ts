import type { Field } from "../json-schema.ts";
import type { ReferencePage, Section } from "./page.ts";

/** Place that the search of the reference can lead to. */
export interface SearchEntry {
  readonly kind: Section["kind"] | "field";
  readonly title: string;
  /** Name of the page or section that the place is in. */
  readonly place: string;
  readonly url: string;
  /** Further words by which it is found. */
  readonly words: string;
}

/** Lists all sections and fields of the reference. */
export function searchEntries(pages: readonly ReferencePage[]): SearchEntry[] {
  return pages.flatMap(({ path, title, sections }) =>
    sections.flatMap((section): SearchEntry[] => [
      {
        kind: section.kind,
        title: section.title,
        place: title,
        url: `${path}#${section.id}`,
        words: section.words ?? "",
      },
      ...fieldEntries(section.fields ?? [], {
        place: section.title,
        url: `${path}#${section.id}`,
        prefix: "",
      }),
    ]),
  );
}

function fieldEntries(
  fields: readonly Field[],
  { place, url, prefix }: { place: string; url: string; prefix: string },
): SearchEntry[] {
  return fields.flatMap(({ name, schema, fields: inner }): SearchEntry[] => [
    {
      kind: "field",
      title: prefix + name,
      place,
      url: `${url}.${prefix}${name}`,
      words: schema.description ?? "",
    },
    ...fieldEntries(inner, { place, url, prefix: `${prefix}${name}.` }),
  ]);
}
