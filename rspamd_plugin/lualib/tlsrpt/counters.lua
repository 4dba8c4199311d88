--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- What became of the reports that came by mail, for BASE/metrics of nginx:
-- a hash PREFIX:mail in Redis, status -> how many, which does not expire.
--
-- A worker writes at once what there is, and one lot at a time: what happens
-- meanwhile goes with the next.  What Redis did not take stays, too.  No
-- request goes without its mail's task: rspamd 3.4 crashes when it ends while
-- one of those waits.

local lua_redis = require "lua_redis"
local rspamd_logger = require "rspamd_logger"
local rspamd_util = require "rspamd_util"

local PAUSE = 5                 -- seconds, after Redis did not take it
local MAX_LOTS = 4              -- of one task

local counters = {}
counters.__index = counters

function counters:failed(task, status, n, err)
    self.counts[status] = (self.counts[status] or 0) + n
    self.paused_until = rspamd_util.get_ticks() + PAUSE

    rspamd_logger.infox(task, 'tlsrpt: %s of %s not written yet: HINCRBY: %s',
        status, self.key, err)
end

-- Writes what there is, and then what came meanwhile.
function counters:write(task, lots)
    local counts = self.counts

    self.counts = {}

    local function answered()
        self.waiting = self.waiting - 1

        if self.waiting == 0 and lots > 1 and next(self.counts)
            and rspamd_util.get_ticks() >= self.paused_until
        then
            self:write(task, lots - 1)
        end
    end

    for status, n in pairs(counts) do
        self.waiting = self.waiting + 1

        local started = lua_redis.redis_make_request(task, self.redis_params,
            nil, true, function(err)
                if err then self:failed(task, status, n, err) end
                answered()
            end, 'HINCRBY', { self.key, status, tostring(n) })

        if not started then
            self:failed(task, status, n, 'cannot connect')
            answered()
        end
    end
end

-- One more report of the status.
function counters:add(status)
    self.counts[status] = (self.counts[status] or 0) + 1
end

-- To be called with a task that may wait for Redis.
function counters:flush(task)
    if self.waiting == 0 and next(self.counts)
        and rspamd_util.get_ticks() >= self.paused_until
    then
        self:write(task, MAX_LOTS)
    end
end

return function(redis_params, key)
    return setmetatable({
        redis_params = redis_params,
        key = key,
        counts = {},            -- not written yet
        waiting = 0,            -- answers of Redis
        paused_until = 0,       -- in ticks
    }, counters)
end
