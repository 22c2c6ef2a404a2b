/** AHEAD-10: the pairs of tokens that carry words keep WCAG 2.2 AA in both modes; those that carry shapes, 3 to 1. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { contrast, parseHex } from "../../ts/core/colour";

const css = readFileSync(join(import.meta.dirname, "../styles/tokens.css"), "utf8");

function tokens(selector: string): Map<string, string> {
  const block = css.slice(css.indexOf(`${selector} {`)).split("\n}")[0] ?? "";
  return new Map([...block.matchAll(/(--[\w-]+):\s*(#[0-9a-f]{6})/g)].map((m) => [m[1]!, m[2]!]));
}

const light = tokens(":root");
const modes = { light, dark: new Map([...light, ...tokens(':root[data-theme="dark"]')]) };

const WORDS = [
  ...["--paper", "--surface", "--sunken", "--raised"].flatMap((ground) => [["--ink", ground], ["--ink-soft", ground], ["--accent-text", ground]]),
  ["--on-accent", "--accent"], ["--on-accent", "--accent-hover"], ["--on-lamp", "--lamp"], ["--on-lamp", "--lamp-strong"],
  ["--accent-text", "--accent-soft"], ["--good-text", "--good-soft"], ["--warn-text", "--warn-soft"], ["--bad-text", "--bad-soft"],
  ["--info-text", "--info-soft"], ["--lamp-text", "--surface"], ["--warn-text", "--paper"], ["--bad-text", "--paper"],
  ["--map-label", "--map-floor"], ["--map-stage-ink", "--map-stage"], ["--paper", "--ink"], ["--ink-faint", "--surface"],
  ["--on-night", "--night"], ["--on-night-soft", "--night"],
];
const SHAPES = [["--line-strong", "--surface"], ["--line-strong", "--paper"], ["--focus", "--paper"], ["--focus", "--surface"], ["--bad", "--surface"]];

for (const [mode, values] of Object.entries(modes)) {
  for (const [pairs, least] of [[WORDS, 4.5], [SHAPES, 3]] as const) {
    for (const [front, ground] of pairs) {
      test(`${front} on ${ground} (${mode})`, () => {
        const ratio = contrast(parseHex(values.get(front!) ?? "")!, parseHex(values.get(ground!) ?? "")!);
        assert.ok(ratio >= least, `${ratio.toFixed(2)} is less than ${least}`);
      });
    }
  }
}
