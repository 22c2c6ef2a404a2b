/**
 * Import mode (SEA-4): in this tab a manager walks through the shop's own map and photographs the view from its seats.
 * A tap chooses a seat to photograph; nothing is put in a basket. Buyers never load this.
 */
import { ApiProblem, asProblem } from "../core/api";
import { announce, h, icon } from "../core/dom";
import { t, tn } from "../core/i18n";
import { follow } from "../core/live";
import { toast } from "../core/toast";
import type { SeatEvent, SeatMap } from "../seatmap/element";
import type { PlanJson } from "../seatmap/plan";
import { pathOf } from "../seatmap/seat_view";
import { refusalOf } from "../work/photo_check";
import { ACCEPTED, changeModel, deletePhoto, listModels, listPhotos, type ManagedPhoto, putPhoto, type SeatModel } from "../work/seat_models";
import { forgetImporting } from "./importing";
import type { Performance } from "./types";

interface Sending {
  file: File;
  /** The picture itself, from this device; "" until it is known to be one. */
  preview: string;
  share: number;
  problem: ApiProblem | null;
  /** What is wrong with the file itself: to try it again would be in vain. */
  refusal: string;
}

/** What says for good that there is nothing to import into: the page goes on as a shop. */
const NOT_FOR_US: ReadonlySet<number> = new Set([401, 403, 404]);

/** False: this visitor may not, and has been told. */
export async function startImporting(model: number, performance: Performance, plan: PlanJson, map: SeatMap, host: HTMLElement): Promise<boolean> {
  try {
    const found = (await listModels()).find(({ id }) => id === model);
    if (!found) throw new ApiProblem("not_found", t("No such model"), t("This SeatView model does not exist any more."), 404);
    await new PhotoImport(found, performance, plan, map, host).open();
    return true;
  } catch (thrown) {
    const problem = asProblem(thrown);
    if (!NOT_FOR_US.has(problem.status)) {
      // Never a shop by mistake: a manager who taps seats here means to photograph.
      toast({ title: problem.title, text: problem.detail, lastsMs: 0, action: { label: t("Try again"), act: () => location.reload() } });
      return true;
    }
    forgetImporting();
    const signIn = { label: t("Sign in"), act: () => location.assign(`/login?next=${encodeURIComponent(`/p/${performance.id}?seat-view=${model}`)}`) };
    if (problem.status !== 404) toast({ title: t("Import mode is for managers"), text: t("Please sign in as a manager of this house."), lastsMs: 0, action: signIn });
    else toast({ title: problem.title, text: problem.detail, lastsMs: 0 });
    return false;
  }
}

class PhotoImport {
  private readonly seatOf: ReadonlyMap<string, number>;
  private readonly photos = new Map<number, ManagedPhoto>();
  private readonly sendings = new Map<number, Sending>();
  private readonly panel = h("section", { class: "import__panel", aria: { label: t("Photo of the view") }, tabindex: "-1" });
  private readonly count = h("span", { class: "import__count figure" });
  private readonly use = h("div", { class: "import__use" });
  private chosen = -1;

  constructor(
    private model: SeatModel,
    private readonly performance: Performance,
    private readonly plan: PlanJson,
    private readonly map: SeatMap,
    private readonly host: HTMLElement,
  ) {
    this.seatOf = new Map(plan.seats.x.map((_, seat) => [pathOf(plan, seat), seat]));
  }

  async open(): Promise<void> {
    const { map, host } = this;
    await this.reload();
    document.getElementById("house")?.setAttribute("data-importing", "");
    map.before(this.bar());
    host.replaceChildren(this.panel);
    host.setAttribute("aria-label", t("Photo of the view"));
    map.load(this.plan, this.performance);
    map.setStates(new Uint8Array(this.plan.seats.x.length));
    for (const said of ["seat-choose", "seat-return", "seat-refused"]) map.addEventListener(said, (event) => this.choose((event as CustomEvent<SeatEvent>).detail.seat));
    map.addEventListener("seat-look", (event) => this.choose((event as CustomEvent<SeatEvent>).detail.seat));
    this.show();
    // Two people with two phones are quicker.
    follow(`/live/performances/${this.performance.id}`, { onSeatView: () => void this.hear() });
    addEventListener("beforeunload", (event) => {
      if ([...this.sendings.values()].some(({ problem, refusal }) => !problem && !refusal)) event.preventDefault();
    });
  }

  private async reload(): Promise<void> {
    const { photos } = await listPhotos(this.model.id);
    this.photos.clear();
    for (const photo of photos) {
      const seat = this.seatOf.get(photo.seat);
      if (seat !== undefined) this.photos.set(seat, photo);
    }
  }

  /** Somebody else may have photographed. What is being done in the panel here is left alone. */
  private async hear(): Promise<void> {
    const before = this.photos.get(this.chosen)?.url;
    await this.reload().catch(() => undefined);
    const busy = this.sendings.has(this.chosen) || this.panel.querySelector(":focus") !== null;
    if (this.photos.get(this.chosen)?.url !== before && !busy) this.show();
    else this.showMarks();
  }

  private bar(): HTMLElement {
    const leave = h("button", { class: "button button--small", type: "button", onclick: () => this.leave() }, icon("check"), t("Done"));
    return h(
      "div",
      { class: "import__bar", role: "region", aria: { label: t("Import mode") } },
      icon("camera"),
      h("p", { class: "grow" }, h("strong", {}, t("Import mode")), h("span", { class: "import__model" }, this.model.name), this.count),
      leave,
    );
  }

  private leave(): void {
    forgetImporting();
    location.assign(`/manage/seat-views?model=${this.model.id}`);
  }

  private choose(seat: number): void {
    this.chosen = seat;
    this.map.mark(seat);
    this.show();
    this.panel.focus({ preventScroll: true });
  }

  private showMarks(): void {
    this.map.setPhotographed(this.photos.keys(), true);
    this.count.textContent = tn("{n} seat photographed", "{n} seats photographed", this.photos.size);
  }

  private show(): void {
    this.showMarks();
    this.showUse();
    const { chosen } = this;
    if (chosen < 0) this.panel.replaceChildren(...this.advice());
    else this.panel.replaceChildren(...this.seatPanel(chosen));
  }

  private advice(): HTMLElement[] {
    return [
      h("h2", { class: "import__title" }, t("Tap a seat, and photograph the view from it")),
      h("ul", { class: "import__advice" }, ...[t("Hold the phone sideways."), t("Put the stage in the middle."), t("Use the same light everywhere."), t("One seat in ten is enough: the others show the nearest photo.")].map((words) => h("li", {}, icon("check"), words))),
      this.use,
    ];
  }

  /** Photos that no buyer would see are worth a word. */
  private showUse(): void {
    const { event } = this.performance;
    const used = this.model.events.some(({ id }) => id === event.id);
    this.use.hidden = used;
    if (used) return;
    const show = h("button", { class: "button button--small", type: "button", onclick: () => void this.showToBuyers(show) }, icon("eye"), t("Show them to buyers"));
    this.use.replaceChildren(h("p", { class: "small" }, t("“{event}” does not show the photos of this model yet.", { event: event.title })), show);
  }

  private async showToBuyers(button: HTMLButtonElement): Promise<void> {
    button.setAttribute("aria-busy", "true");
    try {
      this.model = await changeModel(this.model.id, { events: [...this.model.events.map(({ id }) => id), this.performance.event.id] });
      toast({ text: t("Buyers see the photos from now on.") });
    } catch (problem) {
      this.tell(asProblem(problem));
    }
    this.show();
  }

  private seatPanel(seat: number): (HTMLElement | null)[] & HTMLElement[] {
    const photo = this.photos.get(seat);
    const sending = this.sendings.get(seat);
    const parts: (HTMLElement | null)[] = [
      h("h2", { class: "import__title" }, this.map.nameOf(seat)),
      this.frame(seat, photo, sending),
      sending ? this.progress(seat, sending) : null,
      sending && !sending.problem && !sending.refusal ? null : this.choices(seat, photo),
      this.use,
    ];
    return parts.filter((part) => part !== null) as HTMLElement[];
  }

  private frame(seat: number, photo: ManagedPhoto | undefined, sending: Sending | undefined): HTMLElement {
    const shown = sending?.preview || photo?.small;
    if (!shown) return h("div", { class: "import__frame import__frame--none" }, icon("image"), h("span", {}, t("No photo yet")));
    return h("div", { class: "import__frame" }, h("img", { src: shown, alt: t("The stage as it is seen from {seat}", { seat: this.map.nameOf(seat) }) }));
  }

  private progress(seat: number, sending: Sending): HTMLElement {
    if (sending.refusal) {
      return h(
        "div",
        { class: "notice notice--bad import__problem", role: "alert" },
        icon("triangle-alert"),
        h("div", { class: "grow" }, h("strong", {}, t("The photo was not saved")), h("span", {}, sending.refusal)),
      );
    }
    if (sending.problem) {
      return h(
        "div",
        { class: "notice notice--bad import__problem", role: "alert" },
        icon("triangle-alert"),
        h("div", { class: "grow" }, h("strong", {}, sending.problem.title), h("span", {}, sending.problem.errors[0]?.message ?? sending.problem.detail)),
        h("button", { class: "button button--small", type: "button", onclick: () => void this.send(seat, sending.file) }, icon("refresh-cw"), t("Try again")),
      );
    }
    const percent = Math.round(sending.share * 100);
    return h(
      "div",
      { class: "import__progress", id: "import-progress", role: "progressbar", aria: { label: t("Sending the photo"), valuemin: "0", valuemax: "100", valuenow: percent } },
      h("div", { class: "progress" }, h("div", { class: "progress__bar", style: { width: `${percent}%` } })),
      h("span", { class: "small soft" }, wordsFor(sending.share)),
    );
  }

  private choices(seat: number, photo: ManagedPhoto | undefined): HTMLElement {
    const pick = (words: string, name: string, camera: boolean, look: string): HTMLElement => {
      const input = h("input", { class: "unseen", type: "file", accept: camera ? "image/*" : ACCEPTED, ...(camera ? { capture: "environment" } : {}) });
      input.addEventListener("change", () => input.files?.[0] && void this.send(seat, input.files[0]));
      return h("label", { class: `button ${look}`, data: { camera: String(camera) } }, icon(name), words, input);
    };
    return h(
      "div",
      { class: "import__choices" },
      pick(photo ? t("Take another photo") : t("Take a photo"), "camera", true, "button--primary"),
      pick(photo ? t("Replace with a picture") : t("Choose a picture"), "image-plus", false, ""),
      photo ? this.deletion(seat, photo) : null,
    );
  }

  private deletion(seat: number, photo: ManagedPhoto): HTMLElement {
    const sure = h("button", { class: "button button--danger", type: "button", hidden: true, onclick: () => void this.remove(seat, photo) }, icon("trash-2"), t("Yes, delete the photo"));
    const first = h("button", { class: "button button--quiet", type: "button", onclick: () => {
      first.hidden = true;
      sure.hidden = false;
      sure.focus();
    } }, icon("trash-2"), t("Delete"));
    return h("span", { class: "import__delete" }, first, sure);
  }

  private async send(seat: number, file: File): Promise<void> {
    this.forget(seat);
    const sending: Sending = { file, preview: "", share: 0, problem: null, refusal: await refusalOf(file) };
    this.sendings.set(seat, sending);
    if (!sending.refusal) sending.preview = URL.createObjectURL(file);
    this.showIf(seat);
    if (sending.refusal) return;
    try {
      const photo = await putPhoto(this.model.id, pathOf(this.plan, seat), file, (share) => this.advance(seat, sending, share));
      this.photos.set(seat, photo);
      this.forget(seat);
      announce(t("The photo of {seat} is there.", { seat: this.map.nameOf(seat) }));
      this.show();
    } catch (problem) {
      this.refuse(sending, asProblem(problem));
      this.showIf(seat);
    }
  }

  /** The server looks closer than we could: what it says of the photo holds for any further try. */
  private refuse(sending: Sending, problem: ApiProblem): void {
    sending.problem = problem;
    sending.refusal = problem.errors.find(({ field }) => field === "photo")?.message ?? "";
    if (!sending.refusal) return;
    URL.revokeObjectURL(sending.preview);
    sending.preview = "";
  }

  /** Only the bar moves: a focus in the panel stays where it is. */
  private advance(seat: number, sending: Sending, share: number): void {
    sending.share = share;
    const bar = this.chosen === seat ? document.getElementById("import-progress") : null;
    if (!bar) return;
    bar.setAttribute("aria-valuenow", String(Math.round(share * 100)));
    bar.querySelector<HTMLElement>(".progress__bar")!.style.width = `${share * 100}%`;
    bar.querySelector("span")!.textContent = wordsFor(share);
  }

  private showIf(seat: number): void {
    if (this.chosen === seat) this.show();
    else {
      const { problem, refusal } = this.sendings.get(seat) ?? {};
      if (problem || refusal) toast({ title: this.map.nameOf(seat), text: refusal || problem!.detail });
    }
  }

  private forget(seat: number): void {
    const sending = this.sendings.get(seat);
    if (sending?.preview) URL.revokeObjectURL(sending.preview);
    this.sendings.delete(seat);
  }

  private async remove(seat: number, photo: ManagedPhoto): Promise<void> {
    try {
      await deletePhoto(this.model.id, photo.id);
      this.photos.delete(seat);
      announce(t("The photo is deleted."));
    } catch (problem) {
      this.tell(asProblem(problem));
      await this.reload().catch(() => undefined);
    }
    this.show();
    this.panel.focus({ preventScroll: true });
  }

  private tell(problem: ApiProblem): void {
    toast({ name: "problem", title: problem.title, text: problem.errors[0]?.message ?? problem.detail, lastsMs: 8_000 });
  }
}

function wordsFor(share: number): string {
  return share < 1 ? t("Sending… {percent} %", { percent: Math.round(share * 100) }) : t("Preparing the photo…");
}
