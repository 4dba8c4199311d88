--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- How long rspamd takes for a mail, and for a question to DNS, at most: its own
-- options.

local lua_util = require "lua_util"

local DEFAULT = 8.0             -- seconds, for a mail

local function seconds(value)
    return tonumber(value)
        or value and lua_util.parse_time_interval(tostring(value))
end

-- The least task_timeout of options and workers.
local function least_task_timeout(section, least)
    for name, value in pairs(section) do
        if name == 'task_timeout' then
            value = seconds(value)
            if value and value > 0 then least = math.min(least, value) end
        elseif type(value) == 'table' then
            least = least_task_timeout(value, least)
        end
    end

    return least
end

local exports = {}

-- Not by get_ucl(), which rspamd keeps: the whole configuration as Lua tables
-- is more for the collector to walk at each mail.
function exports.task_timeout()
    local general = rspamd_config:get_all_opt('options') or {}
    local value = seconds(general.task_timeout) or DEFAULT

    return least_task_timeout(rspamd_config:get_all_opt('worker') or {},
        value > 0 and value or DEFAULT)
end

-- As long as rspamd asks for a name, at most.
function exports.lookup_time()
    local general = rspamd_config:get_all_opt('options') or {}
    local dns = general.dns or {}
    local timeout = tonumber(dns.timeout or general.dns_timeout) or 1.0
    local retransmits = tonumber(dns.retransmits
        or general.dns_retransmits) or 5

    return timeout * (retransmits + 1)
end

return exports
