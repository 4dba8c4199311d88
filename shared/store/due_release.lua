-- A domain's problems are worked out: when they are to be next.
--
-- KEYS  1 due  zset  tlsrpt_due.h
-- ARGV  1 domain   2 score that it was claimed with   3 seconds from now, or 0:
--       never
--
-- Returns 1; or 0: there is another score, as something came meanwhile, or the
-- claim was too old.

local call = redis.call
local was = call('ZSCORE', KEYS[1], ARGV[1])

if not was or was + 0 ~= ARGV[2] + 0 then
    return 0
end

if ARGV[3] == '0' then
    call('ZREM', KEYS[1], ARGV[1])
else
    call('ZADD', KEYS[1], call('TIME')[1] + ARGV[3], ARGV[1])
end

return 1
