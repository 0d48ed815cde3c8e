#!lua flags=no-writes
-- A page over one or several sorted sets of jobs, ordered by score and then by id. Reads at most a
-- page from each set, but for jobs of the very millisecond at which the page starts.
-- KEYS the sorted sets
-- ARGV[1] 'oldest' | 'newest'  [2] the page's size  [3] the score behind which it starts, '' for
--      the beginning  [4] the job behind which it starts
-- Returns job ids
local oldest, size = ARGV[1] == 'oldest', tonumber(ARGV[2])
local found = {}
for _, key in ipairs(KEYS) do
  local taken, offset = 0, 0
  while taken < size do
    local rows
    if oldest then
      rows = redis.call('ZRANGEBYSCORE', key, ARGV[3] == '' and '-inf' or ARGV[3], '+inf',
        'WITHSCORES', 'LIMIT', offset, size)
    else
      rows = redis.call('ZREVRANGEBYSCORE', key, ARGV[3] == '' and '+inf' or ARGV[3], '-inf',
        'WITHSCORES', 'LIMIT', offset, size)
    end
    if #rows == 0 then break end
    offset = offset + #rows / 2
    for row = 1, #rows, 2 do
      local job, score = rows[row], tonumber(rows[row + 1])
      local behind = ARGV[3] == '' or score ~= tonumber(ARGV[3])
        or (oldest and job > ARGV[4]) or (not oldest and job < ARGV[4])
      if behind and taken < size then
        found[#found + 1] = {score, job}
        taken = taken + 1
      end
    end
  end
end
table.sort(found, function(a, b)
  if a[1] ~= b[1] then return (a[1] < b[1]) == oldest end
  if a[2] == b[2] then return false end
  return (a[2] < b[2]) == oldest
end)
local page = {}
for index = 1, math.min(size, #found) do page[index] = found[index][2] end
return page
