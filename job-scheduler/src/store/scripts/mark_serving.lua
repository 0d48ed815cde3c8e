#!lua flags=allow-oom
-- Notes that schedulers are serving. After a silence longer than the gap they serve since now.
-- KEYS[1] the mark
-- ARGV[1] now (ms)  [2] the gap (ms)
-- Returns since when (ms)
local now = tonumber(ARGV[1])
local mark = redis.call('HMGET', KEYS[1], 'last', 'since')
local last, since = tonumber(mark[1] or '0'), tonumber(mark[2] or '0')
if now - last > tonumber(ARGV[2]) then since = now end
redis.call('HSET', KEYS[1], 'last', string.format('%d', math.max(last, now)),
  'since', string.format('%d', since))
return string.format('%d', since)
