-- A report is struck out, or that is taken back: all of it, or nothing.  Where it
-- stands, whoever calls this has found out: it is looked at again.
--
-- KEYS  1 list     list    the day's reports (tlsrpt_kept.h)
--       2 day_log  string  the day's packed reports (tlsrpt_packed.h)
--       3 month    hash    day of the month -> totals (tlsrpt_totals.h)
--       4 domain   hash    "all" -> totals ever; "s" -> totals struck out ever,
--                          which only grow; "w" -> how often something was
--                          struck out since problems were worked out last, and
--                          "s", "r" (restored) or "b" (both); "b" -> what an
--                          owner does not see (tlsrpt_totals.h)
--       5 closed   hash    the closed month (tlsrpt_closed.h)
--       6 acts     list    what people did, the newest first
-- ARGV  1 "s": it is struck out; "r": it is restored
--       2 element of the list   3 the entry, as it was   4 as it will be
--       5 successful sessions   6 failed sessions   7 when it came   8 when the
--         last one came before it, '': not known
--       9 day of the month   10 reports, successful, failed and overflow to take
--         from its totals, or add, with spaces between
--      11 where in the day log, '': it is not there   12 its packed report, as
--         it was   13 as it will be
--      14 head of the closed month, as it was ('': none)   15 as it will be
--      16 field of the chunk, '': it is in none   17 SHA-1 of the chunk   18 as
--         it will be
--      19 id of the event   20 event   21 seconds to keep it
--
-- Returns 1: done, or it had been by this very command; 0: it has changed; -1:
-- nothing is counted any more that it could be taken from.

local KEPT = 1000
local KNOWN = 8             -- of the latest events
local MOST = 9007199254740991

local call = redis.call
local pack, unpack_numbers = struct.pack, struct.unpack
local min, max = math.min, math.max
local list, day_log, month, domain, closed, acts = unpack(KEYS)
local sign = ARGV[1] == 's' and -1 or 1
local successful, failed, received = ARGV[5] + 0, ARGV[6] + 0, ARGV[7] + 0

-- Is it as it was?

for _, event in ipairs(call('LRANGE', acts, 0, KNOWN - 1)) do
    if event:find('"id":"' .. ARGV[19] .. '"', 1, true) then
        return 1
    end
end

local of_all = call('HGET', domain, 'all')
local of_day = call('HGET', month, ARGV[9])
local log

if call('LINDEX', list, ARGV[2]) ~= ARGV[3]
    or (call('HGET', closed, 'h') or '') ~= ARGV[14]
then
    return 0
end

if ARGV[11] ~= '' then
    log = call('GET', day_log) or ''

    if log:sub(ARGV[11] + 1, ARGV[11] + #ARGV[12]) ~= ARGV[12] then
        return 0
    end
end

if ARGV[16] ~= ''
    and redis.sha1hex(call('HGET', closed, ARGV[16]) or '') ~= ARGV[17]
then
    return 0
end

if not of_all or not (of_day or ARGV[14] ~= '') then
    return -1
end

-- What will be

local function changed(number, by)
    return max(0, min(number + sign * by, MOST))
end

local reports, ok, failures, last = unpack_numbers('<I7I7I7I7', of_all)

if sign > 0 then
    last = max(last, received)
elseif reports <= 1 then
    last = 0
elseif last == received and ARGV[8] ~= '' then
    last = ARGV[8] + 0
end

local all = pack('<I7I7I7I7', changed(reports, 1), changed(ok, successful),
                 changed(failures, failed), last)
local totals

if of_day then
    local by = {}

    for number in ARGV[10]:gmatch('%d+') do
        by[#by + 1] = number + 0
    end

    local of_reports, of_ok, of_failures, size
        = unpack_numbers('<I7I7I7I7', of_day)
    local overflow = #of_day > 28 and unpack_numbers('<I7', of_day, 29) or 0

    overflow = changed(overflow, by[4])
    totals = pack('<I7I7I7I7', changed(of_reports, by[1]),
                  changed(of_ok, by[2]), changed(of_failures, by[3]), size)

    if overflow > 0 then
        totals = totals .. pack('<I7', overflow)
    end
end

local struck = call('HGET', domain, 's')
local since = call('HGET', domain, 'w') or '0'

if sign < 0 then
    local s_reports, s_ok, s_failures = 0, 0, 0

    if struck then
        s_reports, s_ok, s_failures = unpack_numbers('<I7I7I7', struck)
    end

    struck = pack('<I7I7I7', min(s_reports + 1, MOST),
                  min(s_ok + successful, MOST), min(s_failures + failed, MOST))
end

-- What came before the domain was an owner's is not his, whatever becomes of it.

local before = call('HGET', domain, 'b')

if before then
    local day, b_reports, b_ok, b_failures, s_reports, s_ok, s_failures, types
        = before:match('^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)(.*)$')

    if day and received <= day + 0 then
        local gone = sign < 0 and 1 or 0

        before = string.format('%s %.0f %.0f %.0f %.0f %.0f %.0f%s', day,
            changed(b_reports + 0, 1), changed(b_ok + 0, successful),
            changed(b_failures + 0, failed), s_reports + gone,
            s_ok + gone * successful, s_failures + gone * failed, types)
    end
end

local times, how = since:match('^(%d+)(%a?)$')

how = (how == '' or how == ARGV[1]) and ARGV[1] or 'b'
since = string.format('%.0f%s', (times or 0) + 1, how or ARGV[1])

-- Whoever may not run one of these commands finds out before anything changes.

call('LSET', list, ARGV[2], ARGV[3])
call('HSET', domain, 'all', of_all)

if log then
    call('SET', day_log, log, 'KEEPTTL')
end

call('EXPIRE', acts, ARGV[21])
call('LTRIM', acts, 0, KEPT - 2)

-- From here on it is written

call('LPUSH', acts, ARGV[20])
call('EXPIRE', acts, ARGV[21])
call('LSET', list, ARGV[2], ARGV[4])
call('HSET', domain, 'all', all, 'w', since)

if struck then
    call('HSET', domain, 's', struck)
end

if before then
    call('HSET', domain, 'b', before)
end

if totals then
    call('HSET', month, ARGV[9], totals)
end

if log then
    call('SET', day_log, log:sub(1, ARGV[11] + 0) .. ARGV[13]
         .. log:sub(ARGV[11] + #ARGV[12] + 1), 'KEEPTTL')
end

if ARGV[15] ~= ARGV[14] then
    call('HSET', closed, 'h', ARGV[15])
end

if ARGV[16] ~= '' then
    call('HSET', closed, ARGV[16], ARGV[18])
end

return 1
