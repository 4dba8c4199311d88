-- One report, one policy domain: counted once, or not at all.
--
-- Atomic and idempotent: what is read first decides, and nothing is written
-- before what may fail on a wrong type or value has been read.  Where a command
-- fails after others, because the user may not run it or the day log cannot be
-- added to, those are taken back; so they are in an order in which that can be
-- done.
--
-- KEYS  1 day_log  string  the day's packed reports (tlsrpt_packed.h)
--       2 before   string  the log of the day before; or, where 9 is '2',
--         closed   hash    the closed month (tlsrpt_closed.h)
--       3 digests  set     digests of the week's reports
--       4 month    hash    day of the month -> totals (tlsrpt_totals.h)
--       5 domain   hash    "all" -> totals ever; "t:RESULT-TYPE" -> failures;
--                          "o:YYYY-MM" -> the day from which on the month can
--                          be closed, unless all of it is; "p" -> by which
--                          rules its problems are worked out, and how many are
--                          open (tlsrpt_state.h): absent where the data are
--                          older than that; "b" -> what is of another owner
--                          (tlsrpt_totals.h)
--       6 list     list    the day's reports, two elements each (tlsrpt_kept.h)
--       7 text     string  the text of a long one
--       without the last one the text is in the list; without the last two the
--       report is not kept
-- ARGV  1 packed   2 the same without failure details, '': always in full
--       3 digest, as a number   4 day of the month
--       5 successful sessions   6 failed sessions   7 now
--       8 what is seldom needed: seconds to keep the day log, the month and the
--         domain, when the month can be closed, as a day, sessions in failure
--         details, with spaces between; before them '?': a domain without data
--         is not counted
--       9 '1': the days after this one have had their reports; '2': and its
--         month may be closed; else ''
--      10 seconds to keep the report  11 its name  12 its entry, from the
--         version on  13 the text of a long one, or '': if it is kept
--      10 or 14.. result type, failed sessions, and so on
--
-- Returns 4: nothing done, as the domain has no data; 3: counted, the first of
-- its day, and a month can be closed; 2: counted, the first of its day; 1:
-- counted; 0: had been before.  16 more where it is counted and the domain has
-- open problems, or had data and none of its problems was ever worked out.

local DETAILED = 196608     -- a day log up to this size takes failure details
local FULL = 262144         -- and up to this one, packed reports without
local SMALL = 4096          -- a day log that is cheaper written than enlarged
local LISTED = 10000        -- reports of a day that are kept
local KEPT = 16777215       -- bytes of them
local NAMED = 2000          -- elements that are searched for the same name
local CLOSED = 31 * FULL    -- what is closed of a month, and what is to be
local ADDED = 7             -- days until what is added to a closed month joins
local MOST = 9007199254740991
local RULES = '1'           -- as in tlsrpt_state.h
local LOOK = 16

local try, min = redis.pcall, math.min
local pack, unpack_numbers = struct.pack, struct.unpack
local day_log, digests, month, domain = KEYS[1], KEYS[3], KEYS[4], KEYS[5]
local list, text = KEYS[6], KEYS[7]
local packed, digest, day = ARGV[1], ARGV[3], ARGV[4]
local successful, failed = ARGV[5] + 0, ARGV[6] + 0
local first_type = list and 14 or 10
local bad                   -- the first error
local doing                 -- the command that made it

-- What there is

doing = 'hget'
local of_day = try('HGET', month, day)
local of_all = try('HGET', domain, 'all')

bad = type(of_day) == 'table' and of_day or type(of_all) == 'table' and of_all

if ARGV[8]:byte() == 63 then            -- '?'
    if not bad and not of_all then
        return 4
    end

    ARGV[8] = ARGV[8]:sub(2)
end

local reports, ok, failures, size, overflow = 0, 0, 0, 0, 0
local all_reports, all_ok, all_failures = 0, 0, 0

if of_day and not bad then
    reports, ok, failures, size = unpack_numbers('<I7I7I7I7', of_day)

    if #of_day > 28 then
        overflow = unpack_numbers('<I7', of_day, 29)
    end
end

if of_all and not bad then
    all_reports, all_ok, all_failures = unpack_numbers('<I7I7I7I7', of_all)
end

-- A closed month

local head, stream = false, 0

-- Is the digest in one of its runs?  Each is sorted.
local function is_closed(digest)
    local hex = redis.sha1hex(head:sub(2, 17) .. digest)
    local short = tonumber(hex:sub(1, 6), 16) * 0x1000000
                  + tonumber(hex:sub(7, 12), 16)

    for n = 0, unpack_numbers('<I2', head, 27) - 1 do
        local run = redis.call('HGET', KEYS[2], 'd' .. n) or ''
        local low, high = 0, #run / 6

        while low < high do
            local middle = math.floor((low + high) / 2)
            local value = unpack_numbers('>I6', run, middle * 6 + 1)

            if value == short then
                return true
            elseif value < short then
                low = middle + 1
            else
                high = middle
            end
        end
    end

    return false
end

if ARGV[9] == '2' and not bad then
    head = redis.call('HGET', KEYS[2], 'h')

    if head and head:byte() ~= 1 then
        return { err = 'a later version has closed the month' }
    end

    if head and is_closed(digest) then
        return 0
    end

    stream = head and unpack_numbers('<I7', head, 18) or 0
end

-- A day log that cannot take the packed report leaves it to the totals alone.
if ARGV[2] ~= '' and size + #packed > DETAILED then
    packed = ARGV[2]
end

local fits = size + #packed <= FULL and stream + size + #packed <= CLOSED
-- has a key not expired yet?  Those of a month that may be closed come and go
local fresh = not of_day or not of_all or ARGV[9] == '2'
local whole, last, listed
local index, kept_bytes = 0, 0

-- APPEND leaves as much room behind a string again: one that is not going to
-- grow is written whole.
if not bad and ARGV[9] ~= '' and size < SMALL then
    doing = 'get'
    whole = try('GET', day_log)
    bad = type(whole) == 'table' and whole
end

if not bad and list then
    doing = 'lindex'
    last = try('LINDEX', list, -1)
    bad = type(last) == 'table' and last

    if last and not bad then
        index, kept_bytes = unpack_numbers('<I2I3', last)
        index = index + 1
    end

    kept_bytes = kept_bytes + #ARGV[11] + #ARGV[12] + #ARGV[13] + 5
    listed = index < LISTED and kept_bytes <= KEPT
end

-- Where there are new fields, taking back needs more: so Redis 7 is asked.
if not bad and fresh and redis.acl_check_cmd then
    for command, key in pairs({ SREM = digests, APPEND = day_log,
                                SET = day_log }) do
        if not bad and not redis.acl_check_cmd(command, key, '1') then
            doing, bad = command:lower(), { err = 'NOPERM' }
        end
    end

    if not bad and not redis.acl_check_cmd('HINCRBY', domain, 'all', 1) then
        doing, bad = 'hincrby', { err = 'NOPERM' }
    end

    if not bad and list and not redis.acl_check_cmd('LTRIM', list, 0, -3) then
        doing, bad = 'ltrim', { err = 'NOPERM' }
    end

    if not bad and list and not redis.acl_check_cmd('RPUSH', list, '1') then
        doing, bad = 'rpush', { err = 'NOPERM' }
    end
end

-- From here on it counts

local result, known, was_listed, kept, length
local twin, twin_was        -- the last report of the same name: where, and it
local entry = ARGV[12]
local done = 0              -- steps that may have to be taken back
local types = first_type    -- the result type that is next

if not bad then
    doing = 'sadd'
    known = try('SADD', digests, digest)

    if known == 0 then
        return 0
    end

    bad = type(known) == 'table' and known
    done = bad and 0 or 1
end

if not bad and (listed or fresh) then
    doing = 'expire'

    if listed then
        result = try('EXPIRE', list, ARGV[10])
    else
        result = try('EXPIRE', digests, ARGV[8]:match('^%d+ (%d+)'))
    end

    bad = type(result) == 'table' and result
    was_listed = result == 1
end

-- One that has the name of another says so, and the other too.
local function conflicting(bytes, at)
    local flags = bytes:byte(at)

    return flags % 4 >= 2 and bytes
        or bytes:sub(1, at - 1) .. string.char(flags + 2) .. bytes:sub(at + 1)
end

if not bad and listed and last and ARGV[11] ~= '' then
    doing = 'lpos'
    twin = try('LPOS', list, ARGV[11], 'RANK', -1, 'MAXLEN', NAMED)
    bad = type(twin) == 'table' and twin
end

if not bad and twin then
    doing = 'lindex'
    twin_was = try('LINDEX', list, twin + 1)
    bad = type(twin_was) == 'table' and twin_was
    entry = conflicting(entry, 2)
end

if not bad and listed and text then
    doing = 'set'
    kept = try('SET', text, ARGV[13], 'EX', ARGV[10], 'NX')
    bad = type(kept) == 'table' and kept.err and kept
end

if not bad then
    if not fits then
        overflow = min(overflow + ARGV[8]:match('%d+$'), MOST)
    else
        size = size + #packed
    end

    local totals = pack('<I7I7I7I7', min(reports + 1, MOST),
        min(ok + successful, MOST), min(failures + failed, MOST), size)

    if overflow > 0 then
        totals = totals .. pack('<I7', overflow)
    end

    doing = 'hset'
    result = try('HSET', month, day, totals)
    bad = type(result) == 'table' and result
    done = bad and done or 2
end

if not bad then
    local totals = pack('<I7I7I7I7', min(all_reports + 1, MOST),
        min(all_ok + successful, MOST), min(all_failures + failed, MOST),
        ARGV[7])

    if of_all then
        result = try('HSET', domain, 'all', totals)
    else
        result = try('HSET', domain, 'all', totals, 'p', RULES .. ' 0')
    end

    bad = type(result) == 'table' and result
    done = bad and done or 3
end

if not bad and fits then
    if whole then
        doing = 'set'
        result = try('SET', day_log, whole .. packed, 'KEEPTTL')
        bad = result.err and result
    else
        doing = 'append'
        length = try('APPEND', day_log, packed)
        bad = type(length) == 'table' and length
        fresh = fresh or length == #packed
    end

    done = bad and done or 4
end

if not bad and listed then
    doing = 'rpush'
    result = try('RPUSH', list, ARGV[11],
                 pack('<I2I3', index, kept_bytes) .. entry)
    bad = type(result) == 'table' and result
    done = bad and done or 5
end

if not bad and twin_was and #twin_was >= 7 then
    doing = 'lset'
    result = try('LSET', list, twin + 1, conflicting(twin_was, 7))
    bad = result.err and result
    done = bad and done or 6
end

-- A value that is no number, or the largest there is, stays.
while not bad and ARGV[types] do
    doing = 'hincrby'
    result = try('HINCRBY', domain, 't:' .. ARGV[types], ARGV[types + 1])

    if type(result) == 'table' and not result.err:find('integer')
        and not result.err:find('overflow')
    then
        bad = result
    end

    types = types + 2
end

if bad then
    -- Takes back what was done, and says which command it was.

    if done >= 6 then
        try('LSET', list, twin + 1, twin_was)
    end

    if done >= 5 then
        try('LTRIM', list, 0, -3)
    end

    if done >= 4 and length == #packed then
        try('EXPIRE', day_log, 0)
    elseif done >= 4 and fits then
        local bytes = whole or try('GET', day_log)

        if type(bytes) == 'string' then
            try('SET', day_log, whole or bytes:sub(1, -1 - #packed), 'KEEPTTL')
        end
    end

    local function forget(key, ...)         -- fields that were not there
        if type(try('HDEL', key, ...)) == 'table'
            and try('HLEN', key) == select('#', ...)
        then
            try('EXPIRE', key, 0)
        end
    end

    if done >= 3 and of_all then
        try('HSET', domain, 'all', of_all)
    elseif done >= 3 then
        forget(domain, 'all', 'p')
    end

    if done >= 2 and of_day then
        try('HSET', month, day, of_day)
    elseif done >= 2 then
        forget(month, day)
    end

    if kept and kept.ok then
        try('EXPIRE', text, 0)
    end

    if done >= 1 then
        try('SREM', digests, digest)
    end

    -- before Redis 7 it begins with where
    local reason = bad.err:gsub('^@?user_script: ?%d+: %-?', '')

    -- Redis 6, 7 and 8 say so in other words each
    if reason:find("can't run this command") or reason == 'NOPERM'
        or reason:find('ACL failure in script', 1, true)
    then
        reason = "NOPERM this user has no permissions to run the '" .. doing
            .. "' command"
    end

    return { err = reason }
end

if listed and not was_listed then
    redis.call('EXPIRE', list, ARGV[10])
end

if listed and text and not kept then        -- there was one
    redis.call('SET', text, ARGV[13], 'EX', ARGV[10])
end

local problems = of_all and try('HGET', domain, 'p')
local open = type(problems) == 'string' and problems:match('^%d+ (%d+)$')
local look = (of_all and not problems or open and open + 0 > 0) and LOOK or 0

if not fresh then
    return 1 + look
end

-- The first of its day: the day before has had its reports, nearly all

local keep_log, keep_month, keep_domain = ARGV[8]:match('(%d+) (%d+) (%d+)')

local due = ARGV[8]:match('(%d+) %d+$') + 0
local today = math.floor(ARGV[7] / 86400)

if head then
    due = today + ADDED
end

try('HSETNX', domain, 'o:' .. month:sub(-7), due)
try('EXPIRE', day_log, keep_log)
try('EXPIRE', digests, keep_month)
try('EXPIRE', month, keep_month)
try('EXPIRE', domain, keep_domain)

local before = ARGV[9] == '' and try('GET', KEYS[2])

if type(before) == 'string' then
    try('SET', KEYS[2], before, 'KEEPTTL')
end

local fields = try('HGETALL', domain)

for i = 1, #fields, 2 do
    if fields[i]:sub(1, 2) == 'o:'
        and (tonumber(fields[i + 1]) or MOST) <= today
    then
        return 3 + look
    end
end

return 2 + look
