/** AHEAD-10: whatever colour an organiser picks, words stay readable. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { contrast, parseHex, type Rgb } from "../../ts/core/colour";
import { accentTokens } from "../../ts/core/theme";

const PICKED = ["#8a1c36", "#ffee00", "#ffffff", "#000000", "#00ff88", "#2040ff", "#7f7f7f"];
const GROUND: Record<string, Rgb[]> = { light: [[248, 246, 247], [255, 255, 255]], dark: [[21, 16, 22], [31, 24, 32]] };

for (const theme of ["light", "dark"] as const) {
  for (const picked of PICKED) {
    test(`${picked} as accent is readable (${theme})`, () => {
      const tokens = Object.fromEntries(Object.entries(accentTokens(parseHex(picked)!, theme)).map(([k, v]) => [k, parseHex(v)!]));
      assert.ok(contrast(tokens["--accent"]!, tokens["--on-accent"]!) >= 4.5, "words on a button");
      assert.ok(contrast(tokens["--accent-hover"]!, tokens["--on-accent"]!) >= 4.4, "and under the pointer");
      for (const ground of [...GROUND[theme]!, tokens["--accent-soft"]!]) assert.ok(contrast(tokens["--accent-text"]!, ground) >= 4.5, "accent words");
    });
  }
}
