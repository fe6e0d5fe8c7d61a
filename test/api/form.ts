/** Encodes a request as the multipart form that OpenAI's clients send: brackets for objects, `[]` for lists. */
export function formOf(fields: object): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) append(form, name, value);
  return form;
}

function append(form: FormData, name: string, value: unknown): void {
  if (value === undefined) return;
  if (Array.isArray(value)) for (const each of value) append(form, `${name}[]`, each);
  else if (typeof value !== "object" || value === null) form.append(name, String(value));
  else for (const [inner, member] of Object.entries(value)) append(form, `${name}[${inner}]`, member);
}
