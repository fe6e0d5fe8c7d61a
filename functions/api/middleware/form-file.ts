import * as z from "zod";

/** File of a form. Its name and its media type are the client's words, and are not kept. */
export class FormFile {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** `format` by which a schema in JSON says that it takes a file of a form. */
export const FILE_FORMAT = "binary";

/** Schema of a file of a form. Other bodies have no files. */
export const formFile = z.instanceof(FormFile);
formFile._zod.toJSONSchema = () => ({ type: "string", format: FILE_FORMAT });
