/** What a cashier sells from (AHEAD-2): what is on sale to all, or what is kept for somebody, by naming it. */
import { ask } from "../core/api";
import { byId, h } from "../core/dom";
import { showNumber, t } from "../core/i18n";

export interface Source {
  id: number;
  name: string;
  /** Those still kept, without a key of their own. */
  seats: number[];
  quantity: number;
  left: number;
  best: boolean;
}

export class Sources {
  private readonly select = byId<HTMLSelectElement>("source");
  private sources: Source[] = [];
  private performance = 0;
  private again = 0;

  constructor(private readonly changed: (source: Source | null) => void) {
    this.select.addEventListener("change", () => changed(this.current));
  }

  get current(): Source | null {
    return this.sources.find(({ id }) => id === Number(this.select.value)) ?? null;
  }

  /** Another performance, or news of this one; a burst of news is one look. */
  look(performance: number): void {
    const other = performance !== this.performance;
    this.performance = performance;
    if (other) this.show([]);
    window.clearTimeout(this.again);
    this.again = window.setTimeout(() => void this.reload(), other ? 0 : 800);
  }

  private async reload(): Promise<void> {
    const { performance } = this;
    const told = await ask<Source[]>("GET", `/counter/allotments?performance=${performance}`).catch(() => null);
    if (told && performance === this.performance) this.show(told);
  }

  private show(sources: Source[]): void {
    const before = this.select.value;
    this.sources = sources;
    this.select.hidden = sources.length === 0;
    this.select.replaceChildren(
      h("option", { value: "" }, t("On sale to all")),
      ...sources.map(({ id, name, left }) => h("option", { value: id }, `${name} (${showNumber(left)})`)),
    );
    this.select.value = sources.some(({ id }) => String(id) === before) ? before : "";
    this.changed(this.current);
  }
}

/** What of a wish comes out of the chosen allotment: kept seats, best ones among them, or its places. */
export function outOf(source: Source | null, wish: Record<string, unknown>): Record<string, unknown> {
  if (!source) return wish;
  const seats = Array.isArray(wish["seats"]) ? (wish["seats"] as number[]) : null;
  const fits = seats ? seats.some((seat) => source.seats.includes(seat)) : wish["best"] ? source.best : source.quantity > 0;
  return fits ? { ...wish, allotment: source.id } : wish;
}
