-- One report, one policy domain: counted once, or not at all.
--
-- Atomic and idempotent: what is read first decides, and nothing is written
-- before all that may fail on a wrong type or value has been read.
--
-- KEYS  1 cell     string  the day's records (shared/tlsrpt_record.h)
--       2 seen     set     digests of the reports beyond the cell's head
--       3 month    hash    day of the month -> totals of the day
--       4 domain   hash    "all" -> totals ever, last report; "t:..." failures
--       5 list     hash    digest -> what the list of reports shows (JSON)
--       6 original string  the report as it came
-- ARGV  1 record   2 the same without failure details, '': it has none
--       3 digest, 8 bytes    4 the same as a decimal number
--       5 day of the month
--       6 successful sessions  7 failed sessions  8 sessions in failure details
--       9 now
--      10 seconds to keep the cell  11 the month  12 the domain
--      13 seconds to keep the original, 0: not kept  14 list entry  15 original
--      16.. result type, failed sessions, and so on
--
-- A digest in the cell's first HEAD bytes is found there: small cells, nearly
-- all, need no set.  (Lua hashes all of each string that it is given: a larger
-- head would cost more than all else here.)  Returns 1: counted, 0: had been
-- before.

local HEAD = 2048           -- of a cell, searched for digests
local DETAILED = 196608     -- a cell up to this size takes failure details
local FULL = 262144         -- and up to this one, records without
local LISTED = 10000        -- reports of a day
local MOST = 9007199254740991

local call, format, min = redis.call, string.format, math.min

local cell, seen, month, domain, list, original = unpack(KEYS)
local record, brief, digest, number = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

if brief == '' then
    brief = record
end

-- Does a record's digest begin at byte `at` of the head?
local function begins(head, at)
    local pos = 1

    while pos < at do
        local len, unit = 0, 1

        repeat
            local byte = head:byte(pos)

            if not byte then
                return false
            end

            pos = pos + 1
            len = len + byte % 128 * unit
            unit = unit * 128
        until byte < 128

        if pos == at then
            return true
        end

        pos = pos + len
    end

    return false
end

local function found(head)
    local at = head:find(digest, 1, true)

    while at do
        if begins(head, at) then
            return true
        end

        at = head:find(digest, at + 1, true)
    end

    return false
end

local function add(total, more)
    return min(total + more, MOST)
end

local head = call('GETRANGE', cell, 0, HEAD - 1)

if found(head) then
    return 0
end

local of_day = call('HGET', month, ARGV[5])
local listed = ARGV[13] ~= '0' and call('HLEN', list) < LISTED

-- The domain's fields: all, then the failures of each result type.
local fields = {'all'}

for i = 16, #ARGV, 2 do
    fields[#fields + 1] = 't:' .. ARGV[i]
end

local values = call('HMGET', domain, unpack(fields))
local of_all = values[1]

-- A cell that cannot take the record leaves it to the totals alone.
local size = #head < HEAD and #head or call('STRLEN', cell)
local taken = size + #record <= DETAILED and record or brief
local fits = size + #taken <= FULL

-- All that may fail on what others wrote is done before the first write.
local reports, successful, failed, over = 0, 0, 0, 0

if of_day then
    reports, successful, failed, over =
        of_day:match('^(%d+) (%d+) (%d+) (%d+)$')
end

local totals = format('%d %d %d %d', add(reports, 1), add(successful, ARGV[6]),
    add(failed, ARGV[7]), add(over, fits and 0 or ARGV[8]))

reports, successful, failed = 0, 0, 0

if of_all then
    reports, successful, failed = of_all:match('^(%d+) (%d+) (%d+) ')
end

local set = {'all', format('%d %d %d %s', add(reports, 1),
    add(successful, ARGV[6]), add(failed, ARGV[7]), ARGV[9])}

for i = 2, #fields do
    set[2 * i - 1] = fields[i]
    set[2 * i] = format('%d', add(values[i] or 0, ARGV[13 + 2 * i]))
end

-- The length of a record takes three bytes at most.
if #head + 3 + #digest > HEAD then
    if call('SADD', seen, number) == 0 then
        return 0
    end

    call('EXPIRE', seen, ARGV[10])
end

if fits and #head < HEAD then
    call('SET', cell, head .. taken, 'EX', ARGV[10])

elseif fits then
    call('APPEND', cell, taken)
end

call('HSET', month, ARGV[5], totals)
call('HSET', domain, unpack(set))

if not of_day then
    call('EXPIRE', month, ARGV[11])
end

if not of_day or not of_all then
    call('EXPIRE', domain, ARGV[12])
end

if listed then
    call('HSET', list, digest, ARGV[14])
    call('EXPIRE', list, ARGV[13])
    call('SET', original, ARGV[15], 'EX', ARGV[13])
end

return 1
