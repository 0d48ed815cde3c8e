#!lua flags=allow-oom
-- Puts a job that was set aside back into all its places, or forgets one that does not exist; does
-- nothing when the record has changed since it was read.
-- KEYS[1] the job  [2] what is set aside
-- ARGV[1] the version that was read, '' for none  [2] the change (JSON) or ''  [3] the job id
if (redis.call('HGET', KEYS[1], 'v') or '') == ARGV[1] then
  if ARGV[2] ~= '' then apply(cjson.decode(ARGV[2])) end
  redis.call('ZREM', KEYS[2], ARGV[3])
end
return redis.status_reply('OK')
