/** SeatView for buyers (SEA-4, LIVE-5): the view from a seat beside the map, enlarged on demand, new photos by themselves. */
import { h, icon } from "../core/dom";
import { t } from "../core/i18n";
import type { SeatEvent, SeatMap } from "../seatmap/element";
import type { PlanJson } from "../seatmap/plan";
import { type SeatViews, ViewFinder } from "../seatmap/seat_view";
import { ViewDialog } from "../seatmap/view_dialog";
import { type View, ViewPanel } from "../seatmap/view_panel";

/** A new photo is told to everybody at once; they do not all ask at once. */
const SPREAD_MS = 2_000;
const TRY_AGAIN_MS = 5_000;
const TRIES_MAX = 5;

export class SeatViewing {
  private finder: ViewFinder | null = null;
  private readonly panel = new ViewPanel((seat) => this.viewOf(seat), (seat) => this.dialog.open(seat), () => this.makeRoom());
  private readonly dialog: ViewDialog;
  private readonly marks: HTMLButtonElement;
  /** What the feed told last, and what we have. */
  private wanted = "";
  private loaded = "";
  private looked = false;
  private timer = 0;
  private tries = 0;

  constructor(
    private readonly performance: number,
    private readonly plan: PlanJson,
    private readonly map: SeatMap,
  ) {
    this.dialog = new ViewDialog(() => this.finder, (seat) => map.nameOf(seat), () => map.querySelector<HTMLElement>(".seat-map__field"));
    this.marks = h("button", { class: "seat-map__tool", type: "button", hidden: true, title: t("Show seats with a photo"), aria: { label: t("Show seats with a photo"), pressed: "false" }, onclick: () => this.mark() }, icon("camera"));
    map.querySelector(".seat-map__tools")?.prepend(this.marks);
    map.querySelector(".seat-map__body")?.append(this.panel.element);
    map.addEventListener("seat-point", (event) => {
      const { seat, touch } = (event as CustomEvent<SeatEvent>).detail;
      if (this.finder) this.panel.point(seat, touch);
    });
    map.addEventListener("seat-look", (event) => this.dialog.open((event as CustomEvent<SeatEvent>).detail.seat));
  }

  /** The feed says which photos are the present ones. The first time is as good as any: pages open when they open. */
  hear(version: string): void {
    if (version === this.wanted) return;
    const first = !this.wanted;
    this.wanted = version;
    this.tries = 0;
    this.loadIn(first ? 0 : Math.random() * SPREAD_MS);
  }

  /** Where the feed does not get through, once. */
  async look(): Promise<void> {
    if (this.wanted || this.looked) return;
    this.looked = true;
    await this.load();
  }

  private loadIn(ms: number): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.load(), ms);
  }

  private async load(): Promise<void> {
    try {
      // With the version we were told, the answer is everybody's and may come from any cache on the way.
      const told = this.wanted ? `?version=${encodeURIComponent(this.wanted)}` : "";
      const response = await fetch(`/api/v1/performances/${this.performance}/seat-view${told}`);
      if (!response.ok) throw new Error(`seat-view: HTTP ${response.status}`);
      this.show((await response.json()) as SeatViews);
    } catch {
      // Seats can be chosen without photos: nobody is troubled.
    }
    // A process that has not heard of it yet may have answered.
    if (this.wanted && this.loaded !== this.wanted && this.tries++ < TRIES_MAX) this.loadIn(TRY_AGAIN_MS * (0.5 + Math.random()));
  }

  private show({ version, photos }: SeatViews): void {
    this.loaded = version;
    this.finder = photos.length ? new ViewFinder(this.plan, photos) : null;
    this.map.setPhotographed(this.finder?.ordinals ?? []);
    this.marks.hidden = !this.finder;
    this.panel.refresh();
  }

  /** On a phone the photo is a strip over the whole width, and a seat's card goes below it. */
  private makeRoom(): void {
    const { hidden, offsetTop, offsetHeight, offsetWidth } = this.panel.element;
    this.map.ceiling = !hidden && offsetWidth > this.map.offsetWidth / 2 ? offsetTop + offsetHeight : 0;
  }

  private viewOf(seat: number): View | null {
    const found = this.finder?.of(seat);
    return found ? { ...found, name: this.map.nameOf(seat), takenFrom: this.map.nameOf(found.photo.ordinal) } : null;
  }

  private mark(): void {
    const ring = this.marks.getAttribute("aria-pressed") !== "true";
    this.marks.setAttribute("aria-pressed", String(ring));
    this.map.setPhotographed(this.finder?.ordinals ?? [], ring);
  }
}
