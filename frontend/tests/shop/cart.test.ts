/** LIVE-7, LIVE-10: one request at a time, and every answer shown. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { easier } from "../../ts/shop/best";
import { CartKeeper } from "../../ts/shop/cart";
import type { Cart } from "../../ts/shop/types";

const empty: Cart = { items: [], total_minor: 0, currency: "EUR", expires_at_ms: null, server_ms: 1000, performances: [] };
const asked: { method: string; path: string; key: string | null }[] = [];
let answer: (path: string) => { status: number; body: unknown };
let underway = 0;
let mostUnderway = 0;

beforeEach(() => {
  asked.length = underway = mostUnderway = 0;
  answer = () => ({ status: 201, body: { ...empty, total_minor: asked.length, server_ms: Date.now() } });
  Object.assign(globalThis, {
    document: { getElementById: () => null, documentElement: { lang: "en" }, dispatchEvent: () => true },
    CustomEvent: Event,
    localStorage: { setItem: () => undefined, removeItem: () => undefined },
    fetch: async (path: string, init: RequestInit) => {
      asked.push({ method: init.method ?? "", path, key: new Headers(init.headers).get("idempotency-key") });
      mostUnderway = Math.max(mostUnderway, ++underway);
      await new Promise((done) => setImmediate(done));
      underway--;
      const { status, body } = answer(path);
      return new Response(JSON.stringify(body), { status });
    },
  });
});

test("two taps in a row become two requests, one after the other, each with a key of its own", async () => {
  const keeper = new CartKeeper(empty);
  await Promise.all([keeper.takeSeats(7, [1]), keeper.takeSeats(7, [2])]);
  assert.equal(mostUnderway, 1);
  assert.deepEqual(asked.map(({ method, path }) => `${method} ${path}`), ["POST /api/v1/cart/items", "POST /api/v1/cart/items"]);
  assert.notEqual(asked[0]!.key, asked[1]!.key);
});

test("a refusal reaches whoever asked, and does not block the next request", async () => {
  const keeper = new CartKeeper(empty);
  answer = () => ({ status: 409, body: { code: "seat_taken", title: "Someone was quicker", detail: "…", nearest: [4, "x", 5] } });
  await assert.rejects(keeper.takeSeats(7, [1]), (problem: Error & { code?: string; numbers?: (n: string) => number[] }) => {
    assert.equal(problem.code, "seat_taken");
    assert.deepEqual(problem.numbers?.("nearest"), [4, 5]);
    return true;
  });
  answer = () => ({ status: 200, body: { ...empty, total_minor: 12 } });
  assert.equal((await keeper.takeSeats(7, [2])).total_minor, 12);
  assert.equal(keeper.cart.total_minor, 12);
});

test("countdowns go by the server's clock", () => {
  const keeper = new CartKeeper({ ...empty, server_ms: Date.now() + 3_600_000 });
  assert.ok(Math.abs(keeper.serverNow() - Date.now() - 3_600_000) < 1000);
});

test("a counter's cart is another one", async () => {
  await new CartKeeper(empty, "/counter/cart").empty();
  assert.equal(`${asked[0]!.method} ${asked[0]!.path}`, "DELETE /api/v1/counter/cart");
});

test("a code is shown after whatever was asked before, and never makes a second cart (AHEAD-2)", async () => {
  answer = (path) => ({ status: 201, body: path.endsWith("/keys") ? { allotments: [{ id: 12, seats: [4] }] } : { ...empty, server_ms: Date.now() } });
  const keeper = new CartKeeper(empty);
  const taken = keeper.takeSeats(1, [3]);
  const shown = keeper.presentKey("KABC");
  await taken;
  assert.deepEqual((await shown).map(({ id }) => id), [12]);
  assert.equal(mostUnderway, 1);
  assert.deepEqual(asked.map(({ path }) => path), ["/api/v1/cart/items", "/api/v1/cart/keys"]);
});

test("an unknown code is told, and the next request goes on", async () => {
  answer = (path) => (path.endsWith("/keys") ? { status: 422, body: { code: "unknown_key", detail: "We do not know this code." } } : { status: 201, body: { ...empty, server_ms: Date.now() } });
  const keeper = new CartKeeper(empty);
  await assert.rejects(keeper.presentKey("KNO"), { code: "unknown_key" });
  await keeper.takeSeats(1, [3]);
});

test("a wish that cannot be met is made easier one condition at a time (LIVE-8)", () => {
  const wish = { count: 9, categories: ["Gold"], wheelchairs: 1, rows_max: 2 };
  const first = easier(wish)!;
  assert.deepEqual(first.wish, { ...wish, rows_max: 0 });
  const second = easier(first.wish)!;
  assert.deepEqual(second.wish, { ...wish, rows_max: 0, categories: [] });
  assert.equal(easier(second.wish), null, "a wheelchair is no wish that one lets go");
});
