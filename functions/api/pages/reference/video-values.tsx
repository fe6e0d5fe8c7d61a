/** @jsxImportSource hono/jsx */
import { formName, formsInOrder } from "../../../../lib/generation/caching/index.ts";
import type { ApiDeps } from "../../env.ts";
import { modelView } from "../../routes/models.ts";
import { json } from "./literal.ts";
import type { Section } from "./page.ts";
import { P, Sample, Table } from "./parts.tsx";

/** Sections on the values that a request for a video takes. */
export function videoValues({ models }: Pick<ApiDeps, "models">): Section[] {
  return [
    {
      id: "states",
      title: "States",
      kind: "guide",
      words: "queued in_progress completed failed status lifecycle progress stage",
      content: (
        <Table
          head={["`status`", "Meaning"]}
          rows={[
            [
              "`queued`",
              "It waits for a worker; `queue_position` counts the videos whose turn comes before.",
            ],
            ["`in_progress`", "A worker makes it; `progress`, `stage` and `steps_done` tell how far it is."],
            ["`completed`", "`url` leads to the MP4, and `compute` is the receipt."],
            [
              "`failed`",
              "`error` has a code and a sentence. A cancelled video is `failed` with the code `canceled`. See [why videos fail](/docs/errors#failures).",
            ],
          ]}
        />
      ),
    },
    {
      id: "sizes",
      title: "Models, sizes and lengths",
      kind: "guide",
      words: "model size resolution width height seconds frames fps duration aspect ratio",
      content: (
        <>
          <P>
            The models of this deployment and every value that they take. A value that is left out is the
            first of its row.
          </P>
          <ModelTable models={models} />
        </>
      ),
    },
    { id: "cache", title: "The cache", kind: "guide", words: cacheWords(), content: <CacheGuide /> },
  ];
}

/** Names of the fields of a request whose values a model lists under another name. */
const FIELDS: Readonly<Record<string, string>> = { sizes: "size" };

/** Table of the values that the models of this deployment take. */
export function ModelTable({ models }: Pick<ApiDeps, "models">) {
  const views = models.map(modelView);
  const facts = Object.entries(views[0]!).filter(([, value]) => Array.isArray(value) || Number(value) > 0);
  const shown = (value: unknown) => [value].flat().map(String).map(code).join(", ");
  return (
    <Table
      head={["", ...views.map(({ id }) => code(id))]}
      rows={[
        ...facts.map(([name]) => [
          code(FIELDS[name] ?? name),
          ...views.map((view) => shown({ ...view }[name as "id"])),
        ]),
        ["`seconds`", ...models.map(({ limits }) => lengths(limits))],
      ]}
    />
  );
}

function lengths({ frames, fps }: ApiDeps["models"][0]["limits"]): string {
  const seconds = frames.map((count) => Number((count / fps[0]!).toFixed(3)));
  return `${seconds.map((each) => code(String(each))).join(", ")} at ${fps[0]} frames a second`;
}

const cacheWords = () => `cache policy codebook ${formsInOrder.map(formName).join(" ")}`;

const PROMISE = { prompt: "a red circle", cache: { at_least: "35dB" } };

const CODEBOOK = {
  prompt: "a red circle",
  cache: { codebook: [{ below: 0.1, rate: 4 }, { below: 0.3, rate: 2 }, { rate: 1 }] },
};

function CacheGuide() {
  const forms = formsInOrder.map((form) => {
    const { argument, choice } = form;
    const example =
      argument &&
      `${argument.meaning}, ${argument.letter} being ${argument.rule}: \`${form.word}:${argument.example}\``;
    return [code(formName(form)), example ? capital(`${example}.`) : (choice?.meaning ?? "")];
  });
  return (
    <>
      <P>
        The cache decides which denoising steps are computed, and which reuse the result of the last computed
        one. Computing fewer steps is faster; the video differs more from the one without cache. The receipt
        lists what was done.
      </P>
      <Table
        head={["`cache`", "Meaning"]}
        rows={[
          ...forms,
          [
            "an object",
            "A promise, a codebook of your own, or a policy with other settings: [its members](#createVideo.cache).",
          ],
        ]}
      />
      <P>
        A promise says what to keep, and the service decides which steps that needs. `at_least` is a PSNR in
        dB against the video without cache of the same seed, and needs a table that the operator measures once
        for each model. `at_most` is the time of encoding, denoising and decoding, without loading and
        waiting. `computed_steps` is a number of steps. `compute.promise` of the receipt says what was
        promised, what was predicted, and what came true where that was measured.
      </P>
      <Sample title="At least 35 dB">{json(PROMISE)}</Sample>
      <P>
        A codebook is a list of rows. After each computed step the service measures how far the network has
        moved since the last one. The first row whose `below` is greater than this distance gives the `rate`:
        how many steps later the next one is computed. The last row has no `below`.
      </P>
      <Sample title="A codebook of your own">{json(CODEBOOK)}</Sample>
    </>
  );
}

const code = (text: string) => `\`${text}\``;

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
