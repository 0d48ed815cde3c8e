#!lua flags=allow-oom
-- Gives the store an identity, if it still has the one that was found, and raises counters that are behind.
-- KEYS[1] the identity  [2] the sequence  [3] the sequence of plans
-- ARGV[1] the identity that was found or ''  [2] the new one  [3] [4] how far the counters are at least
-- Returns {identity, sequence, sequence of plans}
if (redis.call('GET', KEYS[1]) or '') == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2]) end
for index = 2, 3 do
  local least = ARGV[index + 1]
  if tonumber(redis.call('GET', KEYS[index]) or '0') < tonumber(least) then
    redis.call('SET', KEYS[index], least)
  end
end
return redis.call('MGET', KEYS[1], KEYS[2], KEYS[3])
