import { expect, it } from "vitest";
import { keyRing, masterKeyFromText } from "../../../lib/service/keys/index.ts";
import { system } from "../../../lib/shared/system.ts";

it("a random secret text is the source of one master key", () => {
  const text = "aB3".repeat(15);
  expect(masterKeyFromText(text)).toEqual(masterKeyFromText(text));
  expect(masterKeyFromText(text)).not.toEqual(masterKeyFromText(`${text}x`));
  expect(keyRing(masterKeyFromText(text), system.random).webhookSecret("acme", 1)).toMatch(/^whsec_/);
});

it("a text that could be guessed is refused as a master secret", () => {
  expect(() => masterKeyFromText("secret")).toThrow("A master secret has at least 43 characters, not 6.");
});
