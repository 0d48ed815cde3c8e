#!lua flags=allow-oom
-- Forgets virtual times that are not ahead of their region's clock: who has none starts at the clock
-- all the same. Without this the hash would keep every tenant ever seen.
-- KEYS[1] the virtual times
-- ARGV[1] the cursor
-- Returns the next cursor
local clock = tonumber(redis.call('HGET', KEYS[1], '~clock') or '0')
local scan = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', 500)
for index = 1, #scan[2], 2 do
  local tenant = scan[2][index]
  if tenant ~= '~clock' and tonumber(scan[2][index + 1]) <= clock then
    redis.call('HDEL', KEYS[1], tenant)
  end
end
return tonumber(scan[1])
