#!lua flags=allow-oom
-- Takes an id that leads to no readable record out of a place where it is in the way of others.
-- Idempotent.
-- KEYS[1] the place, a sorted set  [2] what is set aside
-- ARGV[1] the job id  [2] when to look again (ms)  [3] the place's lane (JSON) or ''  [4] now (ms)
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
if ARGV[3] ~= '' then seat(cjson.decode(ARGV[3]), tonumber(ARGV[4])) end
return redis.status_reply('OK')
