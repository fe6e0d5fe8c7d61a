export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/** Creates an error in the format of S3. */
export function failure(status: number, code: string): Answer {
  return { ...xml("Error", [element("Code", code), element("Message", `the stub says ${code}`)]), status };
}

/** Creates an XML document. */
export function xml(root: string, children: string | readonly string[]): Answer {
  const text = `<?xml version="1.0" encoding="UTF-8"?><${root}>${[children].flat().join("")}</${root}>`;
  return { status: 200, headers: { "content-type": "application/xml" }, body: Buffer.from(text) };
}

export function element(name: string, text: string): string {
  return `<${name}>${text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</${name}>`;
}
