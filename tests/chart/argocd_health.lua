-- lua5.1 tests/chart/argocd_health.lua: what Argo CD shows for each situation of docs/api.md, section 4.
local script = assert(loadfile("charts/btc-shopflow-deployer/files/argocd-health.lua"))

local function release(observed, ready, reason, stalled)
  local conditions = {}
  if ready then
    table.insert(conditions, { type = "Ready", status = ready, reason = reason, message = reason })
  end
  if stalled then
    table.insert(conditions, { type = "Stalled", status = "True", reason = reason, message = "cause" })
  end
  return { metadata = { generation = 2 }, status = { observedGeneration = observed, conditions = conditions } }
end

local cases = {
  { "no status yet", { metadata = { generation = 1 } }, "Progressing" },
  { "the CRD's default status", { metadata = { generation = 1 }, status = { observedGeneration = -1 } }, "Progressing" },
  { "an older generation was good", release(1, "True", "ReleaseSucceeded"), "Progressing" },
  { "rolling", release(2, "Unknown", "Progressing"), "Progressing" },
  { "the registry is down", release(2, "False", "RegistryUnavailable"), "Progressing" },
  { "good", release(2, "True", "ReleaseSucceeded"), "Healthy" },
  { "rolled back", release(2, "False", "RolledBack", true), "Degraded", "cause" },
  { "invalid", release(2, "False", "InvalidSpec", true), "Degraded", "cause" },
}

local failed = 0
for _, case in ipairs(cases) do
  obj = case[2] -- the global that Argo CD gives to a health script
  local health = script()
  if health.status ~= case[3] or (case[4] and health.message ~= case[4]) then
    failed = failed + 1
    print("FAILED  argocd: " .. case[1] .. ": " .. health.status .. ", wanted " .. case[3])
  end
end
os.exit(failed == 0 and 0 or 1)
