import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fillTemplate, parseTemplate } from "../../../lib/service/triggers/template.ts";

function fill(source: string, payload: unknown) {
  const parsed = parseTemplate(source);
  if (!parsed.ok) throw new Error(parsed.reason);
  return fillTemplate(parsed.template, payload);
}

const visible = fc.string({ minLength: 1 }).filter((text) => /[!-~]/.test(text));

describe("a template", () => {
  test("a template takes texts, numbers and booleans from the payload", () => {
    const payload = { issue: { title: "a fox", number: 7, scale: -0.5, open: false } };
    expect(fill("{{/issue/title}} {{/issue/number}} {{/issue/scale}} {{/issue/open}}!", payload)).toEqual({
      ok: true,
      text: "a fox 7 -0.5 false!",
    });
  });

  test("a template inserts a value unchanged, whatever braces, dollars and pointers are in it", () => {
    const hostile = fc.oneof(
      visible,
      fc.constantFrom("{{/secret}}", "{{{{", "}}", "$&", "$1", "{{/a}}{{/a}}"),
    );
    const run = fc.property(hostile, hostile, (a, b) => {
      expect(fill("{{/a}}|{{/b}}|{{/a}}", { a, b, secret: "hidden" })).toEqual({
        ok: true,
        text: `${a}|${b}|${a}`,
      });
    });
    fc.assert(run);
  });

  test("a template without two braces is its own text", () => {
    const run = fc.property(
      fc.string().filter((text) => !text.includes("{{")),
      (text) => {
        expect(fill(text, {})).toEqual({ ok: true, text });
      },
    );
    fc.assert(run);
  });

  test("a template gives back every text whose pairs of braces are doubled", () => {
    const text = fc
      .array(fc.constantFrom("{", "{{", "}}", "}", "/a", "x", "~"))
      .map((parts) => parts.join(""));
    const run = fc.property(text, (text) => {
      expect(fill(text.replaceAll("{{", "{{{{"), { a: "no" })).toEqual({ ok: true, text });
    });
    fc.assert(run);
  });

  test("a template may be the whole payload, if that is a text", () => {
    expect(fill("{{}}", "a fox")).toEqual({ ok: true, text: "a fox" });
  });

  test.each([
    [undefined, "nothing"],
    [null, "null"],
    [[], "a list"],
    [["a"], "a list"],
    [{}, "an object"],
    ["", "a blank text"],
    [" \t\n\u3000", "a blank text"],
    ["\u200b\u0000\ufeff", "a blank text"],
    [2 ** 53, "a number that is too large to be exact"],
    [Number.POSITIVE_INFINITY, "a number that is too large to be exact"],
  ])("a template is not filled by %j", (value, fault) => {
    expect(fill("a video of {{/a~1b/c}}", { "a/b": { c: value } })).toEqual({
      ok: false,
      pointer: "/a~1b/c",
      reason: `The payload has ${fault} at "/a~1b/c".`,
    });
  });

  test.each(["/__proto__", "/constructor/name", "/toString", "/length"])(
    "a template is not filled by %s of a payload that has none",
    (pointer) => {
      expect(fill(`{{${pointer}}}`, {})).toMatchObject({ ok: false, pointer });
      expect(fill(`{{${pointer}}}`, [])).toMatchObject({ ok: false, pointer });
    },
  );

  test("a template treats a member called __proto__ as plain data", () => {
    expect(fill("{{/__proto__/x}}", JSON.parse('{"__proto__": {"x": "y"}}'))).toEqual({
      ok: true,
      text: "y",
    });
  });
});

describe("a malformed template", () => {
  const noEnd = (position: number) =>
    `The placeholder at character ${position} has no end: write }} after it, or {{{{ for two braces.`;
  const noPointer = (position: number) =>
    `The placeholder at character ${position} holds no JSON pointer: write one such as {{/issue/title}}, with ~ as ~0.`;

  test.each([
    ["{{", noEnd(1)],
    ["a {{/b", noEnd(3)],
    ["{{/a}} {{/b}", noEnd(8)],
    ["{{{{{{", noEnd(5)],
    ["{{a}}", noPointer(1)],
    ["x{{ /a }}", noPointer(2)],
    ["{{/a~}}", noPointer(1)],
    ["{{{/a}}}", noPointer(1)],
  ])("a malformed template is refused with the position: %s", (source, reason) => {
    expect(parseTemplate(source)).toEqual({ ok: false, reason });
  });

  test("a template with more than 32 placeholders is refused", () => {
    expect(parseTemplate("{{/a}}".repeat(32))).toMatchObject({ ok: true });
    expect(parseTemplate("{{/a}}".repeat(33))).toEqual({
      ok: false,
      reason: "A template may have at most 32 placeholders.",
    });
  });
});
