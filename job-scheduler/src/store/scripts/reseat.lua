#!lua flags=allow-oom
-- Puts lanes where the limits of this configuration say. Idempotent.
-- KEYS none: the lanes carry theirs
-- ARGV[1] lanes (JSON)  [2] now (ms)
-- Returns how many
local lanes = cjson.decode(ARGV[1])
for _, lane in ipairs(lanes) do seat(lane, tonumber(ARGV[2])) end
return #lanes
