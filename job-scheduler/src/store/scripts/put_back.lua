#!lua flags=allow-oom
-- Puts a job that was set aside back into all its places, or forgets one that does not exist; does
-- nothing when the record has changed since it was read.
-- KEYS[1] the job  [2] what is set aside
-- ARGV[1] the version that was read, '' for none  [2] the change (JSON) or ''  [3] the job id
--      [4] the last change of what was read, as the record has it
if ARGV[1] == '' then
  if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('ZREM', KEYS[2], ARGV[3]) end
elseif is_what_was_read(KEYS[1], ARGV[1], ARGV[4]) then
  apply(cjson.decode(ARGV[2]))
  redis.call('ZREM', KEYS[2], ARGV[3])
end
return redis.status_reply('OK')
