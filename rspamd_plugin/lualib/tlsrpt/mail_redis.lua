--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Asks Redis for a mail, in the time that is left for it.

local lua_redis = require "lua_redis"

-- Redis takes no command with many arguments before the password, and says so
-- in other words than of a short one.
local function redis_error(err)
    local text = tostring(err)

    return text:find('unauthenticated', 1, true) and 'NOAUTH, ' .. text or text
end

-- plugin: redis_params, and functions of tlsrpt.lua: awaiting, time_left.
--
-- ask(mail, command, args, done, failed): done(reply) or failed(reason) is
-- called, once, if the mail is still open by then.
return function(plugin)
    return function(mail, command, args, done, failed)
        local left = plugin.time_left(mail)

        if left <= 0 then
            failed('no time left for Redis')
            return
        end

        local function answered(err, data)
            if err then
                failed(string.format('Redis, %s: %s', command,
                    redis_error(err)))
            else
                done(data)
            end
        end

        local params = plugin.redis_params
        local started = lua_redis.redis_make_request(mail.task, params, nil,
            true, plugin.awaiting(mail, 'Redis, ' .. command, answered),
            command, args, { timeout = math.min(params.timeout, left) })

        if not started then failed('cannot connect to Redis') end
    end
end
