#!lua flags=allow-oom
-- Has a plan that cannot be read wait, or forgets one that does not exist. Idempotent.
-- KEYS[1] the plan  [2] what is due
-- ARGV[1] the plan's id  [2] until when (ms)
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('ZADD', KEYS[2], 'XX', ARGV[2], ARGV[1])
else
  redis.call('ZREM', KEYS[2], ARGV[1])
end
return redis.status_reply('OK')
