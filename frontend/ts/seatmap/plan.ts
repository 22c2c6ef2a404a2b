/**
 * A hall in the browser: the columns of the plan's JSON as typed arrays, all indexed by a seat's ordinal.
 *
 * The arrays are never copied or re-made while the page lives; only `states`, `mine`,
 * `waiting`, `opened` and `photographed` change.
 */

export interface AreaJson {
  zone: string;
  shape: "rectangle" | "circle" | "ellipse" | "polygon" | "text";
  x: number;
  y: number;
  width?: number;
  height?: number;
  radius_x?: number;
  radius_y?: number;
  rotation?: number;
  points?: [number, number][];
  color?: string;
  border_color?: string;
  text?: string;
  text_x?: number;
  text_y?: number;
  text_size?: number;
  text_color?: string;
}

export interface PlanJson {
  name: string;
  width: number;
  height: number;
  focal: [number, number];
  categories: { name: string; color: string }[];
  zones: string[];
  seats: {
    x: number[];
    y: number[];
    r: number[];
    c: number[];
    z: number[];
    row: string[];
    n: string[];
    k: number[];
  };
  rows: number[][];
  areas: AreaJson[];
}

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Seat states of the feed. Buyers only ever see FREE and TAKEN (1, a cashier's HELD). */
export const FREE = 0;
export const HELD = 1;
export const PENDING = 2;
export const SOLD = 3;
export const BLOCKED = 4;
export const USED = 5;
/** Kept for whoever has the key: an allotment's. */
export const ALLOTTED = 6;
/** Taken in a linked performance: through the season pass, or in one of its matches. */
export const LINKED = 7;

export const STANDARD = 0;
export const WHEELCHAIR = 1;
export const COMPANION = 2;

/** The seats of one labelled row of a zone, in order of place; a row broken by aisles is one of these. */
export interface Row {
  zone: number;
  label: string;
  seats: number[];
}

export class Hall {
  readonly n: number;
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly r: Float32Array;
  readonly category: Uint16Array;
  readonly zone: Uint16Array;
  readonly kind: Uint8Array;
  /** Which way a chair faces, radians: from the seat towards its front. */
  readonly facing: Float32Array;
  readonly states: Uint8Array;
  readonly mine: Uint8Array;
  /** Kept seats that this visitor may take: a key opens them, or a cashier sells from them. */
  readonly opened: Uint8Array;
  /** Asked for, not yet answered. */
  readonly waiting: Uint8Array;
  /** Seats with a photo of the view from them (SEA-4). */
  readonly photographed: Uint8Array;
  readonly rowLabel: readonly string[];
  readonly number: readonly string[];
  readonly runs: readonly (readonly number[])[];
  readonly rows: readonly Row[];
  readonly rowOf: Uint32Array;
  readonly bounds: Box;
  /** The usual radius: zoom levels and thresholds are told in it. */
  readonly radius: number;

  constructor(readonly plan: PlanJson) {
    const seats = plan.seats;
    this.n = seats.x.length;
    this.x = Float32Array.from(seats.x);
    this.y = Float32Array.from(seats.y);
    this.r = Float32Array.from(seats.r);
    this.category = Uint16Array.from(seats.c);
    this.zone = Uint16Array.from(seats.z);
    this.kind = Uint8Array.from(seats.k);
    this.rowLabel = seats.row;
    this.number = seats.n;
    this.runs = plan.rows;
    this.states = new Uint8Array(this.n);
    this.mine = new Uint8Array(this.n);
    this.waiting = new Uint8Array(this.n);
    this.opened = new Uint8Array(this.n);
    this.photographed = new Uint8Array(this.n);
    this.rows = gatherRows(plan);
    this.rowOf = new Uint32Array(this.n);
    this.rows.forEach((row, index) => row.seats.forEach((seat) => (this.rowOf[seat] = index)));
    this.facing = faceStage(this);
    this.bounds = boundsOf(this);
    this.radius = median(this.r) || 10;
  }

  /** Whether this visitor may take it now. */
  isFree(seat: number): boolean {
    return this.states[seat] === FREE || (this.states[seat] === ALLOTTED && this.opened[seat] === 1);
  }

  zoneName(seat: number): string {
    return this.plan.zones[this.zone[seat]!] ?? "";
  }

  categoryName(seat: number): string {
    return this.plan.categories[this.category[seat]!]?.name ?? "";
  }
}

function gatherRows(plan: PlanJson): Row[] {
  const rows = new Map<string, Row>();
  for (const run of plan.rows) {
    for (const seat of run) {
      const zone = plan.seats.z[seat]!;
      const label = plan.seats.row[seat]!;
      const key = `${zone}\n${label}`;
      const row = rows.get(key);
      if (row) row.seats.push(seat);
      else rows.set(key, { zone, label, seats: [seat] });
    }
  }
  return [...rows.values()];
}

/** Beyond this turn (radians) two neighbours are not side by side: a corner, or the next line of a box. */
const CORNER = 0.7;
/** A row of a few seats that turns is a box: its chairs all look the same way. */
const BOX_MAX = 10;

/** How plans write it: the same words as seating/assembly.py. `\b` knows ASCII letters only, so words are cut out. */
const STAGE_WORDS = /^(stage|sc[eè]ne|plateau|b[üu]hne|podium|escenario|palco|palcoscenico|screen|[ée]cran|arena|сцена)$/i;

/** Where chairs look: the middle of the drawn stage. The focal point says which seats are best, and may lie among the
 * seats themselves: whoever sits before it would turn their back on the stage. */
function stageOf({ areas, focal }: PlanJson): [number, number] {
  const stage = areas.find(({ text }) => text?.match(/\p{L}+/gu)?.some((word) => STAGE_WORDS.test(word)));
  if (!stage) return focal;
  const { left, top, right, bottom } = areaBox(stage);
  return [(left + right) / 2, (top + bottom) / 2];
}

/** Chairs stand square to their row, on the side of it where the stage is. */
function faceStage(hall: Hall): Float32Array {
  const facing = new Float32Array(hall.n);
  const [fx, fy] = stageOf(hall.plan);
  for (const run of hall.runs) {
    const along = run.slice(1).map((seat, i) => Math.atan2(hall.y[seat]! - hall.y[run[i]!]!, hall.x[seat]! - hall.x[run[i]!]!));
    const turns = along.some((angle, i) => i > 0 && turn(along[i - 1]!, angle) > CORNER);
    if (run.length < 2 || (turns && run.length <= BOX_MAX)) {
      const [cx, cy] = [mean(run, hall.x), mean(run, hall.y)];
      for (const seat of run) facing[seat] = Math.atan2(fy - cy, fx - cx);
      continue;
    }
    run.forEach((seat, i) => {
      const [before, after] = [along[i - 1] ?? along[i]!, along[i] ?? along[i - 1]!];
      // Round a corner a chair belongs to the line it ends.
      const angle = turn(before, after) > CORNER ? before : before + wrap(after - before) / 2;
      const [sx, sy] = [fx - hall.x[seat]!, fy - hall.y[seat]!];
      const side = -Math.sin(angle) * sx + Math.cos(angle) * sy >= 0 ? 1 : -1;
      facing[seat] = wrap(angle + (side * Math.PI) / 2);
    });
  }
  return facing;
}

function wrap(angle: number): number {
  return Math.atan2(Math.sin(angle), Math.cos(angle));
}

function turn(a: number, b: number): number {
  return Math.abs(wrap(b - a));
}

function mean(seats: readonly number[], of: Float32Array): number {
  return seats.reduce((sum, seat) => sum + of[seat]!, 0) / seats.length;
}

/** A longer label is a box's name, which is not written beside its seats. */
const LETTERS_MAX = 3;

/** Where a row's letter stands: one step further out than its first and its last seat; nowhere for a box or a pair. */
export function rowEnds({ x, y, r }: Pick<Hall, "x" | "y" | "r">, { seats }: Row): (readonly [number, number])[] {
  if (seats.length < 3) return [];
  const beyond = (end: number, next: number): readonly [number, number] => {
    const [dx, dy] = [x[end]! - x[next]!, y[end]! - y[next]!];
    const reach = (r[end]! * 2.15) / (Math.hypot(dx, dy) || 1);
    return [x[end]! + dx * reach, y[end]! + dy * reach];
  };
  return [beyond(seats[0]!, seats[1]!), beyond(seats[seats.length - 1]!, seats[seats.length - 2]!)];
}

/** All that is drawn: seats, the letters of their rows, stage and walls. */
function boundsOf(hall: Hall): Box {
  const box: Box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  const take = (left: number, top: number, right: number, bottom: number): void => {
    box.left = Math.min(box.left, left);
    box.top = Math.min(box.top, top);
    box.right = Math.max(box.right, right);
    box.bottom = Math.max(box.bottom, bottom);
  };
  for (let i = 0; i < hall.n; i++) {
    const [x, y, r] = [hall.x[i]!, hall.y[i]!, hall.r[i]!];
    take(x - r, y - r, x + r, y + r);
  }
  for (const row of hall.rows) {
    if (row.label.length > LETTERS_MAX) continue;
    const reach = hall.r[row.seats[0]!]! * 0.8;
    for (const [x, y] of rowEnds(hall, row)) take(x - reach, y - reach, x + reach, y + reach);
  }
  for (const area of hall.plan.areas) {
    const around = areaBox(area);
    take(around.left, around.top, around.right, around.bottom);
  }
  if (box.left > box.right) return { left: 0, top: 0, right: hall.plan.width || 1, bottom: hall.plan.height || 1 };
  return box;
}

export function areaBox(area: AreaJson): Box {
  const { x, y } = area;
  if (area.shape === "circle" || area.shape === "ellipse") {
    const [rx, ry] = [area.radius_x ?? 0, area.radius_y ?? 0];
    return { left: x - rx, top: y - ry, right: x + rx, bottom: y + ry };
  }
  if (area.shape === "polygon" && area.points?.length) {
    const xs = area.points.map((p) => x + p[0]);
    const ys = area.points.map((p) => y + p[1]);
    return { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
  }
  return { left: x, top: y, right: x + (area.width ?? 0), bottom: y + (area.height ?? 0) };
}

function median(values: Float32Array): number {
  return values.length ? Float32Array.from(values).sort()[values.length >> 1]! : 0;
}
