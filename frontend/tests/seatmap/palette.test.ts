/** AHEAD-10: price categories that everybody can tell apart. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { contrast, distanceForAll, parseHex } from "../../ts/core/colour";
import { categoryColours, housePalette, inkOn, tellable } from "../../ts/seatmap/palette";

for (const theme of ["light", "dark"] as const) {
  test(`our own colours can be told apart by everybody (${theme})`, () => {
    assert.ok(tellable(housePalette(theme).map((hex) => parseHex(hex)!), theme));
  });

  test(`numbers can be read on them (${theme})`, () => {
    for (const hex of housePalette(theme)) assert.ok(contrast(parseHex(hex)!, parseHex(inkOn(hex))!) >= 3.5, `${inkOn(hex)} on ${hex}`);
  });
}

test("an organiser's colours stay when they can be told apart", () => {
  assert.deepEqual(categoryColours(["#7a1236", "#4a7de8"], "light"), ["#7a1236", "#4a7de8"]);
});

test("red beside green of the same lightness gives way to ours", () => {
  const chosen = ["#c0392b", "#6b8e23"];
  assert.ok(distanceForAll(parseHex(chosen[0]!)!, parseHex(chosen[1]!)!) < 0.1);
  assert.deepEqual(categoryColours(chosen, "light"), housePalette("light").slice(0, 2));
});

test("what is no colour gives way too, and there are as many colours as categories", () => {
  assert.equal(categoryColours(["rebeccapurple", "", "#123456"], "dark").length, 3);
  assert.equal(categoryColours(Array.from({ length: 14 }, () => "#888"), "light").length, 14);
});
