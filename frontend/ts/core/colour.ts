/** Colour arithmetic: contrast as WCAG measures it, OKLab for even steps of lightness and for telling colours apart. */

export type Rgb = readonly [number, number, number];
type Lab = readonly [number, number, number];

export function parseHex(text: string): Rgb | null {
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/i.exec(text.trim());
  const long = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text.trim());
  if (short) return [1, 2, 3].map((i) => parseInt(short[i]! + short[i]!, 16)) as unknown as Rgb;
  if (long) return [1, 2, 3].map((i) => parseInt(long[i]!, 16)) as unknown as Rgb;
  return null;
}

export function toHex(colour: Rgb): string {
  return `#${colour.map((c) => Math.round(Math.min(255, Math.max(0, c))).toString(16).padStart(2, "0")).join("")}`;
}

const toLinear = (c: number): number => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
const fromLinear = (c: number): number => 255 * (c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055);

/** WCAG 2 relative luminance, 0 (black) to 1 (white). */
export function luminance([r, g, b]: Rgb): number {
  return 0.2126 * toLinear(r) + 0.7152 * toLinear(g) + 0.0722 * toLinear(b);
}

/** WCAG 2 contrast ratio, 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

export function toOklab([r, g, b]: Rgb): Lab {
  const [lr, lg, lb] = [toLinear(r), toLinear(g), toLinear(b)];
  const l = Math.cbrt(0.4122214708 * lr + 0.5363325363 * lg + 0.0514459929 * lb);
  const m = Math.cbrt(0.2119034982 * lr + 0.6806995451 * lg + 0.1073969566 * lb);
  const s = Math.cbrt(0.0883024619 * lr + 0.2817188376 * lg + 0.6299787005 * lb);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function fromOklab([lightness, a, b]: Lab): Rgb {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    fromLinear(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    fromLinear(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    fromLinear(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ].map((c) => Math.min(255, Math.max(0, Number.isNaN(c) ? 0 : c))) as unknown as Rgb;
}

/** The same hue at another OKLab lightness (0 to 1). */
export function withLightness(colour: Rgb, lightness: number): Rgb {
  const [, a, b] = toOklab(colour);
  return fromOklab([lightness, a, b]);
}

/** So much of `a` in `b`, as paint on paper looks. */
export function mix(a: Rgb, b: Rgb, share: number): Rgb {
  return [0, 1, 2].map((i) => a[i]! * share + b[i]! * (1 - share)) as unknown as Rgb;
}

/** The colour, made darker or lighter in small steps until it stands `ratio` off every ground. */
export function readableOn(colour: Rgb, grounds: readonly Rgb[], ratio: number, direction: "darker" | "lighter"): Rgb {
  let [lightness] = toOklab(colour);
  let found = colour;
  while (grounds.some((ground) => contrast(found, ground) < ratio) && lightness >= 0 && lightness <= 1) {
    lightness += direction === "darker" ? -0.01 : 0.01;
    found = withLightness(colour, lightness);
  }
  return found;
}

/** As people with full colour vision, protanopia, deuteranopia or tritanopia see it (Viénot 1999, in linear light). */
export function asSeenWith(vision: "full" | "protan" | "deutan" | "tritan", [r, g, b]: Rgb): Rgb {
  const [lr, lg, lb] = [toLinear(r), toLinear(g), toLinear(b)];
  const rows = {
    full: [1, 0, 0, 0, 1, 0, 0, 0, 1],
    protan: [0.11238, 0.88762, 0, 0.11238, 0.88762, 0, 0.00401, -0.00401, 1],
    deutan: [0.29275, 0.70725, 0, 0.29275, 0.70725, 0, -0.02234, 0.02234, 1],
    tritan: [1, 0.1446, -0.1446, 0, 0.85924, 0.14076, 0, 0.85924, 0.14076],
  }[vision];
  const seen = [0, 3, 6].map((i) => fromLinear(Math.max(0, rows[i]! * lr + rows[i + 1]! * lg + rows[i + 2]! * lb)));
  return seen.map((c) => Math.min(255, c)) as unknown as Rgb;
}

/** Distance in OKLab; about 0.02 is just noticeable. */
export function distance(a: Rgb, b: Rgb): number {
  const [p, q] = [toOklab(a), toOklab(b)];
  return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
}

/** How far apart two colours stay for whoever tells them apart worst. */
export function distanceForAll(a: Rgb, b: Rgb): number {
  return Math.min(
    ...(["full", "protan", "deutan", "tritan"] as const).map((v) => distance(asSeenWith(v, a), asSeenWith(v, b))),
  );
}
