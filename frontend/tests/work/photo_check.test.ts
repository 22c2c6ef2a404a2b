/** SEA-4: what a file is, by its own first bytes, and which pictures are refused before they are sent. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatOf, refusalOf, refusalOfSize } from "../../ts/work/photo_check";

(globalThis as Record<string, unknown>)["document"] = { getElementById: () => null, documentElement: { lang: "en" } };

const bytes = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

test("a picture is known by its bytes, not by its name", () => {
  assert.equal(formatOf(bytes("\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01")), "jpeg");
  assert.equal(formatOf(bytes("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d")), "png");
  assert.equal(formatOf(bytes("RIFF\x10\x00\x00\x00WEBP")), "webp");
  assert.equal(formatOf(bytes("\x00\x00\x00\x18ftypheic")), "heic");
  for (const other of ["GIF89a\x01\x00\x01\x00\x00\x00", "RIFF\x10\x00\x00\x00WAVE", "\x00\x00\x00\x18ftypisom", "Dear all, no", "", "\xff\xd8"]) assert.equal(formatOf(bytes(other)), null, other);
});

test("the limits are the server's", () => {
  assert.equal(refusalOfSize(400, 300), "");
  assert.match(refusalOfSize(399, 3_000), /400 pixels/);
  assert.equal(refusalOfSize(10_000, 6_000), "");
  assert.match(refusalOfSize(10_000, 6_001), /60 megapixels/);
});

test("a text, a HEIC and a file too large are refused with what to do instead", async () => {
  assert.match(await refusalOf(new Blob(["some notes about seats"])), /JPEG, PNG or WebP/);
  assert.match(await refusalOf(new Blob([])), /JPEG, PNG or WebP/);
  assert.match(await refusalOf(new Blob([bytes("\x00\x00\x00\x18ftypheic")])), /Most compatible/);
  assert.match(await refusalOf(new Blob([new Uint8Array(20_000_001)])), /20 MB/);
});
