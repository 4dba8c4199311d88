-- Copyright (C) the tlsrpt authors
-- SPDX-License-Identifier: BSD-2-Clause

-- What the peers keep: the report's id, so that it counts once, and counters,
-- a field of a hash each.
--
-- KEYS  1 set of ids  2 hash of the domain and day
-- ARGV  1 id  2 seconds to keep them  3.. field, increment, and so on

if redis.call('SADD', KEYS[1], ARGV[1]) == 0 then
    return 0
end

for i = 3, #ARGV, 2 do
    redis.call('HINCRBY', KEYS[2], ARGV[i], ARGV[i + 1])
end

redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[2])

return 1
