-- The head of a closed month, and what is beside it: at one moment, so that
-- nothing is moved from one to the other in between.
--
-- KEYS  1 closed  hash              2 hash of the month, or log of a day
-- ARGV  1 HGETALL, GET
--
-- Returns the head ('': none; tlsrpt_closed.h), what the other holds.

return { redis.call('HGET', KEYS[1], 'h') or '',
         redis.call(ARGV[1], KEYS[2]) or '' }
