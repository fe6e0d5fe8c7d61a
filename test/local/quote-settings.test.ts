import { expect, it } from "vitest";
import { quoteSettings } from "../../functions/local/quote-settings.ts";

it("a video costs its worker's part of the machine, and at most all of it", () => {
  const { price, workers } = quoteSettings({ workers: 4, pricePerHour: 6 }, 0);
  expect(price).toEqual({ usdPerHour: 1.5, usdPerHourMost: 6, source: "setting" });
  expect(workers).toEqual({ least: 4, most: 4 });
});

it("workers elsewhere count as one, at the whole price", () => {
  const { price, workers } = quoteSettings({ workers: 0, pricePerHour: 6 }, 0);
  expect(price).toMatchObject({ usdPerHour: 6, usdPerHourMost: 6 });
  expect(workers).toEqual({ least: 1, most: 1 });
});

it("a machine without a price has none in its quotes", () => {
  expect(quoteSettings({ workers: 1, pricePerHour: null }, 0).price).toBeNull();
});
