-- Counts requests for a policy, of one node, day and answer: a batch of them,
-- once.
--
-- KEYS  1 fetches  hash    see tlsrpt_fetches.h
-- ARGV  1 node     2 what the number of its batch belongs to   3 that number
--       4 today    5 the oldest day that is kept   6 seconds to keep all of it
--       7 field: "YYYY-MM-DD STATUS"               8 requests
--
-- Returns 1, or 0: it was counted before.

local MOST = 64

local call, key = redis.call, KEYS[1]
local mine = '@' .. ARGV[1]

local function is_counted()
    local number, zone = string.match(call('HGET', key, mine) or '',
                                      '^(%d+) %S+ (%S+)$')
    return zone == ARGV[2] and tonumber(number) >= tonumber(ARGV[3])
end

if is_counted() then
    return 0
end

call('HINCRBY', key, ARGV[7], ARGV[8])
call('HSET', key, mine, ARGV[3] .. ' ' .. ARGV[4] .. ' ' .. ARGV[2])

local days = {}
local all = call('HGETALL', key)

for i = 1, #all, 2 do
    local field = all[i]
    local day = string.match(all[i + 1], '^%d+ (%S+)') or field
    if day < ARGV[5] then
        call('HDEL', key, field)
    elseif string.sub(field, 1, 1) ~= '@' then
        days[#days + 1] = field
    end
end

table.sort(days)

for i = 1, #days - MOST do
    call('HDEL', key, days[i])
end

call('EXPIRE', key, ARGV[6])

return 1
