import assert from "node:assert/strict";
import { Transfers } from "./transfers.ts";

const summary = (transfers: Transfers, now: number) => {
  const { size, received } = transfers.total(now);
  return { size, received };
};

Deno.test("all together is the sum of what began", () => {
  const transfers = new Transfers();
  transfers.start("a", "a", 100, 0);
  transfers.start("b", "b", 50, 0);
  transfers.receive("a", 40, 10);
  assert.deepEqual(summary(transfers, 10), { size: 150, received: 40 });
  transfers.finish("b");
  assert.deepEqual(summary(transfers, 10), { size: 150, received: 90 });
  assert.deepEqual(transfers.active().map(({ label }) => label), ["a"]);
});

Deno.test("a transfer that starts over takes back what it counted", () => {
  const transfers = new Transfers();
  transfers.start("a", "a", 100, 0);
  transfers.receive("a", 70, 10);
  transfers.start("a", "a", 100, 20);
  assert.deepEqual(summary(transfers, 20), { size: 100, received: 0 });
});

Deno.test("a piece of work that tells how far it is moves by the difference", () => {
  const transfers = new Transfers();
  transfers.start("other", "other", 10, 0);
  for (const [done, now] of [[0, 0], [300, 1000], [600, 2000]]) transfers.measure("Checking", done, 1000, now);
  const [, checking] = transfers.active();
  assert.deepEqual([checking.label, checking.received, checking.size], ["Checking", 600, 1000]);
  assert.equal(checking.rate(2000), 300);
  assert.deepEqual(summary(transfers, 2000), { size: 1010, received: 600 });
});

Deno.test("what was kept of an earlier try is there, but makes no speed", () => {
  const transfers = new Transfers();
  transfers.start("a", "a", 1000, 0);
  transfers.resume("a", 900);
  transfers.receive("a", 50, 1000);
  const [transfer] = transfers.active();
  assert.equal(transfer.received, 950);
  assert.equal(transfer.rate(1000), 50);
});

Deno.test("the speed is that of the last seconds", () => {
  const transfers = new Transfers();
  transfers.start("a", "a", 1e9, 0);
  for (let now = 250; now <= 10_000; now += 250) transfers.receive("a", 1000, now);
  for (let now = 10_250; now <= 20_000; now += 250) transfers.receive("a", 10, now);
  assert.equal(Math.round(transfers.active()[0].rate(20_000)), 40);
});

Deno.test("the speed falls to nothing when nothing comes", () => {
  const transfers = new Transfers();
  transfers.start("a", "a", 1e9, 0);
  transfers.receive("a", 5000, 1000);
  for (let now = 1100; now < 12_000; now += 100) transfers.total(now);
  assert.equal(transfers.total(12_000).rate(12_000), 0);
});
