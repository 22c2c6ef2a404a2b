/** Light or dark, and the box office's own accent made readable in both. */
import { contrast, mix, type Rgb, parseHex, readableOn, toHex, withLightness, toOklab } from "./colour";

export type Theme = "light" | "dark";
const KEY = "placeur-theme";

/** What the visitor chose, else what the machine prefers. */
export function currentTheme(): Theme {
  const chosen = readChoice();
  if (chosen) return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

export function chooseTheme(theme: Theme): void {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Storage is forbidden here: the choice lasts as long as the page.
  }
  applyTheme(theme);
}

function readChoice(): Theme | null {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === "light" || kept === "dark" ? kept : null;
  } catch {
    return null;
  }
}

export function applyTheme(theme: Theme): void {
  const page = document.documentElement;
  page.dataset["theme"] = theme;
  const accent = parseHex(page.dataset["accent"] ?? "");
  if (accent) for (const [name, value] of Object.entries(accentTokens(accent, theme))) page.style.setProperty(name, value);
  document.dispatchEvent(new CustomEvent("placeur:theme", { detail: theme }));
}

/** The accent's tokens for one mode: any colour an organiser picks stays readable (WCAG AA) as fill and as text. */
export function accentTokens(accent: Rgb, theme: Theme): Record<string, string> {
  const white: Rgb = [255, 255, 255];
  const fill = readableOn(accent, [white], 4.6, "darker");
  const [lightness] = toOklab(fill);
  if (theme === "light") {
    const soft = mix(accent, [255, 255, 255], 0.09);
    return {
      "--accent": toHex(fill),
      "--accent-hover": toHex(withLightness(fill, lightness - 0.06)),
      "--on-accent": "#ffffff",
      "--accent-soft": toHex(soft),
      "--accent-text": toHex(readableOn(accent, [[239, 236, 238], soft], 4.6, "darker")),
    };
  }
  const soft = mix(accent, [31, 24, 32], 0.3);
  // On a dark page a very dark fill would vanish: lift it as far as white on it allows.
  let lifted = fill;
  for (let l = lightness; contrast(lifted, [31, 24, 32]) < 2.6 && l < 0.7; l += 0.01) {
    const next = withLightness(accent, l);
    if (contrast(next, white) < 4.6) break;
    lifted = next;
  }
  return {
    "--accent": toHex(lifted),
    "--accent-hover": toHex(readableOn(withLightness(lifted, toOklab(lifted)[0] + 0.04), [white], 4.5, "darker")),
    "--on-accent": "#ffffff",
    "--accent-soft": toHex(soft),
    "--accent-text": toHex(readableOn(accent, [[42, 33, 43], soft], 5, "lighter")),
  };
}
