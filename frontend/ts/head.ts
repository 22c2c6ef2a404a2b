/** Runs before the first paint, so that nobody sees the wrong mode flash by. */
import { applyTheme, currentTheme } from "./core/theme";

applyTheme(currentTheme());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => applyTheme(currentTheme()));
