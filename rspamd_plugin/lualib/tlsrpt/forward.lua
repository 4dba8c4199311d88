--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Hands events to alerts: from the lists of their domains to the outbox of
-- alert_queue.lua.
--
--   PREFIX:untold               zset: domains with events -> when that was
--   PREFIX:{DOMAIN}:untold      list of items as the outbox has them, oldest
--                               first
--
-- An item is put into the outbox before it is taken away, and taken away where
-- it is still the first: so one that ends anywhere, and two that do it at once,
-- lose none.  What comes twice has the same id, and is known there.
--
-- Who adds an event names the domain first, perhaps long before.  So a domain
-- is taken away where it had nothing, and the same score, at two looks.

local ucl = require "ucl"

local MAX_DOMAINS = 500                 -- of one look
local MAX_ITEMS = 64                    -- of a domain
local LATE = 48 * 3600                  -- seconds: for the digest

-- KEYS: the list.  ARGV: its first.
local DROP = [[
if redis.call('LINDEX', KEYS[1], 0) ~= ARGV[1] then return 0 end
redis.call('LPOP', KEYS[1])
return 1
]]

-- KEYS: the zset.  ARGV: a domain, its score.
local FORGET = [[
if redis.call('ZSCORE', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('ZREM', KEYS[1], ARGV[1])
]]

local forward = {}
forward.__index = forward


-- As it is told: marked where its event is older than `before`.
local function marked(raw, before)
    local parser = ucl.parser()
    local item = parser:parse_string(raw) and parser:get_object()
    local event = type(item) == 'table' and item.event

    if type(event) ~= 'table' or type(event.time) ~= 'string'
        or event.late == true or event.time >= before
    then
        return raw
    end

    -- the rest stays as it was written
    return (raw:gsub('"event"%s*:%s*{', '"event":{"late":true,', 1))
end

-- Whether the domain had events.
function forward:tell(domain, before)
    local list = string.format('%s:{%s}:untold', self.prefix, domain)
    local items = self.call('LRANGE', { list, '0',
        tostring(MAX_ITEMS - 1) })

    for _, raw in ipairs(items) do
        if not self.may() then break end

        self.call('LPUSH', { self.outbox, marked(raw, before) })

        -- another is at it
        if self.call('EVAL', { DROP, '1', list, raw }) == 0 then break end
    end

    return #items > 0
end

-- now: seconds.
function forward:run(now)
    local before = os.date('!%Y-%m-%dT%H:%M:%SZ', now - LATE)
    local found = self.call('ZRANGE', { self.untold, '0',
        tostring(MAX_DOMAINS - 1), 'WITHSCORES' })
    local seen = self.seen

    self.seen = {}

    for i = 1, #found, 2 do
        if not self.may() then return end

        local domain, score = found[i], found[i + 1]

        if self:tell(domain, before) or seen[domain] ~= score then
            self.seen[domain] = score
        else
            self.call('EVAL', { FORGET, '1', self.untold, domain, score })
        end
    end
end

-- call(command, args) asks Redis and raises an error where it does not answer;
-- may(): whether to go on.
return function(prefix, call, may)
    return setmetatable({
        prefix = prefix,
        outbox = prefix .. ':{outbox}',
        untold = prefix .. ':untold',
        call = call,
        may = may,
        seen = {},              -- domain -> its score at the last look
    }, forward)
end
