/** SEA-4: several photos at once, each named after its seat. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeatNames, wordsOf } from "../../ts/work/photo_names";

const names = new SeatNames(["Parterre > A > 12", "Parterre > A > 2", "1er balcon > A > 12", "1er balcon > C > 7", "Loges > Loge 2 > 6", "Étage > Rang B > 3"]);

test("a file named after a seat finds it, however its parts are joined", () => {
  for (const name of ["Parterre_A_12.jpg", "parterre-a-12.JPEG", "Parterre > A > 12.webp", "PARTERRE A 12.png", "Parterre Rang A Place 012.jpg"]) {
    assert.equal(names.find(name), "Parterre > A > 12", name);
  }
  assert.equal(names.find("1er balcon A12.jpg"), "1er balcon > A > 12");
  assert.equal(names.find("Loges_Loge2_6.jpg"), "Loges > Loge 2 > 6");
  assert.equal(names.find("etage_B_3.jpg"), "Étage > Rang B > 3");
});

test("the zone may be left out where only one seat can be meant", () => {
  assert.equal(names.find("C7.jpg"), "1er balcon > C > 7");
  assert.equal(names.find("A_2.jpg"), "Parterre > A > 2");
  assert.equal(names.find("A_12.jpg"), "");
});

test("a name that says nothing of a seat proposes none", () => {
  for (const name of ["IMG_20261122_133000.jpg", "photo.jpg", ".jpg", "Parterre.jpg", "Parterre_A_1.jpg"]) assert.equal(names.find(name), "", name);
});

test("letters and digits part where they meet, accents and case count for nothing", () => {
  assert.deepEqual(wordsOf("Rang A12 (été)"), ["rang", "a", "12", "ete"]);
});

test("a seat that no plan has is known as such, unless no plan is known", () => {
  const names = new SeatNames(["Parterre > A > 12"]);
  assert.equal(names.lacks("Parterre > A > 13"), true);
  assert.equal(names.lacks("Parterre > A > 12"), false);
  assert.equal(names.lacks(""), false);
  assert.equal(new SeatNames([]).lacks("Parterre > A > 13"), false);
});
