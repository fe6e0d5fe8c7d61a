/** Ways in which clients write members and lists of a form. */
export interface Encoding {
  /** Name of a member. */
  member(name: string, key: string): string;
  /** Name of an entry of a list of objects. */
  row(name: string, index: number): string;
  /** Name of an entry of a list of texts. */
  text(name: string, index: number): string;
  /** True for clients that write everything inside of a field as JSON. */
  readonly isJson?: boolean;
}

const brackets = (name: string, key: string | number) => `${name}[${key}]`;
const dots = (name: string, key: string | number) => `${name}.${key}`;
const appended = (name: string) => `${name}[]`;
const repeated = (name: string) => name;

export const ENCODINGS = {
  brackets: { member: brackets, row: appended, text: appended },
  indexes: { member: brackets, row: brackets, text: brackets },
  dots: { member: dots, row: dots, text: dots },
  "dots and brackets": { member: dots, row: brackets, text: brackets },
  "repeated names": { member: brackets, row: brackets, text: repeated },
  "JSON in fields": { member: brackets, row: brackets, text: brackets, isJson: true },
} satisfies Record<string, Encoding>;

/** Writes a request as the fields of a form. */
export function fieldsOf(value: object, encoding: Encoding | keyof typeof ENCODINGS): [string, string][] {
  const way = typeof encoding === "string" ? ENCODINGS[encoding] : encoding;
  return Object.entries(value).flatMap(([name, member]) => written(name, member, way));
}

function written(name: string, value: unknown, way: Encoding): [string, string][] {
  if (value === undefined) return [];
  if (typeof value !== "object" || value === null) return [[name, String(value)]];
  if (way.isJson) return [[name, JSON.stringify(value)]];
  if (Array.isArray(value)) {
    return value.flatMap((each, index) => {
      const isRow = typeof each === "object" && each !== null;
      return written(isRow ? way.row(name, index) : way.text(name, index), each, way);
    });
  }
  return Object.entries(value).flatMap(([key, member]) => written(way.member(name, key), member, way));
}

/** Encodes a request as the multipart form that OpenAI's clients send: brackets for objects, `[]` for lists. */
export function formOf(fields: object): FormData {
  const form = new FormData();
  for (const [name, value] of fieldsOf(fields, "brackets")) form.append(name, value);
  return form;
}
