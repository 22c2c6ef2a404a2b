/** Name, e-mail, payment: checked as one leaves a field, sent once however often the button is pressed. */
import { ApiProblem, ask, asProblem, newKey } from "../core/api";
import { announce, byId } from "../core/dom";
import { money, readJson, t } from "../core/i18n";
import { CountdownView } from "../shop/countdown_view";
import { CartKeeper } from "../shop/cart";
import type { Cart, OrderPlaced } from "../shop/types";

const page = readJson<{ cart: Cart }>("page-data")!;
const form = document.getElementById("checkout") as HTMLFormElement | null;
const WHOLE_MS = 15 * 60_000;
let total = page.cart.total_minor;
let key = newKey();

const CHECKS: Record<string, (field: HTMLInputElement) => string> = {
  name: (field) => (field.value.trim() ? "" : t("Please tell us your name: it is printed on the tickets.")),
  email: (field) => (/^[^\s@,;<>"'()]+@[^\s@]+\.[^\s@.]+$/.test(field.value.trim()) ? "" : t("Please enter a valid e-mail address: your tickets are sent to it.")),
  accept_terms: (field) => (field.checked ? "" : t("Please accept the terms of sale.")),
};

function show(name: string, message: string): void {
  const field = document.getElementById(name);
  const error = document.getElementById(`${name}-error`);
  if (!field || !error) return;
  error.textContent = message;
  field.closest(".field")?.toggleAttribute("data-invalid", message !== "");
  if (message) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
}

function check(name: string): boolean {
  const field = document.getElementById(name) as HTMLInputElement;
  const message = CHECKS[name]?.(field) ?? "";
  show(name, message);
  return message === "";
}

function wire(ours: HTMLFormElement): void {
  for (const name of Object.keys(CHECKS)) {
    const field = byId<HTMLInputElement>(name);
    // Not while typing: nobody likes to be told that half an address is wrong.
    field.addEventListener("change", () => check(name));
    field.addEventListener("input", () => field.getAttribute("aria-invalid") && check(name));
  }
  // Pressing the button leaves the field before, whose error would move the button away from under the finger: the
  // click would meet nothing. All fields are checked by the click itself.
  byId("pay").addEventListener("mousedown", (event) => event.preventDefault());
  ours.addEventListener("submit", (event) => {
    event.preventDefault();
    void send(ours);
  });
  // Back from the bank by the browser's own cache.
  addEventListener("pageshow", (event) => event.persisted && busy(false));
}

function busy(is: boolean): void {
  const button = byId<HTMLButtonElement>("pay");
  if (is) button.setAttribute("aria-busy", "true");
  else button.removeAttribute("aria-busy");
}

async function send(ours: HTMLFormElement): Promise<void> {
  if (byId("pay").getAttribute("aria-busy") === "true") return;
  const wrong = Object.keys(CHECKS).filter((name) => !check(name));
  if (wrong[0]) {
    byId(wrong[0]).focus();
    return;
  }
  busy(true);
  tell(null);
  const said = new FormData(ours);
  try {
    const order = await ask<OrderPlaced>(
      "POST",
      "/orders",
      { name: said.get("name"), email: said.get("email"), method: said.get("method") ?? "", accept_terms: true, expected_total_minor: total },
      { key },
    );
    announce(t("Taking you to the payment page…"));
    location.assign(order.pay_url ?? order.url);
  } catch (problem) {
    busy(false);
    await refused(asProblem(problem));
  }
}

async function refused(problem: ApiProblem): Promise<void> {
  // A lost answer is asked for again under the same key; a refusal is final, the next try is another.
  if (problem.status > 0 && problem.status < 500) key = newKey();
  if (problem.errors.length) {
    for (const { field, message } of problem.errors) show(field, message);
    byId(problem.errors[0]!.field).focus();
    return;
  }
  tell(problem);
  if (problem.code === "price_changed" || problem.code === "hold_expired") {
    const cart = await ask<Cart>("GET", "/cart").catch(() => null);
    if (!cart) return;
    if (!cart.items.length) location.reload();
    total = cart.total_minor;
    byId("total").textContent = money(cart.total_minor, cart.currency);
    byId("pay-label").textContent = t("Pay {total}", { total: money(cart.total_minor, cart.currency) });
  }
}

function tell(problem: ApiProblem | null): void {
  const notice = byId("problem");
  notice.hidden = problem === null;
  notice.textContent = problem ? `${problem.title}. ${problem.detail}` : "";
  if (problem) notice.scrollIntoView({ block: "center" });
}

const keeper = new CartKeeper(page.cart);
keeper.accept(page.cart);
if (form) {
  wire(form);
  const countdown = new CountdownView(byId("countdown"), {
    now: () => keeper.serverNow(),
    wholeMs: WHOLE_MS,
    // Shows the empty basket with its explanation.
    onOver: () => void keeper.reload().then((cart) => (cart.items.length ? countdown.set(cart.expires_at_ms) : location.reload())).catch(() => location.reload()),
  });
  countdown.set(page.cart.expires_at_ms);
}
