/** CAT-9: words in the reader's language. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fill, money, pluralIndex, t, tn } from "../../ts/core/i18n";

const page = { lang: "fr" };
const catalogue = JSON.stringify({ Free: "Libre", "{n} seat": ["{n} place", "{n} places"], Empty: "" });
(globalThis as Record<string, unknown>)["document"] = {
  documentElement: page,
  getElementById: (id: string) => (id === "strings" ? { textContent: catalogue } : null),
};

test("a known text is translated, an unknown one stays English", () => {
  assert.equal(t("Free"), "Libre");
  assert.equal(t("Sold"), "Sold");
  assert.equal(t("Empty"), "Empty");
});

test("French counts none as singular", () => {
  assert.equal(tn("{n} seat", "{n} seats", 0), "0 place");
  assert.equal(tn("{n} seat", "{n} seats", 1), "1 place");
  assert.equal(tn("{n} seat", "{n} seats", 2), "2 places");
  assert.equal(tn("{n} dog", "{n} dogs", 0), "0 dogs");
  assert.equal(pluralIndex("pt", 0), 0);
  assert.equal(pluralIndex("de", 0), 1);
});

test("what is not known stays visible instead of vanishing", () => {
  assert.equal(fill("{a} and {b}", { a: 1 }), "1 and {b}");
});

test("money is written as the language writes it", () => {
  assert.equal(money(4500, "EUR").replace(/\s/gu, " "), "45,00 €");
  assert.match(money(4500, "JPY"), /^4\s500\s/u, "yen have no minor unit");
});
