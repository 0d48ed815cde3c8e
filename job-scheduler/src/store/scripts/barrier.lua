#!lua flags=allow-oom
-- Writes something, so that waiting for a replica to have it waits for all before it.
-- KEYS[1] the barrier
-- ARGV[1] now (ms)
redis.call('SET', KEYS[1], ARGV[1])
return redis.status_reply('OK')
