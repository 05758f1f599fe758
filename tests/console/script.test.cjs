// What of the console's script needs no page. Run by tests/console/test_script.py.
"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");
const script = require("../../coordinator/console/static/console.js");

const MINUTE = 60_000;

test("a clock says what the server says", () => {
  const said = [
    [72 * 60, "3 days"],
    [48 * 60, "2 days"],
    [23 * 60 + 59, "23 h"],
    [3 * 60 + 12, "3 h 12 min"],
    [8 * 60, "8 h"],
    [60, "1 h"],
    [59.99, "59 min"],
    [10, "10 min"],
    [6 + 5 / 60, "6:05 min"],
    [0, "0:00 min"],
    [-0.1, "0 min late"],
    [-5, "5 min late"],
    [-28 * 60, "28 h late"],
    [-3 * 24 * 60, "3 days late"],
  ];
  for (const [minutes, text] of said) assert.equal(script.timeLeft(Math.round(minutes * MINUTE)), text);
});

test("times ago", () => {
  assert.equal(script.timeAgo(59_000), "just now");
  assert.equal(script.timeAgo(19 * MINUTE), "19 min ago");
  assert.equal(script.timeAgo(30 * 60 * MINUTE), "30 h ago");
});

test("canonical JSON sorts by UTF-16 code units and writes no space", () => {
  const value = { b: [3, 1], a: "\u00e9\n\"", "\ud83d\ude00": 1, "\ufb33": null };
  assert.equal(script.canonical(value), '{"a":"\u00e9\\n\\"","b":[3,1],"\ud83d\ude00":1,"\ufb33":null}');
});

test("SHA-256 of a known text", async () => {
  assert.equal(await script.sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

test("numbers in a button", () => {
  assert.equal(script.listed([7]), "no. 7");
  assert.equal(script.listed([7, 9]), "no. 7 and 9");
  assert.equal(script.listed([7, 9, 12]), "no. 7, 9 and 12");
  assert.equal(script.listed([1, 2, 3, 4, 5]), "5 addresses");
});

test("base64url there and back, without padding", () => {
  const bytes = Uint8Array.from([251, 255, 190, 0]);
  assert.equal(script.fromBytes(bytes.buffer), "-_--AA");
  assert.deepEqual(script.toBytes("-_--AA"), bytes);
  assert.equal(script.fromBytes(null), "");
});
