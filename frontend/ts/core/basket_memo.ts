/** That there is a basket, remembered for the header of other pages: the cart's cookie is not for scripts to read. */

interface Memo {
  count: number;
  expires_at_ms: number;
}
const KEY = "placeur-basket";

export function rememberBasket(count: number, expiresAtMs: number | null): void {
  try {
    if (count && expiresAtMs) localStorage.setItem(KEY, JSON.stringify({ count, expires_at_ms: expiresAtMs }));
    else localStorage.removeItem(KEY);
  } catch {
    // Storage is forbidden here: the header simply shows no basket.
  }
  document.dispatchEvent(new CustomEvent("placeur:basket"));
}

export function rememberedBasket(): Memo | null {
  try {
    const memo = JSON.parse(localStorage.getItem(KEY) ?? "null") as Memo | null;
    return memo && memo.expires_at_ms > Date.now() ? memo : null;
  } catch {
    return null;
  }
}
