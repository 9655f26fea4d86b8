-- Argo CD's health of an AppRelease. How to install it: README.md of this chart.
local function condition(kind)
  for _, c in ipairs(obj.status ~= nil and obj.status.conditions or {}) do
    if c.type == kind then return c end
  end
  return {}
end

-- It waits for somebody or for a clock, not for the cluster.
local holds = { Suspended = true, WaitingForApproval = true, WaitingForWindow = true, Paused = true }

local ready, reconciling, stalled = condition("Ready"), condition("Reconciling"), condition("Stalled")
local generation = obj.status ~= nil and obj.status.observedGeneration or -1

if generation ~= obj.metadata.generation then
  return { status = "Progressing", message = "waiting for the controller to see this spec" }
elseif stalled.status == "True" then
  return { status = "Degraded", message = stalled.message or "" }
elseif ready.status == "True" then
  return { status = "Healthy", message = ready.message or "" }
elseif holds[ready.reason or ""] or (ready.status ~= nil and reconciling.status ~= "True") then
  return { status = "Suspended", message = ready.message or "" }
end
return { status = "Progressing", message = ready.message or "" }
