/** How an event's waiting list works (WTL-1, WTL-2), as a form: saved on purpose, not at every touch. */
import { ask, asProblem } from "../core/api";
import { byId } from "../core/dom";
import { t, tn } from "../core/i18n";
import { toast } from "../core/toast";
import { spanOf, type WaitingRules } from "./waiting";

export class RulesForm {
  private readonly form = byId<HTMLFormElement>("rules");
  private readonly save = byId<HTMLButtonElement>("save");
  private kept: WaitingRules | null = null;

  constructor(
    private readonly event: number,
    private readonly onSaved: () => void,
  ) {
    this.form.addEventListener("input", () => this.dress());
    this.form.addEventListener("submit", (event) => void this.submit(event));
  }

  /** What is kept on the server; what one is changing is left alone. */
  show(rules: WaitingRules): void {
    if (this.kept && this.isChanged()) return;
    this.kept = rules;
    for (const radio of this.all("waitlist")) radio.checked = radio.value === rules.waitlist;
    for (const box of this.all("tariff")) box.checked = rules.tariffs.includes(Number(box.value));
    this.automatic.checked = rules.automatic;
    this.delay.value = String(rules.delay_minutes);
    this.dress();
  }

  private all(name: string): HTMLInputElement[] {
    return [...this.form.querySelectorAll<HTMLInputElement>(`[name="${name}"]`)];
  }

  private get automatic(): HTMLInputElement {
    return this.all("automatic")[0]!;
  }

  private get delay(): HTMLInputElement {
    return byId<HTMLInputElement>("delay");
  }

  private wanted(): WaitingRules {
    return {
      waitlist: (this.all("waitlist").find(({ checked }) => checked)?.value ?? "off") as WaitingRules["waitlist"],
      tariffs: this.all("tariff").filter(({ checked }) => checked).map(({ value }) => Number(value)),
      automatic: this.automatic.checked,
      delay_minutes: Number(this.delay.value),
    };
  }

  private isChanged(): boolean {
    const plain = (rules: WaitingRules): string => JSON.stringify([rules.waitlist, rules.waitlist === "tariffs" ? [...rules.tariffs].sort((a, b) => a - b) : [], rules.automatic, rules.delay_minutes]);
    return this.kept !== null && plain(this.wanted()) !== plain(this.kept);
  }

  private dress(): void {
    const { waitlist: mode, automatic, delay_minutes } = this.wanted();
    byId("rule-tariffs").hidden = mode !== "tariffs";
    byId("rule-auto").hidden = mode === "off";
    this.delay.closest<HTMLElement>(".field")!.hidden = !automatic;
    byId("delay-words").textContent = delay_minutes >= 60 ? `${t("minutes")} (${spanWords(delay_minutes)})` : t("minutes");
    byId("rule-words").textContent = mode === "off" ? "" : automatic
      ? t("As many people are told as there are places. Whoever does not buy in time keeps the link, but the next in line are told too.")
      : t("Nobody is told by itself: choose people in the list and write to them when you have places.");
    this.save.disabled = !this.isChanged();
  }

  private async submit(event: Event): Promise<void> {
    event.preventDefault();
    if (this.save.getAttribute("aria-busy") === "true" || this.save.disabled) return;
    this.save.setAttribute("aria-busy", "true");
    this.complain([]);
    try {
      const told = await ask<WaitingRules>("PATCH", `/manage/waitlist?event=${this.event}`, this.wanted());
      this.kept = null;
      this.show(told);
      this.onSaved();
      toast({ text: t("Saved.") });
    } catch (thrown) {
      const problem = asProblem(thrown);
      if (problem.errors.length) this.complain(problem.errors);
      else byId("rules-problem").textContent = problem.detail;
    } finally {
      this.save.removeAttribute("aria-busy");
      this.dress();
    }
  }

  private complain(errors: readonly { field: string; message: string }[]): void {
    byId("rules-problem").textContent = errors.find(({ field }) => !this.form.querySelector(`[data-for="${field}"] .field__error`))?.message ?? "";
    for (const place of this.form.querySelectorAll<HTMLElement>("[data-for]")) {
      const said = errors.find(({ field }) => field === place.dataset["for"])?.message ?? "";
      place.toggleAttribute("data-invalid", Boolean(said));
      const shown = place.querySelector(".field__error");
      if (shown) shown.textContent = said;
    }
  }
}

/** "1 day 2 h 30 min" */
function spanWords(all: number): string {
  const { days, hours, minutes } = spanOf(all);
  return [days ? tn("{n} day", "{n} days", days) : "", hours ? t("{n} h", { n: hours }) : "", minutes ? t("{n} min", { n: minutes }) : ""].filter(Boolean).join(" ");
}
