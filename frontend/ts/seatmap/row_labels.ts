/** The letter of a row beside its first and last seat, the name of a box over it. Measured once: text is slow. */
import { type Camera, toScreen } from "./camera";
import type { Colours } from "./palette";
import { type Box, type Hall, type Row, rowEnds } from "./plan";

interface Mark {
  text: string;
  /** Width of the text in units of its font size. */
  width: number;
  places: readonly (readonly [number, number])[];
  /** Where it stands as a box's name, and how wide the box is. */
  over: readonly [number, number];
  room: number;
}

const MEASURED_AT = 100;

export class RowLabels {
  private readonly marks: Mark[] = [];

  constructor(
    private readonly hall: Hall,
    ctx: CanvasRenderingContext2D,
    font: string,
  ) {
    ctx.save();
    ctx.font = `600 ${MEASURED_AT}px ${font}`;
    const widths = new Map<string, number>();
    for (const row of hall.rows) {
      if (!row.label) continue;
      let width = widths.get(row.label);
      if (width === undefined) widths.set(row.label, (width = ctx.measureText(row.label).width / MEASURED_AT));
      this.marks.push(markOf(hall, row, width));
    }
    ctx.restore();
  }

  paint(ctx: CanvasRenderingContext2D, colours: Colours, camera: Camera, view: Box): void {
    const size = this.hall.radius * camera.scale;
    const height = Math.min(Math.max(size * 0.95, 8.5), 17);
    ctx.font = `600 ${height.toFixed(1)}px ${colours.font}`;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillStyle = colours.label;
    ctx.globalAlpha = 0.72;
    for (const { text, width, places, over, room } of this.marks) {
      // A long name ("Loge 12") is a box's, not a row's: once, over it, as soon as it fits.
      const asBox = width * height > size * 2.3;
      if (asBox && width * height > room * camera.scale) continue;
      for (const [wx, wy] of asBox ? [over] : places) {
        if (wx < view.left || wx > view.right || wy < view.top || wy > view.bottom) continue;
        const [x, y] = toScreen(camera, wx, wy);
        ctx.fillText(text, x, y);
      }
    }
    ctx.globalAlpha = 1;
  }
}

function markOf(hall: Hall, row: Row, width: number): Mark {
  const { seats, label } = row;
  let [left, right, top] = [Infinity, -Infinity, Infinity];
  for (const seat of seats) {
    left = Math.min(left, hall.x[seat]!);
    right = Math.max(right, hall.x[seat]!);
    top = Math.min(top, hall.y[seat]!);
  }
  return {
    text: label,
    width,
    places: rowEnds(hall, row),
    over: [(left + right) / 2, top - hall.radius * 1.75],
    room: right - left + hall.radius * 3.4,
  };
}
