-- Argo CD's health of an AppRelease. How to install it: README.md of this chart.
local function condition(kind)
  for _, c in ipairs(obj.status ~= nil and obj.status.conditions or {}) do
    if c.type == kind then return c end
  end
  return {}
end

local ready, stalled = condition("Ready"), condition("Stalled")
local generation = obj.status ~= nil and obj.status.observedGeneration or -1

if generation ~= obj.metadata.generation then
  return { status = "Progressing", message = "waiting for the controller to see this spec" }
elseif stalled.status == "True" then
  return { status = "Degraded", message = stalled.message }
elseif ready.status == "True" then
  return { status = "Healthy", message = ready.message }
end
return { status = "Progressing", message = ready.message or "" }
