#!lua
-- Accepts a plan, once per id; refused when memory is full. Idempotent: repeating it finds the plan.
-- KEYS[1] the plan  [2] the sequence of plans  [3] the owner's plans
-- ARGV[1] the record  [2] the change (JSON)  [3] plans that the owner may have
--      [4] the time (ms, of Redis) after which nothing is accepted or ''
-- Returns {'new', version} | {'exists', ''} | {'limit', ''} | {'late', ''}
if redis.call('EXISTS', KEYS[1]) == 1 then return {'exists', ''} end
if is_too_late(ARGV[4]) then return {'late', ''} end
if redis.call('ZCARD', KEYS[3]) >= tonumber(ARGV[3]) then return {'limit', ''} end
local version = redis.call('INCR', KEYS[2])
redis.call('HSET', KEYS[1], 'v', version, 'r', ARGV[1])
apply(cjson.decode(ARGV[2]).change)
return {'new', version}
