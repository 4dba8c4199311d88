-- One report, one policy domain: counted once, or not at all.
--
-- Atomic and idempotent: what is read first decides, and nothing is written
-- before what may fail on a wrong type or value has been read.  The cell alone
-- is not read, and where it fails, the digest is taken back.
--
-- KEYS  1 cell     string  the day's records (tlsrpt_record.h)
--       2 before   string  the cell of the day before
--       3 seen     set     digests of the week's reports
--       4 month    hash    day of the month -> totals (tlsrpt_month.h)
--       5 domain   hash    "all" -> totals ever; "t:RESULT-TYPE" -> failures
--       6 list     hash    digest -> what the list of reports shows (JSON)
--       7 original string  the report as it came
--       without the last two, the original is not kept
-- ARGV  1 record   2 the same without failure details, '': always in full
--       3 digest, as a number   4 day of the month
--       5 successful sessions   6 failed sessions   7 now
--       8 what is seldom needed: seconds to keep the cell, the month and the
--         domain, sessions in failure details, with spaces between
--       9 '1': the days after this one have had their reports; else ''
--      10 seconds to keep the original  11 list entry  12 original  13 digest,
--         8 bytes: if it is kept
--      10 or 14.. result type, failed sessions, and so on
--
-- Returns 2: counted, the first of its day; 1: counted; 0: had been before.

local DETAILED = 196608     -- a cell up to this size takes failure details
local FULL = 262144         -- and up to this one, records without
local SMALL = 4096          -- a cell that is cheaper written than enlarged
local LISTED = 10000        -- reports of a day
local MOST = 9007199254740991

local call, min = redis.call, math.min
local pack, unpack = struct.pack, struct.unpack
local cell, seen, month, domain = KEYS[1], KEYS[3], KEYS[4], KEYS[5]
local record, digest, day = ARGV[1], ARGV[3], ARGV[4]
local successful, failed = ARGV[5] + 0, ARGV[6] + 0
local originals = #KEYS > 5

-- What there is

local reports, ok, bad, size, over = 0, 0, 0, 0, 0
local of_day = call('HGET', month, day)

if of_day then
    reports, ok, bad, size = unpack('<I7I7I7I7', of_day)

    if #of_day > 28 then
        over = unpack('<I7', of_day, 29)
    end
end

local all_reports, all_ok, all_bad = 0, 0, 0
local of_all = call('HGET', domain, 'all')

if of_all then
    all_reports, all_ok, all_bad = unpack('<I7I7I7I7', of_all)
end

-- A cell that cannot take the record leaves it to the totals alone.
if ARGV[2] ~= '' and size + #record > DETAILED then
    record = ARGV[2]
end

local fits = size + #record <= FULL

-- APPEND leaves as much room behind a string again: one that is not going to
-- grow is written whole.
local whole = ARGV[9] ~= '' and size < SMALL and call('GET', cell)
local listed = originals and call('HLEN', KEYS[6]) < LISTED

-- From here on it counts

if call('SADD', seen, digest) == 0 then
    return 0
end

local fresh = not of_day or not of_all      -- has a key not expired yet?

if not fits then
    over = min(over + ARGV[8]:match('%d+$'), MOST)

elseif whole then
    call('SET', cell, whole .. record, 'KEEPTTL')
    size = size + #record

else
    local length = redis.pcall('APPEND', cell, record)

    if type(length) == 'table' then
        call('SREM', seen, digest)
        return length
    end

    size = size + #record
    fresh = fresh or length == #record
end

local totals = pack('<I7I7I7I7', min(reports + 1, MOST),
    min(ok + successful, MOST), min(bad + failed, MOST), size)

if over > 0 then
    totals = totals .. pack('<I7', over)
end

call('HSET', month, day, totals)
call('HSET', domain, 'all', pack('<I7I7I7I7', min(all_reports + 1, MOST),
    min(all_ok + successful, MOST), min(all_bad + failed, MOST), ARGV[7]))

-- A value that is no number, or the largest there is, stays.
for i = originals and 14 or 10, #ARGV, 2 do
    redis.pcall('HINCRBY', domain, 't:' .. ARGV[i], ARGV[i + 1])
end

if listed then
    call('HSET', KEYS[6], ARGV[13], ARGV[11])
    call('EXPIRE', KEYS[6], ARGV[10])
    call('SET', KEYS[7], ARGV[12], 'EX', ARGV[10])
end

if not fresh then
    return 1
end

-- The first of its day: the day before has had its reports, nearly all

local keep_cell, keep_month, keep_domain = ARGV[8]:match('(%d+) (%d+) (%d+)')

call('EXPIRE', cell, keep_cell)
call('EXPIRE', seen, keep_month)
call('EXPIRE', month, keep_month)
call('EXPIRE', domain, keep_domain)

local before = ARGV[9] == '' and redis.pcall('GET', KEYS[2])

if type(before) == 'string' then
    call('SET', KEYS[2], before, 'KEEPTTL')
end

return 2
