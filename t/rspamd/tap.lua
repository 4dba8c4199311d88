--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- For tests that run in rspamadm's Lua: what they find, as TAP, and Redis.
--
--     local tap = dofile(arg[2])(arg[1])       -- see scenario() of Rspamd.pm
--     tap.ok(good, name)
--     tap.is(got, wanted, name)
--     tap.redis(command, args)                 -- its reply; raises its error
--     tap.ask(command, args)                   -- the same, nil as rspamd has it
--     tap.done()

local rspamd_redis = require "rspamd_redis"

local tests = 0
local tap = {}

function tap.ok(good, name)
    tests = tests + 1
    print(string.format('%sok %d - %s', good and '' or 'not ', tests, name))
end

function tap.is(got, wanted, name)
    tap.ok(got == wanted, name)

    if got ~= wanted then
        print(string.format('#      got: %s\n# expected: %s', tostring(got),
            tostring(wanted)))
    end
end

function tap.done()
    print('1..' .. tests)
end

-- rspamd gives a nil as an object of its own.
local function plain(reply)
    if type(reply) == 'table' then
        for i = 1, #reply do reply[i] = plain(reply[i]) end
    elseif type(reply) == 'userdata' then
        return nil
    end

    return reply
end

local function connect(socket)
    local good, connection = rspamd_redis.connect_sync({
        host = socket, port = 0, timeout = 10.0, config = rspamd_config,
        ev_base = rspamadm_ev_base, session = rspamadm_session,
    })

    assert(good, connection)

    return connection
end

-- socket: the path of Redis's.
return function(socket)
    local connection = connect(socket)

    function tap.ask(command, args)
        connection:add_cmd(command, args or {})

        local good, reply = connection:exec()

        if not good then
            -- rspamd takes no more by one that had an error
            connection = connect(socket)
            error('redis: ' .. tostring(reply), 0)
        end

        return reply
    end

    function tap.redis(command, args)
        return plain(tap.ask(command, args))
    end

    return tap
end
