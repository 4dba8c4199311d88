--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Coroutines that wait for answers.
--
--   spawn(fn, ...)   runs fn in one
--   await(start)     there: begins what answers later, by start(done), and
--                    returns what done() is called with, now or later; only its
--                    first call counts.  An error of start is raised.
--
-- start runs outside of the coroutine: rspamd_udp calls back in the very Lua
-- thread that it was called in, which must not be one that waits.

local rspamd_logger = require "rspamd_logger"

local exports = {}

local FAILED = {}

local function run(co, ...)
    local ok, start = coroutine.resume(co, ...)

    if not ok then
        rspamd_logger.errx(rspamd_config, 'tlsrpt: %s', start)
        return
    end

    if coroutine.status(co) == 'dead' then return end

    local answered = false

    local function done(...)
        if answered then return end

        answered = true
        run(co, ...)
    end

    local started, err = pcall(start, done)

    if not started then done(FAILED, err) end
end

local function received(first, ...)
    if first == FAILED then error(..., 0) end

    return first, ...
end

function exports.await(start)
    return received(coroutine.yield(start))
end

function exports.spawn(fn, ...)
    run(coroutine.create(fn), ...)
end

return exports
