-- An event of what people did, into its domain's list, once; and on its way to
-- alerts.
--
-- KEYS  1 acts    list  the newest first
--       2 untold  list  events on their way to alerts, the oldest first
--       3 domain  hash  totals of all time (tlsrpt_totals.h)
-- ARGV  1 id of the event   2 its JSON   3 the same as it is told to alerts
--       4 seconds to keep it
--       5 second from which on the domain is an owner's; '': it stays whose it
--         was
--
-- Returns 1: it is added; 0: it was there.  A list is never kept for less than
-- it was.

local KEPT = 1000
local WAITING = 64
local KNOWN = 128           -- of the latest events: none of them comes again
local NEWS = 604800         -- seconds: what is older need not be told at once

local call = redis.call
local acts, untold, domain, keep = KEYS[1], KEYS[2], KEYS[3], tonumber(ARGV[4])

local function expire(key, seconds)
    if call('TTL', key) < seconds then
        call('EXPIRE', key, seconds)
    end
end

-- What was counted by then is of others: field "b" of the domain.
local function note_before()
    local all = call('HGET', domain, 'all')

    if not all then
        return
    end

    local struck = call('HGET', domain, 's') or string.rep('\0', 21)
    local reports, successful, failed = struct.unpack('<I7I7I7', all)
    local s_reports, s_successful, s_failed = struct.unpack('<I7I7I7', struck)
    local text = string.format('%s %.0f %.0f %.0f %.0f %.0f %.0f', ARGV[5],
        reports, successful, failed, s_reports, s_successful, s_failed)
    local fields = call('HGETALL', domain)

    for i = 1, #fields, 2 do
        local name = fields[i]:match('^t:([%w-]+)$')

        if name and fields[i + 1]:find('^%d+$') then
            text = text .. ' ' .. name .. '=' .. fields[i + 1]
        end
    end

    call('HSET', domain, 'b', text)
end

local known = table.concat(call('LRANGE', acts, 0, KNOWN - 1), '\n')

call('LLEN', untold)

if known:find('"id":"' .. ARGV[1] .. '"', 1, true) then
    return 0
end

if ARGV[5] ~= '' then
    note_before()
end

call('RPUSH', untold, ARGV[3])
call('LTRIM', untold, -WAITING, -1)
expire(untold, math.min(keep, NEWS))
call('LPUSH', acts, ARGV[2])
call('LTRIM', acts, 0, KEPT - 1)
expire(acts, keep)

return 1
