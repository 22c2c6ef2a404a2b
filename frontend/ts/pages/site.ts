/** On every page: theme toggle, menus that close, the way to one's basket. */
import { t, tn } from "../core/i18n";
import { chooseTheme, currentTheme } from "../core/theme";
import { rememberedBasket } from "../core/basket_memo";

function wireTheme(): void {
  const toggle = document.getElementById("theme-toggle");
  const show = (): void => toggle?.setAttribute("aria-pressed", String(currentTheme() === "dark"));
  toggle?.addEventListener("click", () => {
    chooseTheme(currentTheme() === "dark" ? "light" : "dark");
    show();
  });
  show();
}

/** Menus are <details>: they work without us, but do not close by themselves. */
function wireMenus(): void {
  const menus = [...document.querySelectorAll<HTMLDetailsElement>("details.menu")];
  document.addEventListener("click", (event) => {
    for (const menu of menus) if (!menu.contains(event.target as Node)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const open = event.key === "Escape" ? menus.find((menu) => menu.open) : undefined;
    if (!open) return;
    open.open = false;
    open.querySelector("summary")?.focus();
  });
  // The rest of the address (an order's key, a page's filter) survives a change of language.
  for (const link of document.querySelectorAll<HTMLAnchorElement>("a[data-language]")) {
    const address = new URL(location.href);
    address.searchParams.set("language", link.dataset["language"] ?? "en");
    link.href = address.pathname + address.search;
  }
}

function showBasket(): void {
  const link = document.getElementById("basket-link");
  const basket = rememberedBasket();
  if (!link) return;
  link.hidden = !basket || location.pathname === "/checkout";
  if (!basket) return;
  link.dataset["count"] = String(basket.count);
  const count = document.getElementById("basket-link-count");
  if (count) count.textContent = tn("{n} ticket", "{n} tickets", basket.count);
  link.title = t("Your basket");
}

wireTheme();
wireMenus();
showBasket();
// On a phone the staff's tabs are wider than the screen: where one is must be among those that are seen.
document.querySelector(".work-tab[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
document.addEventListener("placeur:basket", showBasket);
