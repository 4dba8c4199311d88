--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- What the plugin does beside the mails: looks who owns domains, checks them,
-- sends alerts.  What is wrong with that is told, and stops no report.

local rspamd_logger = require "rspamd_logger"

local N = 'tlsrpt'

local function cannot(what, reason)
    rspamd_logger.errx(rspamd_config, '%s: cannot %s: %s', N, what,
        tostring(reason):match('^[^\n]*'))
end

-- What a module of the name offers; nil, and that is told.
local function load_part(name, what)
    local ok, part = pcall(require, 'tlsrpt/' .. name)

    if not ok then cannot(what, part) end

    return ok and part or nil
end

local function look_who_owns(plugin)
    local start = load_part('ownership', 'look who owns domains')

    if not start then return end

    start({
        core = plugin.core,
        prefix = plugin.settings.prefix,
        retention = plugin.settings.retention,
        redis_params = plugin.redis_params,
        networks = plugin.settings.check_networks,
    })
end

-- The domains that the configuration itself names, without those of .NAME.
local function named_domains(settings)
    local names = {}

    for name in pairs(settings.domains and settings.domains.names or {}) do
        if not name:find('^%.') then names[#names + 1] = name end
    end

    table.sort(names)

    return names
end

local function check_dns(plugin)
    local settings = plugin.settings
    local start = load_part('checks', 'check DNS')

    if not start then return end

    start({
        core = plugin.core,
        prefix = settings.prefix,
        redis_params = plugin.redis_params,
        registry = settings.registry,
        domains = named_domains(settings),
        every = settings.check_dns,
        probe_mx = settings.probe_mx,
        networks = settings.check_networks,
    })
end

-- The section, checked; nil where no alerts can be sent by it.
local function alert_conf(plugin, section)
    local ok, alert_options = pcall(require, 'tlsrpt/alert_options')
    local conf, reasons = nil, { tostring(alert_options) }

    if ok then
        conf, reasons = alert_options.parse(section, plugin.is_ours)
    end

    for _, reason in ipairs(reasons) do
        local log = conf and rspamd_logger.warnx or rspamd_logger.errx

        log(rspamd_config, '%s: %s%s', N, reason,
            conf and '' or '; no alerts are sent')
    end

    return conf
end

local function send_alerts(plugin, section)
    local conf = alert_conf(plugin, section)

    if not conf or not plugin.can then return end

    local loaded, alerts = pcall(require, 'tlsrpt/alerts')

    if not loaded then
        cannot('load alerts', tostring(alerts):match('^[^\n]*')
            .. '; no alerts are sent')
        return
    end

    alerts({
        conf = conf,
        core = plugin.core,
        prefix = plugin.settings.prefix,
        retention = plugin.settings.retention,
        redis_params = plugin.redis_params,
    })
end

-- plugin: core and redis_params, or nil; settings; is_ours(domain): are its
-- reports counted here?  section: "alerts" of the options.
return function(plugin, section)
    plugin.can = plugin.core and plugin.redis_params

    if plugin.can and plugin.settings.registry then look_who_owns(plugin) end

    if plugin.can and (plugin.settings.check_dns or 0) > 0 then
        check_dns(plugin)
    end

    if section ~= nil then send_alerts(plugin, section) end
end
