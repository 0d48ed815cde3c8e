-- Shared by the scripts that create, commit and move entries, which start with it. Carries out a change that
-- Rust has worked out (store/change.rs); store/memory/apply.rs does the same, line by line.

-- Whether a record, of a job or a plan, is the one that was read: by its version and its last change, as its text has
-- it. When Redis falls back to an older state its counter does too, and gives the same version once more: to what was
-- committed later.
local function is_what_was_read(key, version, last_change)
  local stands = redis.call('HMGET', key, 'v', 'r')
  return stands[1] == version and string.find(stands[2], last_change, 1, true) ~= nil
end

-- Whether the sender of a create has given up by now: at this time in milliseconds, '' for never.
local function is_too_late(not_after)
  if not_after == '' then return false end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000) > tonumber(not_after)
end

-- Puts a lane where the limits say: seated among its source's tenants while it has units and its
-- tenant has room, else not. A seat that is new, or has new units, is due a message.
local function seat(lane, now)
  local seated = redis.call('ZSCORE', lane.tenants, lane.tenant)
  if redis.call('ZCARD', lane.eligible) == 0 then
    redis.call('SREM', lane.lanes, lane.name)
  else
    redis.call('SADD', lane.lanes, lane.name)
    if not lane.running or redis.call('SCARD', lane.running) < lane.limit then
      local own = tonumber(redis.call('HGET', lane.virtual_times, lane.tenant) or '0')
      -- Who comes back starts at the region's clock: having been away earns nothing.
      local floor = tonumber(seated or redis.call('HGET', lane.virtual_times, '~clock') or '0')
      redis.call('ZADD', lane.tenants, math.max(own, floor), lane.tenant)
      local due = lane.ticket_at
      if not due and not seated then due = now end
      if due then
        local at = redis.call('ZSCORE', lane.tickets, lane.name)
        if not at or tonumber(at) > due then
          redis.call('ZADD', lane.tickets, due, lane.name)
        end
        redis.call('HDEL', lane.steps, lane.name)
      end
      return
    end
  end
  redis.call('ZREM', lane.tenants, lane.tenant)
  redis.call('ZREM', lane.tickets, lane.name)
  redis.call('HDEL', lane.steps, lane.name)
end

-- Lets a lane's tenant pay for a grant; the region's clock follows the one that was chosen.
local function charge(lane)
  local own = tonumber(redis.call('HGET', lane.virtual_times, lane.tenant) or '0')
  local clock = tonumber(redis.call('HGET', lane.virtual_times, '~clock') or '0')
  local seated = redis.call('ZSCORE', lane.tenants, lane.tenant)
  local paid = math.max(own, tonumber(seated or clock))
  redis.call('HSET', lane.virtual_times, '~clock', string.format('%d', math.max(clock, paid)),
    lane.tenant, string.format('%d', paid + 1))
end

-- The first refusal of a change, or nil.
local function refusal(change, job)
  if change.open and redis.call('HEXISTS', change.open.key, change.open.region) == 1 then
    return 'drained'
  end
  for _, guard in ipairs(change.guards) do
    if redis.call('SCARD', guard.key) >= guard.limit then return 'limit' end
  end
  if change.claim then
    local known = redis.call('HGET', change.claim.key, change.claim.claim)
    if known and known ~= job then return 'claim' end
  end
  return nil
end

local function apply(change)
  local full = {}
  for index, wake in ipairs(change.wakes) do
    full[index] = redis.call('SCARD', wake.running) >= wake.limit
  end
  for _, op in ipairs(change.removes) do
    if op.t == 's' then redis.call('SREM', op.k, op.m)
    elseif op.t == 'z' then redis.call('ZREM', op.k, op.m)
    else redis.call('HDEL', op.k, op.m) end
  end
  for _, op in ipairs(change.adds) do
    if op.t == 's' then redis.call('SADD', op.k, op.m)
    elseif op.t == 'z' then redis.call('ZADD', op.k, op.v, op.m)
    else redis.call('HSET', op.k, op.m, op.v) end
  end
  if change.charge then charge(change.charge) end
  for _, lane in ipairs(change.lanes) do seat(lane, change.now) end
  for index, wake in ipairs(change.wakes) do
    if full[index] and redis.call('SCARD', wake.running) < wake.limit then
      local first = redis.call('ZRANGE', wake.tenants, 0, 0)[1]
      if first then
        local name = wake.source .. '|' .. first
        redis.call('ZADD', wake.tickets, change.now, name)
        redis.call('HDEL', wake.steps, name)
      end
    end
  end
end
