/**
 * The view from the seat one looks at: a small photo in a corner of the map. It keeps its size while a picture loads,
 * follows the pointer only where it rests, and leaves by itself.
 */
import { h, icon } from "../core/dom";
import { t } from "../core/i18n";
import type { SeatPhoto } from "./seat_view";

/** A mouse that passes over seats does not ask for their views; one that compares them already rests less long. */
const DWELL_MS = 320;
const DWELL_AGAIN_MS = 140;
/** Long enough for the way from the seat to the photo. */
const LINGER_MS = 1_600;
const LINGER_AFTER_TOUCH_MS = 9_000;

export interface View {
  photo: SeatPhoto;
  /** Whether it is of the very seat, or of the nearest one that has a photo. */
  own: boolean;
  /** The seat one looks at. */
  name: string;
  /** The seat where the photo was taken. */
  takenFrom: string;
}

export class ViewPanel {
  readonly element: HTMLElement;
  private readonly picture = h("img", { class: "seat-view__picture", alt: "", width: 480, height: 270, decoding: "async" });
  private readonly title = h("strong", { class: "seat-view__title" });
  private readonly place = h("span", { class: "seat-view__place" });
  private readonly enlarge: HTMLButtonElement;
  private timer = 0;
  private held = false;
  private seat = -1;
  private touched = false;

  constructor(
    private readonly viewOf: (seat: number) => View | null,
    private readonly onEnlarge: (seat: number) => void,
    /** It came, went or changed its size. */
    private readonly onShown: () => void,
  ) {
    this.enlarge = h(
      "button",
      { class: "seat-view__open", type: "button", onclick: () => this.onEnlarge(this.seat) },
      h("span", { class: "seat-view__frame" }, this.picture, h("span", { class: "seat-view__larger" }, icon("maximize"))),
      h("span", { class: "seat-view__text" }, this.title, this.place),
    );
    const close = h("button", { class: "seat-view__close", type: "button", title: t("Close"), aria: { label: t("Close") }, onclick: () => this.hide() }, icon("x"));
    this.element = h("aside", { class: "seat-view", aria: { label: t("View from the seat") }, hidden: true }, this.enlarge, close);
    this.picture.addEventListener("load", () => this.element.setAttribute("data-loaded", ""));
    this.picture.addEventListener("error", () => this.element.setAttribute("data-failed", ""));
    this.element.addEventListener("pointerenter", () => this.hold(true));
    this.element.addEventListener("pointerleave", () => this.hold(false));
    this.element.addEventListener("focusin", () => this.hold(true));
    this.element.addEventListener("focusout", () => this.hold(false));
  }

  /** Somebody looks at a seat, or (-1) at none any more. A finger hides what it points at, so its photo stays longer. */
  point(seat: number, touched = false): void {
    window.clearTimeout(this.timer);
    if (seat >= 0) {
      this.touched = touched;
      this.timer = window.setTimeout(() => this.show(seat), touched ? 0 : this.element.hidden ? DWELL_MS : DWELL_AGAIN_MS);
    } else if (!this.held) {
      this.timer = window.setTimeout(() => this.hide(), this.touched ? LINGER_AFTER_TOUCH_MS : LINGER_MS);
    }
  }

  /** The photos are others now: what is shown may have changed. */
  refresh(): void {
    if (!this.element.hidden) this.show(this.seat);
  }

  hide(): void {
    window.clearTimeout(this.timer);
    this.held = false;
    this.element.hidden = true;
    this.onShown();
  }

  private hold(held: boolean): void {
    this.held = held;
    window.clearTimeout(this.timer);
    if (!held) this.point(-1);
  }

  private show(seat: number): void {
    const view = this.viewOf(seat);
    if (!view) return this.hide();
    this.seat = seat;
    this.title.textContent = view.own ? t("View from this seat") : t("View from nearby");
    this.place.textContent = view.own ? view.name : t("Nearest photographed seat: {seat}", { seat: view.takenFrom });
    this.enlarge.setAttribute("aria-label", t("{label}: {value}", { label: t("Enlarge the photo"), value: t("the view from {seat}", { seat: view.takenFrom }) }));
    this.element.hidden = false;
    this.onShown();
    const address = new URL(view.photo.small, location.href).href;
    if (this.picture.src === address) return;
    this.element.removeAttribute("data-loaded");
    this.element.removeAttribute("data-failed");
    this.picture.src = address;
  }
}
