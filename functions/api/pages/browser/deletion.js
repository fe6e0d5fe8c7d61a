import { isGivenUp, request } from "./api.js";
import { byId } from "./dom.js";
import { fail, shownVideo } from "./stage.js";

/**
 * Adds the event listeners of the button that deletes the video on the stage, and of the question that it asks first.
 *
 * @param {(id: string) => void} onDeleted
 */
export function wireDeletion(onDeleted) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("deletion"));
  byId("delete").addEventListener("click", () => dialog.showModal());
  byId("keep").addEventListener("click", () => dialog.close());
  byId("really-delete").addEventListener("click", async () => {
    dialog.close();
    const video = shownVideo();
    if (!video) return;
    try {
      await request("DELETE", `/v1/videos/${video.id}`);
      onDeleted(video.id);
    } catch (error) {
      if (!isGivenUp(error)) fail(error);
    }
  });
}
