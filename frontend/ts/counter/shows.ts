/** The list of performances, found by typing: a combobox whose list is always open. */
import { byId, h, icon } from "../core/dom";
import { t } from "../core/i18n";
import { wallDay, wallTime } from "../core/when";
import { matches } from "./find";
import type { Show } from "./shapes";

/** "Today", "Tomorrow", else the day in full, by the calendar of whoever looks. */
export function dayName(iso: string, today: Date): string {
  const day = iso.slice(0, 10);
  const plain = (offset: number): string => {
    const at = new Date(today.getFullYear(), today.getMonth(), today.getDate() + offset);
    return `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, "0")}-${String(at.getDate()).padStart(2, "0")}`;
  };
  if (day === plain(0)) return t("Today");
  if (day === plain(1)) return t("Tomorrow");
  return wallDay(iso, "long");
}

export class Shows {
  private readonly field = byId<HTMLInputElement>("find");
  private readonly list = byId("shows");
  private found: Show[] = [];
  private active = 0;
  private chosen = 0;

  constructor(
    private readonly shows: readonly Show[],
    private readonly onChoose: (show: Show) => void,
  ) {
    this.field.addEventListener("input", () => this.filter());
    this.field.addEventListener("keydown", (event) => this.onKey(event));
    this.filter();
  }

  focus(): void {
    this.field.focus();
    this.field.select();
  }

  mark(id: number): void {
    this.chosen = id;
    this.active = Math.max(0, this.found.findIndex((show) => show.id === id));
    this.draw();
  }

  private filter(): void {
    this.found = this.shows.filter((show) =>
      matches(`${show.title} ${show.venue} ${dayName(show.starts_at, new Date())} ${wallDay(show.starts_at, "long")} ${wallTime(show.starts_at)}`, this.field.value),
    );
    this.active = 0;
    this.draw();
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      this.active = Math.max(0, Math.min(this.found.length - 1, this.active + (event.key === "ArrowDown" ? 1 : -1)));
      this.draw();
    } else if (event.key === "Enter" && this.found[this.active]) this.choose(this.found[this.active]!);
    else return;
    event.preventDefault();
  }

  private choose(show: Show): void {
    this.field.value = "";
    this.filter();
    this.mark(show.id);
    this.onChoose(show);
  }

  private draw(): void {
    const groups = new Map<string, HTMLElement>();
    this.found.forEach((show, index) => {
      const day = dayName(show.starts_at, new Date());
      const group = groups.get(day) ?? h("div", { class: "picks__day", role: "group", aria: { label: day } }, h("p", { class: "picks__name", aria: { hidden: "true" } }, day));
      groups.set(day, group);
      group.append(this.option(show, index));
    });
    this.list.replaceChildren(...groups.values());
    if (!this.found.length) this.list.append(h("p", { class: "soft small picks__none" }, this.shows.length ? t("No performance like this.") : t("Nothing is on sale at this counter.")));
    this.field.setAttribute("aria-activedescendant", this.found[this.active] ? `show-${this.found[this.active]!.id}` : "");
    if (document.activeElement === this.field) this.list.querySelector("[data-active]")?.scrollIntoView({ block: "nearest" });
  }

  private option(show: Show, index: number): HTMLElement {
    const words: Record<string, string> = { soon: t("Not yet on sale"), closed: t("Sale closed"), sold_out: t("Sold out"), cancelled: t("Cancelled") };
    return h(
      "div",
      {
        class: "pick",
        role: "option",
        id: `show-${show.id}`,
        aria: { selected: String(show.id === this.chosen) },
        data: { status: show.status, ...(index === this.active ? { active: "" } : {}) },
        onclick: () => this.choose(show),
      },
      h("span", { class: "pick__time figure" }, wallTime(show.starts_at)),
      h("span", { class: "pick__what" }, h("span", { class: "pick__title" }, show.title), h("span", { class: "pick__venue" }, show.venue)),
      words[show.status] ? h("span", { class: "badge" }, words[show.status]!) : show.seated ? null : icon("ticket"),
    );
  }
}
