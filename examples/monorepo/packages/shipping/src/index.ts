import { Decimal } from "decimal.js";

/** Cents are exact: no floating point anywhere near money. */
export function shippingCost(grams: number, ratePerKg: string): string {
  if (!Number.isFinite(grams) || grams <= 0) throw new RangeError("grams must be above 0");
  return new Decimal(grams).div(1000).mul(ratePerKg).toFixed(2, Decimal.ROUND_HALF_UP);
}
