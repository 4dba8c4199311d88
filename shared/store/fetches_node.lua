-- A node says that it counts requests for policies, up to today.
--
-- KEYS  1 nodes  hash    see tlsrpt_fetches.h
-- ARGV  1 node   2 the day on which it began, or did not count all
--       3 where it counted up to this day or later, it went on: what it said of
--         when it began stands     4 today
--       5 the oldest day that is kept   6 seconds to keep all of it

local MOST = 64

local call, key, node = redis.call, KEYS[1], ARGV[1]
local first, last = string.match(call('HGET', key, node) or '', '^(%S+) (%S+)$')

if not last or last < ARGV[3] then
    first = ARGV[2]
end

call('HSET', key, node, first .. ' ' .. ARGV[4])

local all, days = call('HGETALL', key), {}

for i = 1, #all, 2 do
    local day = string.match(all[i + 1], ' (%S+)$') or ''
    if day < ARGV[5] then
        call('HDEL', key, all[i])
    elseif all[i] ~= node then
        days[#days + 1] = day .. ' ' .. all[i]
    end
end

table.sort(days)

for i = 1, #days - (MOST - 1) do
    call('HDEL', key, string.sub(days[i], #ARGV[4] + 2))
end

call('EXPIRE', key, ARGV[6])

return 1
