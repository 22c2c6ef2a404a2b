/** The view from a seat over the whole screen; the arrow keys walk through the house's other photos. */
import { h, icon } from "../core/dom";
import { showNumber, t } from "../core/i18n";
import type { SeatPhoto, ViewFinder } from "./seat_view";

export class ViewDialog {
  private readonly title = h("h2", { class: "view-dialog__title", id: "view-title", aria: { live: "polite" } });
  private readonly told = h("p", { class: "view-dialog__told" });
  private readonly count = h("span", { class: "view-dialog__count figure" });
  private readonly stage = h("div", { class: "view-dialog__stage" });
  private readonly walk: HTMLElement;
  private readonly dialog: HTMLDialogElement;
  private shown: SeatPhoto | null = null;
  private opener: HTMLElement | null = null;

  constructor(
    private readonly finder: () => ViewFinder | null,
    private readonly nameOf: (seat: number) => string,
    /** Where the focus goes when what opened it has left meanwhile. */
    private readonly home: () => HTMLElement | null,
  ) {
    const step = (name: string, label: string, by: 1 | -1): HTMLElement =>
      h("button", { class: "view-dialog__button", type: "button", title: label, aria: { label }, onclick: () => this.step(by) }, icon(name));
    this.walk = h("div", { class: "view-dialog__walk" }, step("chevron-left", t("Previous photo"), -1), this.count, step("chevron-right", t("Next photo"), 1));
    const close = h("button", { class: "view-dialog__button", type: "button", title: t("Close"), aria: { label: t("Close") }, onclick: () => this.dialog.close() }, icon("x"));
    this.dialog = h(
      "dialog",
      { class: "view-dialog", aria: { labelledby: "view-title" } },
      h("header", { class: "view-dialog__head" }, h("div", { class: "grow" }, this.title, this.told), close),
      this.stage,
      this.walk,
    );
    this.dialog.addEventListener("keydown", (event) => this.onKey(event));
    // A click beside the photo closes, as people expect of a picture that fills the screen.
    this.stage.addEventListener("click", (event) => event.target === this.stage && this.dialog.close());
    this.dialog.addEventListener("close", () => this.giveBack());
    document.body.append(this.dialog);
  }

  open(seat: number): void {
    const found = this.finder()?.of(seat);
    if (!found) return;
    const { activeElement } = document;
    this.opener = activeElement instanceof HTMLElement && activeElement !== document.body ? activeElement : null;
    this.show(found.photo, found.own ? "" : t("The nearest photographed seat to {seat}", { seat: this.nameOf(seat) }));
    if (!this.dialog.open) this.dialog.showModal();
  }

  /** A small photo in the map's corner leaves by itself: its button cannot take the focus any more. */
  private giveBack(): void {
    this.opener?.focus({ preventScroll: true });
    if (!this.opener || document.activeElement !== this.opener) this.home()?.focus({ preventScroll: true });
  }

  private show(photo: SeatPhoto, told = ""): void {
    const finder = this.finder();
    if (!finder) return;
    this.shown = photo;
    const from = this.nameOf(photo.ordinal);
    this.title.textContent = t("View from {seat}", { seat: from });
    this.told.textContent = told;
    this.told.hidden = !told;
    this.count.textContent = `${showNumber(finder.placeOf(photo.ordinal))} / ${showNumber(finder.ordinals.length)}`;
    this.walk.hidden = finder.ordinals.length < 2;
    const large = h("img", { class: "view-dialog__photo", src: photo.url, alt: t("The stage as it is seen from {seat}", { seat: from }), width: photo.width, height: photo.height, decoding: "async" });
    // The small one, which is here already, holds the place and the colours.
    large.style.backgroundImage = `url("${photo.small}")`;
    large.addEventListener("error", () => (this.told.textContent = t("The photo could not be loaded."), (this.told.hidden = false)));
    this.stage.replaceChildren(large);
  }

  private step(by: 1 | -1): void {
    const next = this.shown && this.finder()?.beside(this.shown.ordinal, by);
    if (next) this.show(next);
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key === "ArrowRight") this.step(1);
    else if (event.key === "ArrowLeft") this.step(-1);
    else return;
    event.preventDefault();
  }
}
