/** Every word typed must begin a word of the title, the place, the day or the time ("mal jeu 20"). */
export function matches(haystack: string, typed: string): boolean {
  const words = fold(haystack).split(/[\s,·–-]+/);
  return fold(typed).split(/\s+/).filter(Boolean).every((part) => words.some((word) => word.startsWith(part)));
}

function fold(text: string): string {
  return text.normalize("NFD").replace(/\p{Diacritic}/gu, "").toLowerCase();
}
