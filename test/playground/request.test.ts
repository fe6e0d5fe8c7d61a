import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import type { Video } from "../../functions/api/schemas/video.ts";
import { describeVisits } from "./visit.ts";

const run = promisify(execFile);

/** Commands that run the programs which the page shows. */
const PROGRAMS = [
  { language: "curl", file: "video.sh", command: "sh" },
  { language: "JavaScript", file: "video.mjs", command: process.execPath },
  { language: "Python", file: "video.py", command: "python3" },
] as const;

const there = new Set<string>();
for (const { command } of PROGRAMS) {
  const isThere = await run(command, [command === "sh" ? "-c" : "--version", "true"]).then(
    () => true,
    () => false,
  );
  if (isThere) there.add(command);
  else console.warn(`no ${command}: the program that needs it is not run`);
}

describeVisits("the request in the playground", (visit) => {
  const codebook = () => visit.page.locator('[id="cache.codebook"]');
  const codebookError = () => visit.page.locator('[id="cache.codebook-error"]');

  /** Returns the text that is selected in the codebook, which marks the wrong row. */
  const marked = () =>
    visit.page.evaluate(`(() => {
      const { value, selectionStart, selectionEnd } = document.getElementById("cache.codebook");
      return value.slice(selectionStart, selectionEnd);
    })()`);

  async function orderWith(text: string): Promise<void> {
    await visit.page.getByRole("radio", { name: "Custom" }).check();
    await codebook().fill(text);
    await visit.order({ steps: "10" });
  }

  test.each([
    ["its rows alone", "%ROWS", {}],
    [
      "the contents of a codebook file",
      '{"name": "mine", "codebook": %ROWS, "warmup": 2}',
      { warmup_steps: 2 },
    ],
    [
      "a file with constants of motion",
      '{"codebook": %ROWS, "motion": {"reference": 0.2}}',
      { motion: expect.objectContaining({ reference: 0.2 }) },
    ],
    [
      "the API's cache",
      '{"codebook": %ROWS, "motion_regularisation": false, "warmup_steps": 3}',
      { motion: null, warmup_steps: 3 },
    ],
  ])("a codebook can be %s", async (_, form, expected) => {
    await visit.begin();
    await orderWith(form.replace("%ROWS", '[{"below": 100, "rate": 3}, {"rate": 2}]'));
    await visit.result();
    expect((await visit.shown()).compute!.cache).toMatchObject({
      codebook: [
        { below: 100, rate: 3 },
        { below: null, rate: 2 },
      ],
      ...expected,
    });
    expect(await visit.page.locator("#codebook-meaning").textContent()).toMatch(/^Read: 2 rows/);
  });

  test("a promise is sent with its number, told in the receipt, and filled in again", async () => {
    await visit.begin();
    await visit.page.getByRole("radio", { name: "Computed" }).check();
    const steps = visit.page.locator('[id="cache.computed_steps"]');
    expect(await steps.inputValue()).toBe("12");
    await steps.fill("4");
    await visit.order({ steps: "10" });
    await visit.result();
    const { compute, params } = await visit.shown();
    expect(params.cache.policy).toBe("computed_steps:4");
    expect(compute!.promise).toMatchObject({ asked: { computed_steps: 4 }, kept: true });
    expect(await visit.page.locator("#receipt").textContent()).toContain("Promised: 4 computed steps;");
    expect(await visit.page.locator("#curl").textContent()).toContain('"cache":{"computed_steps":4}');
  });

  test("a promise that cannot be made is refused at its number", async () => {
    visit.provoked = ["status of 400"];
    await visit.begin();
    await visit.page.getByRole("radio", { name: "Computed" }).check();
    await visit.page.locator('[id="cache.computed_steps"]').fill("11");
    await visit.order({ steps: "10" });
    const error = visit.page.locator('[id="cache.computed_steps-error"]');
    await error.waitFor();
    expect(await error.textContent()).toMatch(/^The number of computed steps is 11: /);
  });

  test.each([
    [
      "ends below the row before",
      '{ "below": 0.1, "rate": 4 }, { "below": 0.05, "rate": 2 }, { "rate": 1 }',
      2,
    ],
    [
      "has half a step as its rate",
      '{ "below": 0.1, "rate": 4 }, { "below": 0.2, "rate": 1.5 }, { "rate": 1 }',
      2,
    ],
    ["has no rate", '{ "below": 0.1 }, { "rate": 1 }', 1],
    ["is not JSON", '{ "below": 0.1, "rate": 4 }, { below: 0.2, rate: 2 }, { "rate": 1 }', 2],
  ])("a row that %s is marked, with what is wrong below the codebook", async (_, rows, wrong) => {
    visit.provoked = ["status of 400"];
    await visit.begin();
    await orderWith(`{ "codebook": [${rows}] }`);
    await codebookError().waitFor();
    expect(await codebook().getAttribute("aria-invalid")).toBe("true");
    expect(await marked()).toBe(rows.match(/\{[^}]*\}/g)![wrong - 1]);
    await codebook().fill('[{ "rate": 2 }]');
    await visit.generate();
    await visit.result();
    expect(await codebook().getAttribute("aria-invalid")).toBe(null);
  });

  test.each([
    ["[{", "This is not JSON: a bracket or a comma is missing, or there is one too many."],
    ["7", 'A codebook is a list of rows, or an object that has one under "codebook".'],
    ["null", 'A codebook is a list of rows, or an object that has one under "codebook".'],
    [
      '{"codebook": [{"rate": 2}], "warm": 2}',
      'Nothing reads "warm": besides its rows, a codebook may have "motion" and "warmup".',
    ],
  ])("the text %s is no codebook, which is told in a sentence", async (text, sentence) => {
    await visit.begin();
    await orderWith(text);
    await codebookError().waitFor();
    expect(await codebookError().textContent()).toBe(sentence);
  });

  test.each(PROGRAMS.filter(({ command }) => there.has(command)))(
    "the request in $language runs as pasted, and asks for everything that was asked",
    async ({ language, file, command }) => {
      const hostile = `<img src=x onerror=alert(1)> '"; $(touch x) \`id\` \${id} \\ "" ''' é 🎈`;
      const fields = {
        prompt: hostile,
        seed: 3,
        steps: 4,
        negative_prompt: "fog",
        cache: { codebook: [{ below: 0.2, rate: 3 }, { rate: 1 }], motion_regularisation: false },
        compare: true,
        timeout: 600,
        webhook_url: "http://127.0.0.1:9/told",
        webhook_events: ["video.failed"],
        metadata: { order: "42" },
      };
      const asked = await visit.create(fields);
      await visit.begin({ hash: `&video=${asked.id}` });
      await visit.result();
      expect(await visit.page.locator("#stage-heading").textContent()).toBe(hostile);
      expect(await visit.page.locator("main img[src=x]").count()).toBe(0);
      await visit.page.getByText("The request as code").click();
      await visit.page.getByRole("tab", { name: language }).click();
      const program = (await visit.page
        .getByRole("tabpanel", { name: language })
        .getByRole("region")
        .textContent())!;
      const environment = (await visit.page.locator("#environment").textContent())!;
      expect(program + environment).not.toContain(visit.service.key);
      expect(environment).toBe(`export ADAREEL_URL=${visit.service.url}\nexport ADAREEL_API_KEY=adr_…`);

      const folder = mkdtempSync(join(tmpdir(), "adareel-program-"));
      try {
        writeFileSync(join(folder, file), program);
        const env = { ...process.env, ADAREEL_URL: visit.service.url, ADAREEL_API_KEY: visit.service.key };
        const { stdout } = await run(command, [file], { cwd: folder, env });
        if (language !== "curl") {
          expect(stdout).toMatch(/^video\.\w+: \d+ of 4 steps computed\n$/);
          const [name] = stdout.split(":");
          const { bytes } = (await visit.shown()).compute!.video;
          expect(readFileSync(join(folder, name!)).length).toBe(bytes);
        }
      } finally {
        rmSync(folder, { recursive: true });
      }
      const { data } = await visit.service.send<{ data: Video[] }>("GET", "/v1/videos?limit=1");
      expect(data[0]!.id).not.toBe(asked.id);
      expect(data[0]!.prompt).toBe(hostile);
      expect(data[0]!.params).toEqual(asked.params);
      expect(data[0]!.metadata).toEqual(asked.metadata);
    },
  );

  test("the tabs of the languages are used with the arrow keys, and each text is copied by its button", async () => {
    await visit.begin();
    await visit.order({ steps: "3" });
    await visit.result();
    await visit.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await visit.page.getByText("The request as code").click();
    await visit.page.getByRole("tab", { name: "curl" }).focus();
    for (const id of ["curl", "javascript", "python"]) {
      expect(await visit.page.evaluate("document.activeElement.id")).toBe(`${id}-tab`);
      expect(await visit.page.getByRole("tabpanel").count()).toBe(1);
      await visit.page.getByRole("tabpanel").getByRole("button").click();
      await visit.page.getByRole("tabpanel").getByText("Copied").waitFor();
      expect(await visit.page.evaluate("navigator.clipboard.readText()")).toBe(
        await visit.page.locator(`#${id}`).textContent(),
      );
      await visit.page.getByRole("tab", { selected: true }).focus();
      await visit.page.keyboard.press("ArrowRight");
    }
    expect(await visit.page.evaluate("document.activeElement.id")).toBe("curl-tab");
    await visit.page.getByText("The video as JSON").click();
    await visit.page.getByRole("button", { name: "Copy: JSON of the video" }).click();
    const copied = await visit.page.evaluate<string>("navigator.clipboard.readText()");
    expect((JSON.parse(copied) as Video).object).toBe("video");
  });

  test("the chart fits a screen of 390 pixels with texts of their own size, and is drawn anew for a wide one", async () => {
    await visit.page.setViewportSize({ width: 390, height: 844 });
    await visit.begin();
    await visit.page.getByRole("radio", { name: "Fast" }).check();
    await visit.order();
    await visit.page.locator("#chart svg").waitFor();
    const chart = async () => {
      const box = (await visit.page.locator("#chart svg").boundingBox())!;
      const view = (await visit.page.locator("#chart svg").getAttribute("viewBox"))!.split(" ").map(Number);
      return { right: box.x + box.width, scale: box.width / view[2]! };
    };
    expect((await chart()).right).toBeLessThanOrEqual(390);
    expect((await chart()).scale).toBeCloseTo(1, 1);
    const cut = `[...document.querySelectorAll("#chart text")]
      .map((text) => text.getBoundingClientRect())
      .filter(({ left, right }) => left < 14 || right > 377).length`;
    expect(await visit.page.evaluate(cut)).toBe(0);
    for (const rate of ["1", "2", "3", "4", "5", "6"]) {
      expect(
        await visit.page.locator(`#chart g:first-of-type text:text-is("${rate}")`).count(),
      ).toBeGreaterThan(0);
    }
    await visit.page.setViewportSize({ width: 1280, height: 860 });
    await visit.becomes(`document.querySelector("#chart svg").viewBox.baseVal.width > 600`);
    expect((await chart()).scale).toBeCloseTo(1, 1);
  });

  test("the probe is explained where it is named", async () => {
    await visit.begin();
    await visit.page.getByRole("radio", { name: "Fast" }).check();
    await visit.order({ steps: "10" });
    await visit.result();
    expect(await visit.page.locator("#receipt").textContent()).toContain(
      "the probe is what an attention layer in the middle of the network adds",
    );
  });
});
