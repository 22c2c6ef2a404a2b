/** An order that waits: looks until the bank has spoken, patiently less often, and offers another try. */
import { ask, asProblem, newKey } from "../core/api";
import { byId } from "../core/dom";
import { readJson, t } from "../core/i18n";
import { rememberBasket } from "../core/basket_memo";
import { CountdownView } from "../shop/countdown_view";
import type { Order } from "../shop/types";

const { order } = readJson<{ order: Order }>("page-data")!;
const LOOK_FIRST_MS = 1_500;
const LOOK_SLOWEST_MS = 15_000;
const LONG_MS = 25_000;
const address = `/orders/${order.code}?key=${encodeURIComponent(order.key)}`;
const began = Date.now();

function look(afterMs: number): void {
  window.setTimeout(async () => {
    const now = await ask<Order>("GET", address).catch(() => null);
    if (now && (now.status !== order.status || now.payment?.status !== order.payment?.status)) {
      location.replace(order.url);
      return;
    }
    if (Date.now() - began > LONG_MS) showLong();
    look(Math.min(LOOK_SLOWEST_MS, afterMs * 1.25));
  }, afterMs);
}

/** Some banks take their time: nobody has to sit and watch. */
function showLong(): void {
  const words = document.getElementById("waiting");
  if (words) words.textContent = t("The bank takes its time. You may close this page: your seats are kept, and the tickets come by e-mail as soon as it has answered.");
  const retry = document.getElementById("retry");
  if (retry) retry.hidden = false;
}

async function payAgain(button: HTMLButtonElement): Promise<void> {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  try {
    const { pay_url } = await ask<{ pay_url: string | null }>(
      "POST", `/orders/${order.code}/payments?key=${encodeURIComponent(order.key)}`, { method: button.dataset["method"] ?? "card" }, { key: newKey() },
    );
    location.assign(pay_url ?? order.url);
  } catch (problem) {
    const { title, detail } = asProblem(problem);
    const notice = byId("problem");
    notice.hidden = false;
    notice.textContent = `${title}. ${detail}`;
    button.removeAttribute("aria-busy");
  }
}

rememberBasket(0, null);
const retry = document.getElementById("retry") as HTMLButtonElement | null;
retry?.addEventListener("click", () => void payAgain(retry));
addEventListener("pageshow", (event) => event.persisted && location.reload());
if (order.status === "pending") look(LOOK_FIRST_MS);
const clock = document.getElementById("countdown");
if (clock) {
  const until = Date.parse(order.deadline_at);
  new CountdownView(clock, { now: () => Date.now(), wholeMs: Math.max(60_000, until - Date.now()), onOver: () => location.replace(order.url) }).set(until);
}
