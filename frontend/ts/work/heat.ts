/**
 * A house as heat (LIVE-6): each zone of the plan in the tint of its share sold, with the share written on it.
 *
 * The shapes are the plan's own rows drawn with a thick round pen, so that any plan has them; they are made once, and
 * figures only change a tint and a number. The tint is one hue from faint to full, told apart by lightness alone.
 */
import { ask } from "../core/api";
import { h } from "../core/dom";
import { showNumber, t } from "../core/i18n";
import type { Box, PlanJson } from "../seatmap/plan";
import { percent, type ZoneFigures } from "./figures";

export interface ZoneShape {
  name: string;
  /** An SVG path through the zone's rows. */
  path: string;
  /** Where its number stands, as shares of the picture's width and height. */
  left: number;
  top: number;
}

export interface HeatShapes {
  box: Box;
  /** The pen's width in the plan's units. */
  pen: number;
  zones: ZoneShape[];
}

const SVG = "http://www.w3.org/2000/svg";
const FAINTEST = 0.1;

/** How strong a zone's tint is for the share of it that is sold: never invisible, full only when it is full. */
export function tintOf(sold: number, capacity: number): number {
  return capacity ? FAINTEST + (1 - FAINTEST) * Math.min(1, sold / capacity) : 0;
}

export function shapesOf(plan: PlanJson): HeatShapes {
  const { x, y, r, z } = plan.seats;
  const radius = [...r].sort((a, b) => a - b)[r.length >> 1] ?? 10;
  const pen = radius * 2.7;
  const stages = plan.areas.filter((area) => area.shape !== "text" && area.text);
  const box: Box = {
    left: Math.min(extreme(x, Math.min), ...stages.map((area) => area.x)) - pen,
    top: Math.min(extreme(y, Math.min), ...stages.map((area) => area.y)) - pen,
    right: extreme(x, Math.max) + pen,
    bottom: extreme(y, Math.max) + pen,
  };
  const paths = plan.zones.map(() => [] as string[]);
  for (const run of plan.rows) {
    const points = run.map((seat) => `${round(x[seat]!)} ${round(y[seat]!)}`);
    // A single seat is a line of no length: only a round pen makes a dot of it where it moves a little.
    paths[z[run[0]!]!]!.push(`M${points.join("L")}${run.length < 2 ? "h.01" : ""}`);
  }
  let beside = 0;
  const zones = plan.zones.flatMap((name, zone) => {
    const spot = spotOf(plan, zone, radius, beside % 2 === 0);
    // Boxes behind boxes stand close: their numbers go left and right in turn.
    if (spot && Math.abs(spot[0] - plan.focal[0]) > radius) beside++;
    if (!spot) return [];
    return [{ name, path: paths[zone]!.join(""), left: (spot[0] - box.left) / (box.right - box.left), top: (spot[1] - box.top) / (box.bottom - box.top) }];
  });
  return { box, pen, zones };
}

/** Among its seats nearest to the house's axis, on one side of it where it has none there: the middle of a block, the crown of a horseshoe, the
 * inner boxes of a row of boxes. A plain middle would lie outside of most of these. */
function spotOf(plan: PlanJson, zone: number, radius: number, leftFirst: boolean): [number, number] | null {
  const { x, y, z } = plan.seats;
  const axis = plan.focal[0];
  const seats = [...z.keys()].filter((seat) => z[seat] === zone);
  if (!seats.length) return null;
  const near = extreme(seats.map((seat) => Math.abs(x[seat]! - axis)), Math.min);
  const inner = seats.filter((seat) => Math.abs(x[seat]! - axis) <= near + radius * 3);
  const onAxis = near < radius * 4;
  const wished = inner.filter((seat) => x[seat]! < axis === leftFirst);
  const side = onAxis || !wished.length ? inner : wished;
  const middle = side.reduce((sum, seat) => sum + y[seat]!, 0) / side.length;
  const across = onAxis ? axis : side.reduce((sum, seat) => sum + x[seat]!, 0) / side.length;
  return [across, middle];
}

/** One by one: a stadium's seats are too many for the arguments of one call. */
function extreme(values: readonly number[], pick: (a: number, b: number) => number): number {
  return values.reduce((best, value) => pick(best, value), values[0] ?? 0);
}

function round(n: number): number {
  return Math.round(n * 10) / 10;
}

const plans = new Map<string, Promise<HeatShapes | null>>();

/** The shapes of a plan version, asked for once: performances of one house share them. */
function shapesFor(performance: number, version: number): Promise<HeatShapes | null> {
  const key = String(version);
  let found = plans.get(key);
  if (!found) {
    found = ask<PlanJson>("GET", `/performances/${performance}/plan`).then(shapesOf, () => null);
    plans.set(key, found);
    // Out of reach just now: the next figures ask again.
    void found.then((shapes) => shapes || plans.delete(key));
  }
  return found;
}

export class HeatPlan {
  readonly element = h("div", { class: "heat", role: "img" });
  private readonly paths = new Map<string, { path: SVGPathElement; number: HTMLElement }>();
  private figures: readonly ZoneFigures[] = [];
  private asking = false;

  constructor(
    private readonly performance: number,
    private readonly version: number,
  ) {}

  show(zones: readonly ZoneFigures[]): void {
    this.figures = zones;
    if (!this.paths.size) void this.draw();
    this.tint();
  }

  private async draw(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    const shapes = await shapesFor(this.performance, this.version);
    this.asking = false;
    if (!shapes) return;
    const { box, pen } = shapes;
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `${box.left} ${box.top} ${box.right - box.left} ${box.bottom - box.top}`);
    this.element.style.setProperty("--shape", String((box.right - box.left) / (box.bottom - box.top)));
    const numbers = shapes.zones.map(({ name, path: d, left, top }) => {
      const ground = this.stroke(d, pen, "heat__ground");
      const path = this.stroke(d, pen, "heat__zone");
      svg.append(ground, path);
      const number = h("span", { class: "heat__n figure", style: { left: `${100 * left}%`, top: `${100 * top}%` } });
      this.paths.set(name, { path, number });
      return number;
    });
    this.element.replaceChildren(svg, ...numbers);
    this.tint();
  }

  private stroke(d: string, pen: number, className: string): SVGPathElement {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    path.setAttribute("class", className);
    path.setAttribute("stroke-width", String(pen));
    return path;
  }

  private tint(): void {
    for (const { name, sold, capacity } of this.figures) {
      const drawn = this.paths.get(name);
      if (!drawn) continue;
      drawn.path.style.strokeOpacity = tintOf(sold, capacity).toFixed(3);
      drawn.number.textContent = `${percent(sold, capacity)} %`;
    }
    this.element.setAttribute("aria-label", t("Sold by zone: {zones}", { zones: this.figures.map(({ name, sold, capacity }) => `${name || t("Hall")} ${showNumber(percent(sold, capacity))} %`).join(", ") }));
  }
}
