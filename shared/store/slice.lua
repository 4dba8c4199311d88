-- What of a month is not closed yet: as much of it as one step closes.
--
-- KEYS  1 closed  hash  tlsrpt_closed.h
--       2 month   hash  day of the month -> totals (tlsrpt_totals.h)
--       3..       the logs of its days, then the sets of its digests
-- ARGV  1 days in the month   2 bytes of logs   3 digests: at most so many
--
-- Returns head ('': none), last chunk, last run, [day, totals, ...],
-- [day, bytes in its log, the first of them, ...], [members of a set, ...].

local call = redis.call
local ndays, room, most = ARGV[1] + 0, ARGV[2] + 0, ARGV[3] + 0
local head = call('HGET', KEYS[1], 'h') or ''
local chunk, run = '', ''

if head:byte() == 1 then
    local nchunks, nruns = struct.unpack('<I2I2', head, 25)

    chunk = call('HGET', KEYS[1], 'c' .. nchunks - 1) or ''
    run = call('HGET', KEYS[1], 'd' .. nruns - 1) or ''
end

local logs, sets = {}, {}

for day = 1, ndays do
    local size = call('STRLEN', KEYS[day + 2])

    if size > 0 then
        local bytes = room > 0 and call('GETRANGE', KEYS[day + 2], 0, room - 1)
                      or ''

        room = room - #bytes
        logs[#logs + 1] = day
        logs[#logs + 1] = size
        logs[#logs + 1] = bytes
    end
end

for n = ndays + 3, #KEYS do
    local members = {}

    if most > 0 and call('SCARD', KEYS[n]) > 0 then
        members = call('SRANDMEMBER', KEYS[n], most)
        most = most - #members
    end

    sets[#sets + 1] = members
end

return { head, chunk, run, call('HGETALL', KEYS[2]), logs, sets }
