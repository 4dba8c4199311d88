-- A record of the registry and all that goes with it: all, or nothing.
--
-- KEYS  1 records   hash  tlsrpt_registry_read.h
--       2 meta      hash  epoch, version
--       3 versions  zset
--       4 untold    list
--       5.. those that ARGV names by their number
-- ARGV  1 domain   2 the version that was read, 0: there was no record
--       3 the new record without its version; '': it goes
--       4 the epoch, if there is none yet
--       5 how many events   6.. their JSON
--       then, by fours: what, number of a key, and two more:
--         limit   K, most, score       K has no more members above that score,
--                                      or has domain
--         free    K, token, ''         K says nothing of it but this domain
--         nobody  K, '', ''            K has no members
--         same    1, domain, version   the record of another has that version
--         zadd    K, score, member
--         keep    K, score, member     zadd, and K expires an hour later
--         hset    K, field, value
--         zrem    K, member, ''
--         hdel    K, field, ''
--
-- Returns the version that it was written with, also where the same was written
-- before; 0: somebody else was first; -1: over the limit; -2: the token is
-- another's; -3: there are members.  Nothing is done then.
--
-- Keys that lead to the record are made before it and taken away after it, and
-- nobody believes them without asking the record: should a command fail, the
-- record is as it was, and the next change mends the rest.

local call = redis.call
local records, meta, versions, untold = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local domain, expected, new = ARGV[1], ARGV[2], ARGV[3]

local function version_of(name)
    local text = call('HGET', records, name)

    if not text then
        return '0', ''
    end

    return text:match('^(%d+) (.*)$')
end

local version, record = version_of(domain)

if version ~= expected then
    -- by this very change, sent once before?
    return version and record == new and tonumber(version) or 0
end

local first = 6 + ARGV[5]
local checks = {
    limit = function(key, most, score)
        return call('ZSCORE', key, domain)
            or call('ZCOUNT', key, '(' .. score, '+inf') < tonumber(most), -1
    end,
    free = function(key, token)
        local owner = call('HGET', key, token)
        return not owner or owner == domain, -2
    end,
    nobody = function(key)
        return call('ZCARD', key) == 0, -3
    end,
    same = function(_, name, wanted)
        return version_of(name) == wanted, 0
    end,
}
local before = { zadd = 'ZADD', keep = 'ZADD', hset = 'HSET' }
local after = { zrem = 'ZREM', hdel = 'HDEL' }

for i = first, #ARGV, 4 do
    local check = checks[ARGV[i]]
    local key = KEYS[tonumber(ARGV[i + 1])]

    if check then
        local holds, answer = check(key, ARGV[i + 2], ARGV[i + 3])

        if not holds then
            return answer
        end
    end
end

for i = first, #ARGV, 4 do
    if before[ARGV[i]] then
        call(before[ARGV[i]], KEYS[tonumber(ARGV[i + 1])], ARGV[i + 2],
             ARGV[i + 3])
    end

    if ARGV[i] == 'keep' then
        call('EXPIRE', KEYS[tonumber(ARGV[i + 1])], 3600)
    end
end

call('HSETNX', meta, 'epoch', ARGV[4])

local written = call('HINCRBY', meta, 'version', 1)

for i = 6, first - 1 do
    call('RPUSH', untold, ARGV[i])
end

if new == '' then
    call('HDEL', records, domain)
    call('ZREM', versions, domain)
else
    call('ZADD', versions, written, domain)
    call('HSET', records, domain, written .. ' ' .. new)
end

for i = first, #ARGV, 4 do
    if after[ARGV[i]] then
        call(after[ARGV[i]], KEYS[tonumber(ARGV[i + 1])], ARGV[i + 2])
    end
end

return written
