#!lua flags=allow-oom
-- Takes units for which a message is due. Each lane's next ticket is moved ahead first, so a crash
-- behind this call costs a period and never doubles messages. Copies that were accepted just now are
-- passed over, for the gateway is publishing theirs; their lane is due again when that time is over.
-- KEYS[1] tickets  [2] ticket distances  [3] the destination's running set
-- ARGV[1] prefix  [2] region (escaped)  [3] now (ms)  [4] first distance (ms)
--      [5] longest distance (ms)  [6] stretch  [7] the most units  [8] destination limit
--      [9] source limit  [10] tenant limit  [11] the most lanes
--      [12] how long a copy is left to the gateway (ms)
-- Returns job ids
local prefix, region, now = ARGV[1], ARGV[2], tonumber(ARGV[3])
local most, announced = tonumber(ARGV[7]), tonumber(ARGV[12])
local room = tonumber(ARGV[8]) - redis.call('SCARD', KEYS[3])
local taken = {}
local lanes = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[11])
for _, name in ipairs(lanes) do
  if #taken >= most then break end
  local step = tonumber(redis.call('HGET', KEYS[2], name) or ARGV[4])
  local at = now + math.floor(step * tonumber(ARGV[6]))
  local source, tenant = string.match(name, '^(.*)|(.*)$')
  local eligible = prefix .. ':eligible:' .. region .. ':' .. source .. ':' .. tenant
  local wanted, youngest, fresh = most - #taken, '+inf', {}
  if source ~= '~errands' then
    youngest = string.format('%d', now - announced)
    fresh = redis.call('ZRANGEBYSCORE', eligible, '(' .. youngest, '+inf', 'WITHSCORES',
      'LIMIT', 0, 1)
    wanted = math.min(wanted, room,
      tonumber(ARGV[9]) - redis.call('SCARD', prefix .. ':running:source:' .. source),
      tonumber(ARGV[10])
        - redis.call('SCARD', prefix .. ':running:tenant:' .. region .. ':' .. tenant))
  end
  if fresh[2] then
    at = math.min(at, tonumber(fresh[2]) + announced)
  else
    redis.call('HSET', KEYS[2], name, string.format('%d', math.min(step * 2, tonumber(ARGV[5]))))
  end
  redis.call('ZADD', KEYS[1], string.format('%d', at), name)
  if wanted > 0 then
    local due = redis.call('ZRANGEBYSCORE', eligible, '-inf', youngest, 'LIMIT', 0, wanted)
    for _, job in ipairs(due) do
      taken[#taken + 1] = job
      if source ~= '~errands' then room = room - 1 end
    end
  end
end
return taken
