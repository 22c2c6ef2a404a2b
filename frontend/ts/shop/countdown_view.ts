/** A countdown on the page: a clock and a bar that runs out. Warnings are spoken, once each. */
import { announce, h, icon } from "../core/dom";
import { t, tn } from "../core/i18n";
import { type Remaining, remaining, warningDue } from "../core/countdown";

export class CountdownView {
  private readonly clock = h("span", { class: "countdown__clock figure", aria: { hidden: "true" } });
  private readonly words = h("span", { class: "countdown__words" });
  private readonly bar = h("div", { class: "progress__bar" });
  private readonly progress = h("div", { class: "progress", aria: { hidden: "true" } }, this.bar);
  private timer = 0;
  private lastMs = Infinity;
  private until: number | null = null;

  constructor(
    private readonly host: HTMLElement,
    private readonly options: { now: () => number; wholeMs: number; onTick?: (left: Remaining) => void; onOver: () => void },
  ) {
    host.classList.add("countdown");
    host.append(h("p", { class: "countdown__line" }, icon("clock"), this.words, this.clock), this.progress);
    document.addEventListener("visibilitychange", () => this.tick());
    this.set(null);
  }

  /** Starts, moves or (null) stops it. */
  set(until: number | null): void {
    this.until = until;
    this.host.hidden = until === null;
    this.lastMs = until === null ? Infinity : until - this.options.now() + 1;
    window.clearInterval(this.timer);
    if (until === null) return;
    this.timer = window.setInterval(() => this.tick(), 1000);
    this.tick();
  }

  private tick(): void {
    if (this.until === null) return;
    const left = remaining(this.until, this.options.now());
    this.clock.textContent = left.clock;
    this.words.textContent = left.phase === "urgent" ? t("Last minute to keep your seats") : t("Kept for you");
    this.host.dataset["phase"] = left.phase;
    this.progress.toggleAttribute("data-urgent", left.phase === "urgent");
    this.bar.style.width = `${Math.min(100, (100 * left.ms) / this.options.wholeMs).toFixed(1)}%`;
    const warning = warningDue(this.lastMs, left.ms);
    this.lastMs = left.ms;
    if (warning) announce(tn("Your seats are kept for {n} more minute.", "Your seats are kept for {n} more minutes.", Math.round(warning / 60_000)));
    this.options.onTick?.(left);
    if (left.phase === "over") {
      this.set(null);
      this.options.onOver();
    }
  }
}
