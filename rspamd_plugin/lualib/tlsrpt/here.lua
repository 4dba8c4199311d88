--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Looks where the names of our web servers lead, so that it is known of a
-- policy host whether it leads to one of them (shared/check/tlsrpt_leads.h):
--
--     PREFIX:{checks}:hosts   names, by when nginx asked for them last
--     PREFIX:{checks}:here    where they lead

local rspamd_util = require "rspamd_util"
local ucl = require "ucl"

local MAX_HOSTS = 16
local DAY = 86400
local ASKED = 30 * DAY          -- so long nobody has to ask again
local KEPT = 30 * DAY
local AGAIN = 3600              -- seconds
local SOON = 60                 -- likewise, after no answer

local here = {}
here.__index = here

function here:is_due(name)
    local due = self.due[name]

    return not due or rspamd_util.get_ticks() >= due
end

-- What is not known now is left as it was.
function here:look_at(name)
    local checks = self.checks
    -- of its own: it notes what it finds of the resolver
    local look = setmetatable({}, { __index = checks.look })
    local host = look:leads(name)

    self.due[name] = rspamd_util.get_ticks() + (host.error and SOON or AGAIN)

    if host.error or not checks:may() then return end

    checks:call('HSET', { checks:key('here'), name,
        tostring(ucl.to_format(host, 'json-compact')) })
    checks:call('EXPIRE', { checks:key('here'), tostring(KEPT) })
end

function here:work()
    local checks = self.checks

    if not checks:may() then return end

    local names = checks:call('ZRANGEBYSCORE', { checks:key('hosts'),
        string.format('%d', checks:seconds() - ASKED), '+inf', 'LIMIT', '0',
        tostring(MAX_HOSTS) })

    for _, name in ipairs(names) do
        if self:is_due(name) then self:look_at(name) end
    end
end

-- checks: of checks.lua.
return function(checks)
    return setmetatable({ checks = checks, due = {} }, here)
end
