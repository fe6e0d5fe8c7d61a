import { expect, test } from "vitest";
import { escapeHtml } from "../../../lib/generation/chart/index.ts";

test("special characters of markup are escaped, between tags and in either kind of quotes", () => {
  const hostile = `</p><img src="x" onerror='alert(1)'> & &amp;`;
  const escaped = "&lt;/p&gt;&lt;img src=&quot;x&quot; onerror=&#39;alert(1)&#39;&gt; &amp; &amp;amp;";
  expect(escapeHtml(hostile)).toBe(escaped);
});

test("other characters stay as they are", () => {
  for (const text of ["", "a red circle", "ein roter Kreis, größer", "赤い円 🔴", "a\u00a0b\n"]) {
    expect(escapeHtml(text)).toBe(text);
  }
});
