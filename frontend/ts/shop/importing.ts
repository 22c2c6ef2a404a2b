/** Whether this tab is in import mode, and for which SeatView model: by the link that began it, until it is ended. */

const KEY = "placeur-photo-import";

export function importingModel(): number | null {
  const asked = Number(new URLSearchParams(location.search).get("seat-view"));
  try {
    if (asked > 0) sessionStorage.setItem(KEY, String(asked));
    return Number(sessionStorage.getItem(KEY)) || null;
  } catch {
    return asked || null; // storage is forbidden here: the link alone says so
  }
}

export function forgetImporting(): void {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // Nothing was kept.
  }
}
