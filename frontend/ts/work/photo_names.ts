/** Files named after seats, "Parterre_A_12.jpg": which seat of a plan is meant. A proposal, which a manager confirms. */

/** Words that people write into a name beside the labels themselves. */
const BESIDE = new Set(["rang", "rangee", "row", "r", "siege", "place", "seat", "s", "no", "n", "nr", "photo", "vue", "view", "img"]);

/** Lower case, without accents, cut where a letter or a digit ends: "Rang A-12 (été)" → ["rang", "a", "12", "ete"]. */
export function wordsOf(text: string): string[] {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLocaleLowerCase("en").match(/\p{L}+|\p{N}+/gu) ?? [];
}

function plain(words: readonly string[]): string {
  return words.filter((word) => !BESIDE.has(word)).map((word) => word.replace(/^0+(?=\d)/, "")).join(" ");
}

export class SeatNames {
  /** Exactly, without the words beside, and without the zone; null where two seats share it. */
  private readonly known: readonly Map<string, string | null>[] = [new Map(), new Map(), new Map()];
  readonly paths: ReadonlySet<string>;

  /** `paths`: label paths, "Parterre > A > 12". */
  constructor(paths: Iterable<string>) {
    this.paths = new Set(paths);
    for (const path of this.paths) {
      const [, ...inZone] = path.split(" > ");
      [wordsOf(path).join(" "), plain(wordsOf(path)), plain(wordsOf(inZone.join(" ")))].forEach((key, i) => {
        const names = this.known[i]!;
        names.set(key, names.has(key) && names.get(key) !== path ? null : path);
      });
    }
  }

  /** Whether it is named, but by none of the plans; where no plan is known, nobody can tell. */
  lacks(path: string): boolean {
    return path !== "" && this.paths.size > 0 && !this.paths.has(path);
  }

  /** The seat that a file's name means, or "" where none or more than one could be meant. */
  find(name: string): string {
    const words = wordsOf(name.replace(/\.[a-z0-9]{2,5}$/i, ""));
    const keys = [words.join(" "), plain(words), plain(words)];
    for (const [i, key] of keys.entries()) {
      const found = this.known[i]!.get(key);
      if (found !== undefined) return found ?? "";
    }
    return "";
  }
}
