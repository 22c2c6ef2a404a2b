/** Finding a performance by typing (BOX-2). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { matches } from "../../ts/counter/find";

const SHOW = "Le Malade imaginaire Théâtre du Canal, grande salle jeudi 26 novembre 20:30";

test("beginnings of words in any order are enough", () => {
  for (const typed of ["mal", "jeu 20", "CANAL malade", "", "  "]) assert.ok(matches(SHOW, typed), typed);
});

test("accents may be left out or put in", () => {
  assert.ok(matches(SHOW, "theatre"));
  assert.ok(matches(SHOW, "théâ"));
});

test("the middle of a word finds nothing", () => {
  assert.equal(matches(SHOW, "alade"), false);
  assert.equal(matches(SHOW, "mal vendredi"), false);
});
