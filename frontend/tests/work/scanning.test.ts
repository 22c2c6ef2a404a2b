/** Scans at a gate (ACC-1): what the scanner typed, and honest answers when the network is away. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { check, newScanId, readTyped, type Reply, Sightings, toneOf } from "../../ts/work/scanning";

const good: Reply = { status: 200, body: { verdict: "admitted", title: "Welcome", detail: "", ticket: null, first: null } };
const nap = (): Promise<void> => Promise.resolve();

/** Answers in turn; "cut" is a network that fails. */
function line(...replies: (Reply | "cut")[]) {
  const sent: string[] = [];
  const send = (_: string, scanId: string): Promise<Reply> => {
    sent.push(scanId);
    const next = replies.shift() ?? "cut";
    return next === "cut" ? Promise.reject(new TypeError("network")) : Promise.resolve(next);
  };
  return { send, sent };
}

test("a verdict is a verdict", async () => {
  const answer = await check("P1X", "id", line(good).send, nap);
  assert.equal(answer.kind === "judged" && answer.scanned.verdict, "admitted");
});

test("a lost answer is asked for again with the same id", async () => {
  const { send, sent } = line("cut", "cut", good);
  assert.equal((await check("P1X", "same", send, nap)).kind, "judged");
  assert.deepEqual(sent, ["same", "same", "same"]);
});

test("when nobody answers, nothing is pretended", async () => {
  const { send, sent } = line();
  assert.deepEqual(await check("P1X", "id", send, nap, [1, 1]), { kind: "unreachable" });
  assert.equal(sent.length, 3);
});

test("a server in trouble and a proxy's page are no verdicts", async () => {
  for (const reply of [{ status: 503, body: {} }, { status: 429, body: {} }, { status: 200, body: null }, { status: 502, body: "<html>" }])
    assert.equal((await check("P1X", "id", line(reply).send, nap, [])).kind, "unreachable");
});

test("signed out is told at once and not tried again", async () => {
  const { send, sent } = line({ status: 401, body: { title: "Please sign in", detail: "d" } });
  assert.deepEqual(await check("P1X", "id", send, nap), { kind: "refused", status: 401, title: "Please sign in", detail: "d" });
  assert.equal(sent.length, 1);
});

test("what an American scanner types on a French keyboard is read back", () => {
  assert.equal(readTyped("P&QZA?à"), "P1AWQM0");
  assert.equal(readTyped("p&é\"'(-è_çà"), "P1234567890");
});

test("codes as they are, and in small letters, stay what they are", () => {
  assert.equal(readTyped("  P1AQ2\n"), "P1AQ2");
  assert.equal(readTyped("p1aq2"), "P1AQ2");
});

test("a code of somebody else's is left as it came", () => {
  assert.equal(readTyped("https://example.com/t?x=1"), "https://example.com/t?x=1");
});

test("a ticket held in front of the camera is scanned once, and again after it was gone", () => {
  const seen = new Sightings(2000);
  assert.deepEqual([0, 100, 1900, 3800, 5900].map((at) => seen.isNew("A", at)), [true, false, false, false, true]);
  assert.equal(seen.isNew("B", 5950), true);
});

test("only admitted is good", () => {
  for (const verdict of ["already_used", "unknown", "forged", "cancelled", "not_paid", "wrong_event", "a_new_one"]) assert.equal(toneOf(verdict), "bad");
  assert.equal(toneOf("admitted"), "good");
});

test("scan ids are 128 random bits", () => {
  assert.equal(newScanId((bytes) => bytes.fill(10)), "0a".repeat(16));
  assert.notEqual(newScanId(), newScanId());
});
