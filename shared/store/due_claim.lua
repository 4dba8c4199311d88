-- Domains whose problems are to be worked out now, for one who does that: they
-- are put off meanwhile, so that nobody else does, and come again if he dies.
--
-- KEYS  1 due  zset  tlsrpt_due.h   2 domains  zset  tlsrpt_index.h
-- ARGV  1 how many, at most   2 seconds that they are put off
--
-- Where the list was never made, it gets all domains of the index.  An empty
-- name, never due, says that it was.
--
-- Returns domain, score, domain, score, ...: those due for longest first.

local call = redis.call
local now = call('TIME')
local claimed = {}

if not call('ZSCORE', KEYS[1], '') then
    call('ZUNIONSTORE', KEYS[1], 2, KEYS[1], KEYS[2], 'WEIGHTS', 1, 0,
         'AGGREGATE', 'MAX')
    call('ZADD', KEYS[1], '+inf', '')
end

-- A score that only this claim has: no whole number of seconds.
local held = string.format('%.0f.%06d', now[1] + ARGV[2],
                           math.max(1, now[2]))

for _, domain in ipairs(call('ZRANGEBYSCORE', KEYS[1], '-inf', now[1], 'LIMIT',
                             0, ARGV[1])) do
    call('ZADD', KEYS[1], held, domain)
    claimed[#claimed + 1] = domain
    claimed[#claimed + 1] = call('ZSCORE', KEYS[1], domain)
end

return claimed
