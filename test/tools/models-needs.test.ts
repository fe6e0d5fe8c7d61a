import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { publishedModels } from "../../lib/generation/models/index.ts";
import { checkModel, wholeBytes } from "../../lib/generation/pipeline/index.ts";
import { sparseModels, writeSparseModel } from "../generation/pipeline/sparse-model.ts";

const root = mkdtempSync(join(tmpdir(), "adareel-needs-"));
afterAll(() => rmSync(root, { recursive: true }));

const gibibytes = (bytes: number) => Math.round((10 * bytes) / 2 ** 30) / 10;

const listed = publishedModels.flatMap(({ hub, video, needs }) =>
  hub ? [[hub.name, video, needs] as const] : [],
);

test.each(listed)(
  "the needs of %s in the list of models are those that a check finds",
  async (name, video, needs) => {
    const folder = join(root, name);
    const sparse = sparseModels[name as keyof typeof sparseModels];
    // The default video alone: a check of all sizes takes half a minute.
    const only = { sizes: [video.sizes[0]!], frames: [video.frames[0]!], fps: [video.fps[0]!] };
    const index = { ...sparse.index, video: { ...video, ...only } };
    const { text_encoder, ...others } = sparse.parts;
    const parts16 = { ...others, text_encoder: { ...text_encoder!, dtype: "BF16" } } as const;
    writeSparseModel(folder, { ...sparse, parts: parts16, index });
    const { parts, videos, faults } = await checkModel(folder);
    expect(faults).toEqual([]);
    const parameters = (pattern: RegExp) =>
      parts.filter((part) => pattern.test(part.name)).reduce((sum, part) => sum + part.parameters, 0);
    const [{ storedFloat32Bytes, float16Bytes, gpuParts }] = videos as [(typeof videos)[number]];
    expect(needs).toEqual({
      parameters: {
        transformer: parameters(/^transformer/),
        text_encoder: parameters(/^text_encoder$/),
        vae: parameters(/^vae$/),
        ...(needs!.parameters.image_encoder && { image_encoder: parameters(/^image_encoder$/) }),
      },
      memoryGiB: {
        cpu: gibibytes(storedFloat32Bytes),
        gpu: gibibytes(float16Bytes),
        gpuOpen: gibibytes(wholeBytes(gpuParts)),
      },
    });
  },
);

test.each(listed)("the estimated download of %s has 16 to 32 bit for each parameter", (name, _, needs) => {
  const total = Object.values(needs!.parameters).reduce((sum, count) => sum + count, 0);
  const { gigabytes } = publishedModels.find(({ hub }) => hub?.name === name)!.hub!;
  expect(gigabytes).toBeGreaterThan((2 * total) / 1e9);
  // Files have an encoder of pictures as well, which these parameters leave out.
  expect(gigabytes).toBeLessThan((4 * total) / 1e9 + 1);
});
