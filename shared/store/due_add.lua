-- A domain's problems are to be worked out: soon, and no later than it was said
-- before.
--
-- KEYS  1 due  zset  tlsrpt_due.h
-- ARGV  1 domain   2 seconds from now
--
-- One that somebody works at is to be worked at once more when that was to be
-- over: its score, then whole seconds, is no longer the one that he has.
--
-- Returns 1: the list says something else now; 0: it does not.

local call = redis.call
local at = call('TIME')[1] + ARGV[2]
local was = call('ZSCORE', KEYS[1], ARGV[1])

if was then
    at = math.min(at, math.floor(was))

    if at == was + 0 then
        return 0
    end
end

call('ZADD', KEYS[1], string.format('%.0f', at), ARGV[1])

return 1
