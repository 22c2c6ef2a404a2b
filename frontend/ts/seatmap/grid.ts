/** A uniform grid over the seats: who is here, who is nearest. Two flat arrays, built once, no object per cell. */
import type { Box } from "./plan";

export class Grid {
  private readonly columns: number;
  private readonly rows: number;
  private readonly starts: Uint32Array;
  private readonly items: Uint32Array;

  constructor(
    private readonly x: Float32Array,
    private readonly y: Float32Array,
    private readonly bounds: Box,
    private readonly cell: number,
  ) {
    this.columns = Math.max(1, Math.ceil((bounds.right - bounds.left) / cell) + 1);
    this.rows = Math.max(1, Math.ceil((bounds.bottom - bounds.top) / cell) + 1);
    this.starts = new Uint32Array(this.columns * this.rows + 1);
    this.items = new Uint32Array(x.length);
    for (let i = 0; i < x.length; i++) this.starts[this.cellOf(x[i]!, y[i]!) + 1]!++;
    for (let c = 1; c < this.starts.length; c++) this.starts[c]! += this.starts[c - 1]!;
    const next = this.starts.slice();
    for (let i = 0; i < x.length; i++) this.items[next[this.cellOf(x[i]!, y[i]!)]!++] = i;
  }

  private column(x: number): number {
    return Math.min(this.columns - 1, Math.max(0, Math.floor((x - this.bounds.left) / this.cell)));
  }

  private row(y: number): number {
    return Math.min(this.rows - 1, Math.max(0, Math.floor((y - this.bounds.top) / this.cell)));
  }

  private cellOf(x: number, y: number): number {
    return this.row(y) * this.columns + this.column(x);
  }

  /** Calls back for each seat whose centre is in the box, in no particular order. */
  within(box: Box, visit: (seat: number) => void): void {
    const [c0, c1] = [this.column(box.left), this.column(box.right)];
    const [r0, r1] = [this.row(box.top), this.row(box.bottom)];
    for (let r = r0; r <= r1; r++) {
      const end = this.starts[r * this.columns + c1 + 1]!;
      for (let k = this.starts[r * this.columns + c0]!; k < end; k++) {
        const i = this.items[k]!;
        const [x, y] = [this.x[i]!, this.y[i]!];
        if (x >= box.left && x <= box.right && y >= box.top && y <= box.bottom) visit(i);
      }
    }
  }

  /** The seat nearest to a point, at most `reach` away, or -1. */
  nearest(x: number, y: number, reach: number, accept: (seat: number) => boolean = () => true): number {
    let found = -1;
    let best = reach * reach;
    this.within({ left: x - reach, top: y - reach, right: x + reach, bottom: y + reach }, (i) => {
      const [dx, dy] = [this.x[i]! - x, this.y[i]! - y];
      const d = dx * dx + dy * dy;
      if (d <= best && accept(i)) {
        best = d;
        found = i;
      }
    });
    return found;
  }
}
