/** Pictures that users send, checked by their headers without decoding them. */
export { type CheckedPicture, checkPicture, PICTURE_LIMITS, type Picture } from "./check-picture.ts";
