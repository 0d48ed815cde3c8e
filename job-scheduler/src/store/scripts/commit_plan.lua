#!lua flags=allow-oom
-- Replaces or removes a plan with its entries, if it still is what was read, and if nobody else
-- holds what it removes from now on. Repeating it after it was executed is a conflict, and does nothing.
-- KEYS[1] the plan  [2] the sequence of plans
-- ARGV[1] the version that was read  [2] the new record, '' to remove it  [3] the change (JSON)  [4] the plan's id
--      [5] the last change of what was read, as the record has it
-- Returns {'done', version} | {'conflict', ''} | {'held', image id}
if not is_what_was_read(KEYS[1], ARGV[1], ARGV[5]) then return {'conflict', ''} end
local plan = cjson.decode(ARGV[3])
for _, guard in ipairs(plan.alone) do
  if redis.call('SCARD', guard.key) ~= redis.call('SISMEMBER', guard.key, ARGV[4]) then
    return {'held', guard.image}
  end
end
local version = redis.call('INCR', KEYS[2])
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('HSET', KEYS[1], 'v', version, 'r', ARGV[2])
end
apply(plan.change)
return {'done', version}
