#!lua flags=no-writes
-- What the fair choice for a region looks at: a few tenants per source, a few units per tenant.
-- KEYS none: built from the prefix, as tenants are only known here
-- ARGV[1] prefix  [2] region (escaped)  [3] tenants per source  [4] units per tenant
--      [5…] sources (escaped)
-- Returns rows of words: 'running <n>', 'source <source> <running>',
--      'head <source> <tenant> <virtual time> <job> <job>…'
local prefix, region = ARGV[1], ARGV[2]
local rows = {'running ' .. redis.call('SCARD', prefix .. ':running:destination:' .. region)}
for index = 5, #ARGV do
  local source = ARGV[index]
  rows[#rows + 1] = 'source ' .. source .. ' '
    .. redis.call('SCARD', prefix .. ':running:source:' .. source)
  local seats = redis.call('ZRANGE', prefix .. ':tenants:' .. region .. ':' .. source, 0,
    tonumber(ARGV[3]) - 1, 'WITHSCORES')
  for seat = 1, #seats, 2 do
    local eligible = prefix .. ':eligible:' .. region .. ':' .. source .. ':' .. seats[seat]
    local jobs = redis.call('ZRANGE', eligible, 0, tonumber(ARGV[4]) - 1)
    rows[#rows + 1] = 'head ' .. source .. ' ' .. seats[seat] .. ' ' .. seats[seat + 1] .. ' '
      .. table.concat(jobs, ' ')
  end
end
return rows
