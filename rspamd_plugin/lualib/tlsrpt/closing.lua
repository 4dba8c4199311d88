--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Months that are long over are packed in Redis, by whoever finds one due.
--
-- It goes with the task of the mail that has found it, when that is done: the
-- scanner waits, so it is bounded, and what is left is due again with the next
-- day.  No request goes without a task: rspamd 3.4 crashes when it ends while
-- one of those waits.

local lua_redis = require "lua_redis"
local rspamd_logger = require "rspamd_logger"
local rspamd_util = require "rspamd_util"

local MAX_COMMANDS = 32         -- of one mail
local MAX_SECONDS = 1

-- One domain after the other, as long as there is time.
local function run(task, redis_params, domains, start)
    local closing = start(table.remove(domains))
    local left = MAX_COMMANDS
    local ends = rspamd_util.get_ticks() + MAX_SECONDS
    local step

    local function answered(err, data)
        if err then
            rspamd_logger.infox(task, 'tlsrpt: a month is not closed yet: %s',
                err)
            closing:close()
        else
            closing:add(data)
            step()
        end
    end

    function step()
        local command, args = closing:next()

        while not command and #domains > 0 do
            closing:close()
            closing = start(table.remove(domains))
            command, args = closing:next()
        end

        left = left - 1

        if not command or left < 0 or rspamd_util.get_ticks() > ends
            or not lua_redis.redis_make_request(task, redis_params, nil, true,
                answered, command, args)
        then
            closing:close()
        end
    end

    step()
end

return run
