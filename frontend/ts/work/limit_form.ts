/** One limit that a manager may change (QUO-1): as it stands, live, and a field for another size. */
import { asProblem, ask } from "../core/api";
import { h } from "../core/dom";
import { showNumber, t } from "../core/i18n";
import { toast } from "../core/toast";
import type { QuotaFigures } from "./figures";
import { limitBar } from "./limits";

export const SIZE_MAX = 10_000_000;

/** What somebody typed as a size; null where it is none. Spaces group thousands in many languages. */
export function sizeOf(typed: string): number | null {
  const digits = typed.replace(/[\s\u00a0\u202f]/g, "");
  return /^\d{1,8}$/.test(digits) && Number(digits) <= SIZE_MAX ? Number(digits) : null;
}

/** Why what somebody typed is no size. */
export function refusalOf(typed: string): string {
  const digits = typed.replace(/[\s\u00a0\u202f]/g, "");
  return /^\d+$/.test(digits) ? t("Please enter {n} at most.", { n: showNumber(SIZE_MAX) }) : t("Please enter a whole number, 0 or more.");
}

export class LimitForm {
  readonly element: HTMLElement;
  private readonly place = h("ul", { class: "cap__now" });
  private readonly input: HTMLInputElement;
  private readonly button: HTMLButtonElement;
  private readonly said: HTMLElement;
  private quota: QuotaFigures;
  private shown = "";

  constructor(quota: QuotaFigures) {
    this.quota = quota;
    const id = `cap-${quota.id}`;
    this.input = h("input", { class: "input figure", id, inputmode: "numeric", maxlength: 14, value: quota.size, aria: { describedby: `${id}-said` }, oninput: () => this.dress() });
    this.button = h("button", { class: "button", type: "submit", disabled: true }, t("Set"));
    this.said = h("p", { class: "cap__said small", id: `${id}-said`, role: "status" });
    this.element = h(
      "li",
      { class: "cap", data: { limit: quota.id } },
      this.place,
      h("form", { class: "cap__form", novalidate: true, onsubmit: (event: Event) => void this.save(event) },
        h("label", { class: "unseen", for: id }, t("Limit of {name}", { name: quota.name || t("Limit") })), this.input, this.button),
      this.said,
    );
    this.show(quota);
  }

  /** As the feed tells it. A number that somebody is typing is left alone. */
  show(quota: QuotaFigures): void {
    const untouched = sizeOf(this.input.value) === this.quota.size;
    this.quota = quota;
    const told = JSON.stringify(quota);
    if (told === this.shown) return;
    this.shown = told;
    this.place.replaceChildren(limitBar(quota));
    if (untouched) this.input.value = String(quota.size);
    this.dress();
  }

  private dress(): void {
    const size = sizeOf(this.input.value);
    const { used, kept } = this.quota;
    this.button.disabled = size === null || size === this.quota.size;
    this.input.toggleAttribute("aria-invalid", size === null);
    const bad = size === null;
    this.said.toggleAttribute("data-bad", bad);
    if (bad) this.said.textContent = refusalOf(this.input.value);
    else if (size < used) this.said.textContent = t("{n} are used already and stay: nothing more is sold until places come back.", { n: showNumber(used) });
    else if (size < used + kept) this.said.textContent = t("Allotments keep {n} back: more than this would leave.", { n: showNumber(kept) });
    else this.said.textContent = "";
  }

  private async save(event: Event): Promise<void> {
    event.preventDefault();
    const size = sizeOf(this.input.value);
    if (size === null || size === this.quota.size || this.button.getAttribute("aria-busy") === "true") return;
    this.button.setAttribute("aria-busy", "true");
    try {
      await ask("PATCH", `/manage/quotas/${this.quota.id}`, { size });
      this.show({ ...this.quota, size });
      toast({ name: "limit", title: this.quota.name, text: t("The limit is {n} now.", { n: showNumber(size) }) });
    } catch (thrown) {
      const problem = asProblem(thrown);
      this.said.textContent = problem.errors[0]?.message ?? problem.detail;
      this.said.toggleAttribute("data-bad", true);
    } finally {
      this.button.removeAttribute("aria-busy");
    }
  }
}
