#!lua
-- Accepts a job, once per id and per idempotency key. The only script that is refused when memory
-- is full. Idempotent: repeating it finds the job. What a plan wishes for is accepted only while the
-- plan has the version that wished.
-- KEYS[1] the job  [2] the sequence  [3] the owner's open jobs or ''  [4] the idempotency key or ''
--      [5] the plan or ''
-- ARGV[1] the record  [2] the change (JSON)  [3] the job id  [4] open jobs that the owner may have or ''
--      [5] the channel  [6] the notice or ''  [7] now (ms)  [8] how long the key is remembered (ms)
--      [9] the plan's version or ''  [10] the time (ms, of Redis) after which nothing is accepted or ''
--      [11] the plan's last change, as its record has it
-- Returns {'new', version} | {'exists', ''} | {'key', job id} | {'limit', ''} | {'late', ''} | {'conflict', ''}
if redis.call('EXISTS', KEYS[1]) == 1 then return {'exists', ''} end
if is_too_late(ARGV[10]) then return {'late', ''} end
if KEYS[5] ~= '' and not is_what_was_read(KEYS[5], ARGV[9], ARGV[11]) then
  return {'conflict', ''}
end
if KEYS[4] ~= '' then
  local known = redis.call('HMGET', KEYS[4], 'job', 'until')
  if known[1] and tonumber(known[2]) > tonumber(ARGV[7]) then return {'key', known[1]} end
end
if ARGV[4] ~= '' and redis.call('SCARD', KEYS[3]) >= tonumber(ARGV[4]) then
  return {'limit', ''}
end
local change = cjson.decode(ARGV[2])
local version = redis.call('INCR', KEYS[2])
redis.call('HSET', KEYS[1], 'v', version, 'r', ARGV[1])
if KEYS[4] ~= '' then
  redis.call('HSET', KEYS[4], 'job', ARGV[3], 'until',
    string.format('%d', tonumber(ARGV[7]) + tonumber(ARGV[8])))
  -- Only to forget it some time; whether it still counts is decided by 'until'.
  redis.call('PEXPIRE', KEYS[4], ARGV[8])
end
for _, key in ipairs(change.changed) do redis.call('ZADD', key, version, ARGV[3]) end
apply(change)
if ARGV[6] ~= '' then redis.call('PUBLISH', ARGV[5], ARGV[6] .. ' ' .. version) end
return {'new', version}
