import { serve } from "@btc-shopflow/shared-core";

const settings = { shop: "btc-shopflow", currency: "CNY", languages: ["zh", "en"] };

serve(new URL("../package.json", import.meta.url), {
  "/": () => settings,
});
