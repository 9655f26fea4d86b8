import { Html, serve } from "@btc-shopflow/shared-core";
import { shippingCost } from "@btc-shopflow/shipping";

const orders = [
  { id: 1001, grams: 250 },
  { id: 1002, grams: 1800 },
];

function page(): Html {
  const rows = orders.map((order) => `<tr><td>${order.id}<td>${shippingCost(order.grams, "4.02")}`);
  return new Html(`<!doctype html><title>Orders</title><table><tr><th>Order<th>Shipping${rows.join("")}</table>\n`);
}

serve(new URL("../package.json", import.meta.url), { "/": page });
