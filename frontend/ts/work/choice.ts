/** Which performances stand side by side (LIVE-6): of any events, up to four, named in the page's address. */

export const SIDES_MAX = 4;
const SIDES_FIRST = 3;

export interface Evening {
  id: number;
  event: number;
  event_title: string;
  /** With the performance's own title, where it has one. */
  title: string;
  starts_at: string;
}

/** Which to show: those asked for that still exist, else the next ones of the page's own event. */
export function chosenOf(own: readonly Pick<Evening, "id" | "starts_at">[], known: ReadonlySet<number>, asked: readonly number[], nowIso: string): number[] {
  const again = [...new Set(asked)].filter((id) => known.has(id));
  if (again.length) return again.slice(0, SIDES_MAX);
  // An evening stays until the next day begins: its house is what one looks at while it is on.
  const next = own.filter(({ starts_at }) => starts_at.slice(0, 10) >= nowIso.slice(0, 10)).map(({ id }) => id);
  return (next.length ? next : own.map(({ id }) => id)).slice(0, SIDES_FIRST);
}

/** One more or one fewer; never none, and the oldest choice gives way to a fifth. */
export function toggled(chosen: readonly number[], id: number): number[] {
  if (chosen.includes(id)) return chosen.length > 1 ? chosen.filter((other) => other !== id) : [...chosen];
  return [...chosen.slice(-(SIDES_MAX - 1)), id];
}

/** "?side=7,12" -> [7, 12]; what is no number is left out. */
export function askedIn(search: string): number[] {
  const asked = new URLSearchParams(search).get("side") ?? "";
  return asked.split(",").map(Number).filter((id) => Number.isSafeInteger(id) && id > 0);
}

export function withSides(search: string, chosen: readonly number[]): string {
  const params = new URLSearchParams(search);
  params.set("side", chosen.join(","));
  return `?${params.toString().replaceAll("%2C", ",")}`;
}

/** By event, in the order given; what stands there already is left out. */
export function othersByEvent(evenings: readonly Evening[], shown: readonly number[], own: number): Map<number, Evening[]> {
  const found = new Map<number, Evening[]>();
  for (const evening of evenings) {
    if (evening.event === own || shown.includes(evening.id)) continue;
    found.set(evening.event, [...(found.get(evening.event) ?? []), evening]);
  }
  return found;
}
