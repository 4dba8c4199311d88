-- A domain's state, its mark and its events: all of it, or nothing.
--
-- KEYS  1 state   string  tlsrpt_state.h
--       2 domain  hash    "p" -> the mark of the state; "l" -> reports of the
--                         past that came since: tlsrpt_due.h; "w" -> what was
--                         struck out since: strike.lua
--       3 events  list    the newest first
--       4 untold  list    events on their way to alerts, the oldest first
-- ARGV  1 SHA-1 of the state that was read, '' where there was none; '-': this
--         is of events alone, and what is next of no matter
--       2 the mark that was read   3 what "l" was   4 what "w" was   '': there
--         was none
--       5 the new state, '': none   6 its mark   7 seconds to keep all of it
--       8.. id of an event, its JSON, and the same with its problem, for
--         alerts; '': not for them; and so on, the oldest first
--
-- Returns 0: somebody else was first, nothing is done; 1 + how many events are
-- on their way.

local KEPT = 1000
local WAITING = 64
local KNOWN = 128           -- of the latest events: none of them comes again
local NEWS = 604800         -- seconds: what is older need not be told at once

local call = redis.call
local state, domain, events, untold = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local of_events, keep = ARGV[1] == '-', ARGV[7]
local was, has_data, is_late, is_struck

-- What there is, which may be of the wrong type

if not of_events then
    was = call('GET', state)

    if (was and redis.sha1hex(was) or '') ~= ARGV[1]
        or (call('HGET', domain, 'p') or '') ~= ARGV[2]
    then
        return 0
    end

    has_data = call('HGET', domain, 'all')
    is_late = ARGV[3] ~= '' and call('HGET', domain, 'l') == ARGV[3]
    is_struck = ARGV[4] ~= '' and call('HGET', domain, 'w') == ARGV[4]
end

local known = table.concat(call('LRANGE', events, 0, KNOWN - 1), '\n')
local new, told = {}, {}

call('LLEN', untold)

for i = 8, #ARGV, 3 do
    if not known:find('"id":"' .. ARGV[i] .. '"', 1, true) then
        new[#new + 1] = ARGV[i + 1]
        told[#told + 1] = ARGV[i + 2] ~= '' and ARGV[i + 2] or nil
    end
end

-- From here on it is written.  Where a command fails, as the user may not run
-- it, those before it are taken back.

local bad
local done = {}

local function run(...)
    local result = not bad and redis.pcall(...)

    if type(result) == 'table' and result.err then
        bad = result
    end

    return not bad
end

if #new > 0 and run('LTRIM', events, 0, KEPT - #new - 1)
    and run('LPUSH', events, unpack(new))
then
    done.events = true
    run('EXPIRE', events, keep)
end

if #told > 0 and run('LTRIM', untold, #told - WAITING, -1)
    and run('RPUSH', untold, unpack(told))
then
    done.untold = true
    run('EXPIRE', untold, math.min(keep, NEWS))
end

if not of_events then
    if ARGV[5] ~= '' then
        done.state = run('SET', state, ARGV[5], 'EX', keep)
    elseif was then
        done.state = run('EXPIRE', state, 0)
    end

    if has_data and ARGV[2] ~= ARGV[6] then
        done.mark = run('HSET', domain, 'p', ARGV[6])
    end

    if is_late then
        run('HDEL', domain, 'l')
    end

    if is_struck then
        run('HDEL', domain, 'w')
    end
end

if not bad then
    return 1 + call('LLEN', untold)
end

if done.mark and ARGV[2] ~= '' then
    redis.pcall('HSET', domain, 'p', ARGV[2])
elseif done.mark then
    redis.pcall('HDEL', domain, 'p')
end

if done.state and was then
    redis.pcall('SET', state, was, 'EX', keep)
elseif done.state then
    redis.pcall('EXPIRE', state, 0)
end

if done.untold then
    redis.pcall('LTRIM', untold, 0, -1 - #told)
end

if done.events then
    redis.pcall('LTRIM', events, #new, -1)
end

return bad
