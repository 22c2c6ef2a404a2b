/** What a device of the house remembers by itself: which gate it stands at, whether it may make a sound. */

export function remembered<T>(name: string, otherwise: T, where: Storage = localStorage): T {
  try {
    const kept = where.getItem(`placeur-${name}`);
    return kept === null ? otherwise : (JSON.parse(kept) as T);
  } catch {
    return otherwise; // storage is forbidden here, or holds something of an older version
  }
}

export function remember(name: string, value: unknown, where: Storage = localStorage): void {
  try {
    where.setItem(`placeur-${name}`, JSON.stringify(value));
  } catch {
    // Storage is forbidden or full: it is remembered for as long as the page lives.
  }
}
