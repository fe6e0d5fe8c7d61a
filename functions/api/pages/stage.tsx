/** @jsxImportSource hono/jsx */
import { publishedColumns, publishedExplanations } from "../../../lib/generation/caching/index.ts";
import { Player, Scrollable } from "../../../lib/shared/page/index.ts";
import { RequestCode } from "./request-code.tsx";

const SCHEDULE_COLUMNS = JSON.stringify(
  publishedColumns.map(({ key, label, description }) => ({ key, label, description })),
);

/** Part of the playground that shows one video: its progress, the video, and what was computed. */
export function Stage() {
  return (
    <section class="stage" aria-labelledby="stage-heading">
      <h2 id="stage-heading" class="folded" tabindex={-1}>
        Your video appears here
      </h2>
      <button
        type="button"
        class="quiet"
        id="more"
        aria-expanded="false"
        aria-controls="stage-heading"
        hidden
      >
        more
      </button>
      <p class="faint" id="about">
        Enter your API key to begin.
      </p>
      <p class="remark" id="unknown-words" hidden />
      <div id="waiting">
        <div class="strip" aria-hidden="true">
          {Array.from({ length: 30 }, () => (
            <i />
          ))}
        </div>
        <p class="faint">
          Each bar is a denoising step. The bright ones are computed; the pale ones reuse what the last
          computed one did.
        </p>
      </div>
      <div id="preview" aria-hidden="true" hidden>
        <img id="preview-picture" alt="" hidden />
      </div>
      <div id="progress" hidden>
        <div class="strip live" id="taken" aria-hidden="true" hidden />
        <div class="progress-line">
          <span id="stage-name" />
          <span id="stage-detail" />
        </div>
        <progress id="bar" max="100" value="0" aria-labelledby="stage-name" />
        <button type="button" id="cancel">
          Cancel
        </button>
      </div>
      <p class="remark" id="remark" hidden />
      <p class="failure" id="failure" hidden />
      <div id="film" hidden>
        <Player name="Playback" figuresId="figures" />
      </div>
      <div class="actions" id="actions" hidden>
        <button type="button" class="primary" id="compare">
          Compare with no cache
        </button>
        <button type="button" id="again">
          Edit and run again
        </button>
        <a class="button" id="download" href="#stage-heading">
          Download
        </a>
        <button type="button" class="danger" id="delete">
          Delete
        </button>
      </div>
      <ComputeReceipt />
      <section id="webhooks" aria-labelledby="webhooks-heading" hidden>
        <h3 id="webhooks-heading">Webhooks</h3>
        <ul class="deliveries" id="deliveries" />
      </section>
      <RequestCode />
      <dialog id="deletion" aria-labelledby="deletion-heading" aria-describedby="deletion-meaning">
        <h2 id="deletion-heading">Delete this video?</h2>
        <p id="deletion-meaning">Its files are deleted with it, for good.</p>
        <div class="actions">
          <button type="button" id="keep">
            Keep it
          </button>
          <button type="button" class="danger" id="really-delete">
            Delete for good
          </button>
        </div>
      </dialog>
    </section>
  );
}

function ComputeReceipt() {
  return (
    <div id="computed" hidden>
      <dl class="figures" id="numbers" />
      <h3>What was computed</h3>
      <p id="receipt" data-explanations={JSON.stringify(publishedExplanations)} />
      <div id="chart" />
      <details>
        <summary>The schedule in numbers</summary>
        <Scrollable id="table" name="Table of the schedule" data-columns={SCHEDULE_COLUMNS} />
      </details>
      <h3>Where the time went</h3>
      <dl class="times" id="times" />
    </div>
  );
}
