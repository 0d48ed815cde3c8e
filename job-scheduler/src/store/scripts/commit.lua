#!lua flags=allow-oom
-- Replaces or removes a record with its index entries, if it still has the version that was read.
-- Guarded by that version: repeating it after it was executed is a conflict, and does nothing.
-- KEYS[1] the job  [2] the sequence
-- ARGV[1] the version that was read  [2] the new record, '' to remove it  [3] the change (JSON)
--      [4] the job id  [5] the channel  [6] the notice or ''  [7] the last change of what was read, as the record has it
-- Returns {'done', version} | {'conflict', ''} | {'drained', ''} | {'limit', ''} | {'claim', ''}
if not is_what_was_read(KEYS[1], ARGV[1], ARGV[7]) then return {'conflict', ''} end
local change = cjson.decode(ARGV[3])
local refused = refusal(change, ARGV[4])
if refused then return {refused, ''} end
local version = redis.call('INCR', KEYS[2])
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
  for _, key in ipairs(change.changed) do redis.call('ZREM', key, ARGV[4]) end
else
  redis.call('HSET', KEYS[1], 'v', version, 'r', ARGV[2])
  for _, key in ipairs(change.changed) do redis.call('ZADD', key, version, ARGV[4]) end
end
apply(change)
if ARGV[6] ~= '' then redis.call('PUBLISH', ARGV[5], ARGV[6] .. ' ' .. version) end
return {'done', version}
