/** A small house: two rows of six with an aisle after the third seat, and a box of 2 × 2 at the side. */
import type { PlanJson } from "../../ts/seatmap/plan";

export function smallPlan(): PlanJson {
  const seats: { x: number; y: number; z: number; row: string; n: string; c: number; k: number }[] = [];
  const rows: number[][] = [];
  for (const [index, row] of ["A", "B"].entries()) {
    for (const from of [0, 3]) {
      const run: number[] = [];
      for (let i = from; i < from + 3; i++) {
        run.push(seats.length);
        seats.push({ x: 100 + i * 20 + (from ? 40 : 0), y: 100 + index * 25, z: 0, row, n: String(i + 1), c: 0, k: i === 5 ? 1 : 0 });
      }
      rows.push(run);
    }
  }
  const box: number[] = [];
  for (const [dx, dy] of [[0, 0], [20, 0], [20, 20], [0, 20]] as const) {
    box.push(seats.length);
    seats.push({ x: 20 + dx, y: 100 + dy, z: 1, row: "Box 1", n: String(box.length), c: 1, k: 0 });
  }
  rows.push(box);
  return {
    name: "Small", width: 400, height: 200, focal: [160, 20],
    categories: [{ name: "Gold", color: "#ff0000" }, { name: "Box", color: "#00aa00" }],
    zones: ["Stalls", "Boxes"],
    seats: {
      x: seats.map((s) => s.x), y: seats.map((s) => s.y), r: seats.map(() => 9), c: seats.map((s) => s.c),
      z: seats.map((s) => s.z), row: seats.map((s) => s.row), n: seats.map((s) => s.n), k: seats.map((s) => s.k),
    },
    rows,
    areas: [{ zone: "Stalls", shape: "rectangle", x: 100, y: 0, width: 120, height: 40, text: "Stage" }],
  };
}
