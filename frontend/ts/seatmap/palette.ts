/**
 * The colours of a map, and of its price categories. An organiser's colours are kept where everybody can tell them apart, on both
 * floors; otherwise ours take their place, in the same order.
 */
import { contrast, distanceForAll, parseHex, readableOn, type Rgb, toHex, toOklab } from "../core/colour";
import type { Theme } from "../core/theme";

/** What a map is drawn in, as CSS has it; `categories` in the plan's order. */
export interface Colours {
  theme: Theme;
  floor: string;
  stage: string;
  stageInk: string;
  label: string;
  taken: string;
  takenMark: string;
  lamp: string;
  onLamp: string;
  line: string;
  font: string;
  display: string;
  categories: string[];
}

const FLOOR: Record<Theme, Rgb> = { light: [241, 238, 240], dark: [16, 12, 17] };
const TAKEN: Record<Theme, Rgb> = { light: [196, 187, 193], dark: [67, 57, 67] };
const LAMP: Record<Theme, Rgb> = { light: [246, 183, 60], dark: [255, 196, 77] };

/** Told apart by lightness as much as by hue, and none of them near the lamp's amber (tests/seatmap/palette.test.ts). */
const HOUSE: Record<Theme, readonly string[]> = {
  light: ["#8f1a44", "#5a89f5", "#787b15", "#5240c5", "#d54491", "#1e128b"],
  dark: ["#f2688f", "#a5bbee", "#85f8c1", "#6a59e6", "#a482ef", "#a16523"],
};

const APART = 0.1;
const OFF_FLOOR = 2.6;

/** One colour for each category, in the plan's order, as hex. */
export function categoryColours(chosen: readonly string[], theme: Theme): string[] {
  const parsed = chosen.map(parseHex);
  if (parsed.every((c): c is Rgb => c !== null)) {
    const tuned = parsed.map((c) => readableOn(c, [FLOOR[theme]], OFF_FLOOR, theme === "light" ? "darker" : "lighter"));
    if (tellable(tuned, theme)) return tuned.map(toHex);
  }
  const house = HOUSE[theme];
  return chosen.map((_, i) => house[i % house.length]!);
}

/** Whether everybody can tell these from each other, from a taken seat and from one's own. */
export function tellable(colours: readonly Rgb[], theme: Theme): boolean {
  return colours.every(
    (a, i) =>
      distanceForAll(a, TAKEN[theme]) >= APART &&
      distanceForAll(a, LAMP[theme]) >= APART &&
      contrast(a, FLOOR[theme]) >= OFF_FLOOR &&
      colours.every((b, j) => j <= i || distanceForAll(a, b) >= APART),
  );
}

export function housePalette(theme: Theme): readonly string[] {
  return HOUSE[theme];
}

/** Ink for a number on a seat of this colour. */
export function inkOn(colour: string): string {
  const parsed = parseHex(colour) ?? [0, 0, 0];
  return contrast(parsed, [255, 255, 255]) >= 3.6 || toOklab(parsed)[0] < 0.55 ? "#ffffff" : "#1d141c";
}
