/**
 * The last sales and their papers: followed until each ticket is printed or somebody has said what became of it. It
 * stands below the basket, so that a paper jam never keeps the next customer waiting.
 */
import { ask, asProblem, newKey } from "../core/api";
import { announce, byId, h, icon } from "../core/dom";
import { money, t, tn } from "../core/i18n";
import { timeOf } from "../core/when";
import { open, standingOf } from "./prints";
import type { PrintJob, Sale } from "./shapes";

interface Sold {
  sale: Sale;
  at: number;
  jobs: PrintJob[];
  /** The job ids in order; reprints are added. */
  ids: number[];
  unfolded: boolean;
}

const POLL_MS = 500;
const POLL_AGAIN_MS = 2_000;
const KEPT = 4;

export class Tray {
  private sold: Sold[] = [];
  private latest = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private drawn = "";
  private readonly element = byId("prints");

  constructor(private readonly failed: (problem: unknown) => void) {}

  add(sale: Sale): void {
    const jobs = sale.print_jobs.map((id): PrintJob => ({ id, ticket: "", state: "queued", printer: "", detail: "", copy_number: 0 }));
    this.sold = [{ sale, at: Date.now(), jobs, ids: [...sale.print_jobs], unfolded: false }, ...this.sold];
    // What still needs somebody stays, however old.
    this.sold = this.sold.filter((sold, i) => i < KEPT || ["ask", "failed", "printing"].includes(standingOf(sold.jobs)));
    this.latest = true;
    this.draw();
    this.poll(0);
  }

  /** The next customer's first seat: the big change of the last one steps back. */
  stepBack(): void {
    if (!this.latest) return;
    this.latest = false;
    this.draw();
  }

  private poll(afterMs: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.look(), afterMs);
  }

  private async look(): Promise<void> {
    const wanted = this.sold.flatMap((sold) => open(sold.jobs));
    if (!wanted.length) return;
    try {
      this.take(await ask<PrintJob[]>("GET", `/counter/print-jobs?ids=${wanted.join(",")}`));
      this.poll(POLL_MS);
    } catch {
      // The printer goes on without us; we look again.
      this.poll(POLL_AGAIN_MS);
    }
  }

  private take(told: PrintJob[]): void {
    for (const sold of this.sold) {
      const before = standingOf(sold.jobs);
      sold.jobs = sold.ids.map((id) => told.find((job) => job.id === id) ?? sold.jobs.find((job) => job.id === id)!);
      const now = standingOf(sold.jobs);
      if (now === before) continue;
      if (now === "printed") announce(t("Order {code}: all tickets are printed.", { code: sold.sale.code }));
      if (now === "ask") announce(t("Order {code}: did the ticket come out?", { code: sold.sale.code }));
      if (now === "failed") announce(t("Order {code}: a ticket could not be printed.", { code: sold.sale.code }));
    }
    this.draw();
  }

  private async act(sold: Sold, path: string, body?: unknown): Promise<void> {
    try {
      const jobs = await ask<PrintJob[]>("POST", `/counter/print-jobs/${path}`, body, { key: newKey() });
      for (const job of jobs) {
        if (!sold.ids.includes(job.id)) sold.ids.push(job.id);
        sold.jobs = [...sold.jobs.filter((each) => each.id !== job.id), job];
      }
      this.draw();
    } catch (problem) {
      this.failed(asProblem(problem));
    }
    this.poll(0);
  }

  private draw(): void {
    this.element.hidden = this.sold.length === 0;
    // Twice a second is no reason to take a button away from under a finger.
    const drawing = JSON.stringify([this.sold, this.latest]);
    if (drawing === this.drawn) return;
    this.drawn = drawing;
    const focused = (document.activeElement as HTMLElement | null)?.dataset["act"];
    this.element.replaceChildren(...this.sold.map((sold, i) => this.entry(sold, i === 0 && this.latest)));
    if (focused) (this.element.querySelector<HTMLElement>(`[data-act="${CSS.escape(focused)}"]`) ?? byId("count")).focus();
  }

  private entry(sold: Sold, big: boolean): HTMLElement {
    const { sale } = sold;
    const standing = standingOf(sold.jobs);
    const detail = h(
      "div",
      { class: "sold__more" },
      ...sold.jobs.map((job) => this.job(sold, job, standing === "ask" || standing === "failed" || sold.unfolded)),
    );
    const fold = h("button", { class: "button button--quiet button--small sold__fold", type: "button", data: { act: `fold-${sale.code}` }, aria: { expanded: String(sold.unfolded) }, onclick: () => this.unfold(sold) }, icon("printer"), t("Reprint…"));
    return h(
      "article",
      { class: `sold${big ? " sold--big" : ""}`, data: { standing }, aria: { label: t("Order {code}", { code: sale.code }) } },
      h("header", { class: "sold__head" },
        h("span", { class: "sold__state" }, icon(ICONS[standing]!), this.words(sold)),
        h("a", { class: "sold__code", href: sale.url, target: "_blank", rel: "noopener" }, sale.code),
        h("span", { class: "figure" }, money(sale.total_minor, sale.currency)),
        h("time", { class: "soft small figure" }, timeOf(sold.at)),
      ),
      big && sale.change_minor > 0 ? h("p", { class: "sold__change" }, h("span", {}, t("Give back")), h("strong", { class: "figure" }, money(sale.change_minor, sale.currency))) : null,
      detail.childElementCount ? detail : null,
      standing === "printed" ? fold : null,
    );
  }

  private words(sold: Sold): string {
    const done = sold.jobs.filter((job) => job.state === "printed").length;
    switch (standingOf(sold.jobs)) {
      case "none": return t("Sold");
      case "printed": return tn("{n} printed", "{n} printed", done);
      case "ask": return t("Please look at the printer");
      case "failed": return t("Not printed");
      default: return t("Printing {done} of {all}", { done, all: sold.jobs.length });
    }
  }

  private job(sold: Sold, job: PrintJob, all: boolean): HTMLElement | null {
    const act = (name: string, label: string, kind: string, path: string, body?: unknown): HTMLElement =>
      h("button", { class: `button button--small ${kind}`, type: "button", data: { act: `${name}-${job.id}` }, onclick: () => void this.act(sold, path, body) }, label);
    const name = h("span", { class: "job__ticket figure" }, job.ticket || `#${job.id}`, job.copy_number ? h("span", { class: "badge badge--warn" }, t("Duplicata")) : null);
    if (job.state === "unknown") {
      return h("div", { class: "job job--ask" }, name, h("p", {}, h("strong", {}, t("Did the paper come out?")), " ", reason(job.detail)),
        h("div", { class: "job__acts" }, act("yes", t("Yes, it is here"), "button--primary", `${job.id}/resolve`, { printed: true }), act("no", t("No, print it"), "", `${job.id}/resolve`, { printed: false })));
    }
    if (job.state === "failed") {
      return h("div", { class: "job job--failed" }, name, h("p", {}, reason(job.detail) || t("The printer did not get it.")), h("div", { class: "job__acts" }, act("retry", t("Print again"), "button--primary", `${job.id}/retry`)));
    }
    if (job.state !== "printed" && job.detail) return h("div", { class: "job job--waits" }, name, h("p", {}, reason(job.detail)));
    if (job.state === "printed" && all) return h("div", { class: "job" }, name, h("div", { class: "job__acts" }, act("reprint", t("Print a duplicata"), "", `${job.id}/reprint`)));
    return null;
  }

  private unfold(sold: Sold): void {
    sold.unfolded = !sold.unfolded;
    this.draw();
  }
}

const ICONS: Record<string, string> = { none: "check", printed: "check", ask: "circle-help", failed: "triangle-alert", printing: "printer" };

/** The agent's codes in words (hardware/print_jobs.py). */
export function reason(detail: string): string {
  const known: Record<string, string> = {
    paper_out: t("The printer is out of paper."),
    ribbon_out: t("The printer’s ribbon is used up."),
    head_open: t("The printer’s cover is open."),
    paused: t("The printer is on pause."),
    too_hot: t("The printer’s head is too hot; it goes on by itself."),
    fault: t("The printer reports a fault."),
    unreachable: t("The printer does not answer."),
    silent: t("The printer says nothing any more."),
    link_lost: t("The connection to the printer was lost while it printed."),
    locked: t("Another program uses the printer."),
  };
  return known[detail] ?? "";
}
