-- One step of closing a month: what slice.lua read of it moves into the hash of
-- the closed month, or nothing does: where anything of it has changed since,
-- where a command fails.  So a host may be killed anywhere, and several may
-- close the same month.
--
-- KEYS  1 closed  hash  tlsrpt_closed.h
--       2 month   hash  day of the month -> totals
--       3 domain  hash  its field "o:YYYY-MM": the month is not closed
--       4..       the logs of the month's days, then the sets of its digests
-- ARGV  1 head, as it was ('': none)  2 as it will be ('': there is no more to
--       close)  3 seconds to keep  4 days in the month  5 "o:YYYY-MM"
--       6 field of the chunk ('': none)  7 chunk
--       8 field of the run ('': none)  9 run
--       then three lists, each after its number:
--       day, bytes of its log, their SHA-1
--       day, totals
--       number of a set, how many of its members, members
--
-- Returns 0: it has changed; 1: done, and there may be more to close; 2: all
-- of the month is closed.

local call = redis.call
local closed, month, domain = KEYS[1], KEYS[2], KEYS[3]
local ndays = ARGV[4] + 0
local first_log, first_set = 3, ndays + 3       -- before them
local next_arg = 10

local function take(n)
    next_arg = next_arg + n

    return unpack(ARGV, next_arg - n, next_arg - 1)
end

local function list(n)
    local entries = {}

    for i = 1, take(1) do
        entries[i] = { take(n) }
    end

    return entries
end

-- Is it as it was?

if (call('HGET', closed, 'h') or '') ~= ARGV[1] then
    return 0
end

local logs, totals, sets = list(3), list(2), {}

for _, log in ipairs(logs) do
    log.key = KEYS[first_log + log[1]]
    log.size = log[2] + 0

    local bytes = call('GETRANGE', log.key, 0, log.size - 1)

    if #bytes ~= log.size or redis.sha1hex(bytes) ~= log[3] then
        return 0
    end
end

for _, of_day in ipairs(totals) do
    if call('HGET', month, of_day[1]) ~= of_day[2] then
        return 0
    end
end

for i = 1, take(1) do
    local number, count = take(2)

    sets[i] = { key = KEYS[first_set + number],
                members = { take(count + 0) } }
end

-- Whoever may not run one of these commands finds out before anything changes.

call('HDEL', domain, '')
call('EXPIRE', closed, ARGV[3])

for _, set in ipairs(sets) do
    call('SREM', set.key, '')
end

for _, log in ipairs(logs) do
    if call('STRLEN', log.key) > log.size then
        log.all = call('GET', log.key)
        call('SET', log.key, log.all, 'KEEPTTL')
    end
end

-- From here on it moves

if ARGV[2] ~= ARGV[1] then
    call('HSET', closed, 'h', ARGV[2])
    call('EXPIRE', closed, ARGV[3])
end

if ARGV[6] ~= '' then
    call('HSET', closed, ARGV[6], ARGV[7])
end

if ARGV[8] ~= '' then
    call('HSET', closed, ARGV[8], ARGV[9])
end

for _, log in ipairs(logs) do
    if log.all then
        call('SET', log.key, log.all:sub(log.size + 1), 'KEEPTTL')
    else
        call('EXPIRE', log.key, 0)
    end
end

for _, of_day in ipairs(totals) do
    call('HDEL', month, of_day[1])
end

for _, set in ipairs(sets) do
    call('SREM', set.key, unpack(set.members))
end

-- Is there more of it?

local left = call('HLEN', month)

for n = first_log + 1, #KEYS do
    left = left + (n > first_set and call('SCARD', KEYS[n])
                   or call('STRLEN', KEYS[n]))
end

if left > 0 then
    return 1
end

call('HDEL', domain, ARGV[5])

return 2
