-- An event of what people did, into its domain's list, once; and on its way to
-- alerts.
--
-- KEYS  1 acts    list  the newest first
--       2 untold  list  events on their way to alerts, the oldest first
-- ARGV  1 id of the event   2 its JSON   3 the same as it is told to alerts
--       4 seconds to keep it
--
-- Returns 1: it is added; 0: it was there.  A list is never kept for less than
-- it was.

local KEPT = 1000
local WAITING = 64
local KNOWN = 128           -- of the latest events: none of them comes again
local NEWS = 604800         -- seconds: what is older need not be told at once

local call = redis.call
local acts, untold, keep = KEYS[1], KEYS[2], tonumber(ARGV[4])

local function expire(key, seconds)
    if call('TTL', key) < seconds then
        call('EXPIRE', key, seconds)
    end
end

local known = table.concat(call('LRANGE', acts, 0, KNOWN - 1), '\n')

call('LLEN', untold)

if known:find('"id":"' .. ARGV[1] .. '"', 1, true) then
    return 0
end

call('RPUSH', untold, ARGV[3])
call('LTRIM', untold, -WAITING, -1)
expire(untold, math.min(keep, NEWS))
call('LPUSH', acts, ARGV[2])
call('LTRIM', acts, 0, KEPT - 1)
expire(acts, keep)

return 1
