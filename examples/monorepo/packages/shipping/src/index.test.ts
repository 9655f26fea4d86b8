import assert from "node:assert/strict";
import { test } from "node:test";
import { shippingCost } from "./index.js";

test("half a cent goes up", () => assert.equal(shippingCost(250, "4.02"), "1.01"));
test("nothing weighs nothing", () => assert.throws(() => shippingCost(0, "4.02"), RangeError));
