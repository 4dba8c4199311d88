--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- The options of the plugin: their names, and what their values may be.

local lua_maps = require "lua_maps"
local lua_util = require "lua_util"

local options = {
    prefix = true, domains = true, registry = true, require_dkim = true,
    max_report_size = true, retention = true, retention_reports = true,
    action = true, enabled = true, check_networks = true, alerts = true,
    check_dns = true, probe_mx = true,
}

-- rspamd's own, read by lua_redis.
local redis_options = {
    servers = true, server = true, read_servers = true, write_servers = true,
    redis = true, timeout = true, db = true, database = true, dbname = true,
    username = true, password = true, expand_keys = true, sentinels = true,
    sentinel_watch_time = true, sentinel_masters_pattern = true,
    sentinel_master_maxerrors = true, sentinel_username = true,
    sentinel_password = true, redis_version = true, ssl = true,
    no_ssl_verify = true, ssl_ca = true, ssl_ca_dir = true, ssl_cert = true,
    ssl_key = true, sni = true,
}

-- Each takes the value as UCL gives it, and returns what settings hold, or
-- nil and the reason.

local function parse_boolean(value)
    if type(value) == 'boolean' then return value end

    return nil, 'must be true or false'
end

local function parse_prefix(value)
    if type(value) == 'string' and value:find('^[%w%._:%-]+$')
        and #value <= 64
    then
        return value
    end

    return nil, 'must be 1 to 64 letters, digits and any of . _ : -'
end

local function parse_days(value, min)
    local days

    if type(value) == 'number' then
        days = value / 86400
    elseif type(value) == 'string' then
        days = tonumber(value:match('^(%d+)d$'))
    end

    if days and days >= min and days <= 36500 and days % 1 == 0 then
        return days
    end

    return nil, 'must be whole days, e.g. 400d'
end

local function parse_retention(value)
    return parse_days(value, 1)
end

local function parse_retention_reports(value)
    return parse_days(value, 0)
end

local function parse_size(value)
    if type(value) == 'string' then
        local number, unit = value:lower():match('^(%d+)([kmg]?)b?$')
        local factors = { [''] = 1, k = 1024, m = 1024^2, g = 1024^3 }

        value = number and tonumber(number) * factors[unit]
    end

    if type(value) == 'number' and value >= 1024 and value <= 1024^3 then
        return math.floor(value)
    end

    return nil, 'must be a size from 1k to 1g'
end

-- An interval, or off.
local function parse_check_dns(value)
    if value == false or value == 'off' then return 0 end

    local seconds = tonumber(value)
        or type(value) == 'string' and lua_util.parse_time_interval(value)

    if seconds and seconds >= 3600 and seconds <= 30 * 86400 then
        return seconds
    end

    return nil, 'must be off, or 1h to 30d'
end

local function parse_action(value)
    if value == 'discard' then return value end

    return nil, 'must be "discard"'
end

-- The names typed in the configuration itself.
local function static_domains(names, plugin)
    local set = {}

    for _, name in ipairs(names) do
        local dot, rest = tostring(name):match('^%s*(%.?)(.-)%s*$')
        local domain = plugin.core and plugin.core.normalize(rest)
            or rest:lower()

        if domain == '' or domain:find('[%s/]') then
            return nil, 'bad domain name ' .. plugin.printable(name)
        end

        set[dot .. domain] = true
    end

    return {
        names = set,
        has = function(_, key) return set[key] end,
        is_empty = function() return not next(set) end,
    }
end

local function is_map_source(value)
    return type(value) == 'string'
        and (value:find('^/') or value:find('^[%w+]+:') or value:find('^%$'))
end

-- Number of keys, as far as the kind of map can say.
local function map_size(map)
    if map.__data and map.__data.get_nelts then
        return map.__data:get_nelts()
    end

    return 1
end

local function parse_domains(value, plugin)
    if type(value) == 'string' and not is_map_source(value) then
        local names = {}

        for name in value:gmatch('[^,%s]+') do names[#names + 1] = name end

        return static_domains(names, plugin)
    end

    if type(value) == 'table' and type(value[1]) == 'string'
        and not is_map_source(value[1])
    then
        return static_domains(value, plugin)
    end

    local map = lua_maps.map_add_from_ucl(value, 'set', 'TLS report domains')

    if not map then
        return nil, 'must be a list of domains or a map'
    end

    return {
        has = function(_, key) return map:get_key(key) end,
        is_empty = function() return map_size(map) == 0 end,
    }
end

-- What an address may be in, although it is not public.
local function parse_networks(value)
    local map = lua_maps.map_add_from_ucl(value, 'radix', 'TLS report networks')

    if not map then return nil, 'must be a list of networks or a map' end

    return map
end

local parsers = {
    prefix = parse_prefix,
    domains = parse_domains,
    registry = parse_boolean,
    check_networks = parse_networks,
    require_dkim = parse_boolean,
    max_report_size = parse_size,
    retention = parse_retention,
    retention_reports = parse_retention_reports,
    action = parse_action,
    check_dns = parse_check_dns,
    probe_mx = parse_boolean,
}

local exports = {}

-- plugin: core, or nil; printable of tlsrpt.lua.

-- What is wrong with their names.
function exports.unknown(opts, plugin)
    local reasons = {}

    for name in pairs(opts) do
        if not options[name] and not redis_options[name] then
            reasons[#reasons + 1] = string.format('unknown option "%s"',
                plugin.printable(name))
        end
    end

    return reasons
end

-- Puts the values that can be taken into settings; what is wrong with others.
function exports.read(opts, settings, plugin)
    local reasons = {}

    for name, value in pairs(opts) do
        if parsers[name] then
            local parsed, reason = parsers[name](value, plugin)

            if parsed == nil then
                reasons[#reasons + 1] = string.format('option "%s": %s', name,
                    reason)
            else
                settings[name] = parsed
            end
        end
    end

    return reasons
end

return exports
