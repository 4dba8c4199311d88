--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Looks in DNS who owns the domains that are enrolled at run time, and what
-- still leads here of those that leave, in the worker that holds the lease
-- PREFIX:{registry}:lease (leased.lua).  Which domains are due, and when again,
-- is in the registry (tlsrpt_registry_read.h); what becomes of what was seen
-- there, the core says (tlsrpt_registry_change.h).
--
-- All that is written looks first whether the record is still as it was read:
-- so two workers, of which one does not know yet that it lost the lease, do no
-- harm.

local dns = require "tlsrpt/dns"
local leased = require "tlsrpt/leased"
local may_ask = require "tlsrpt/may_ask"
local rspamd_logger = require "rspamd_logger"

local PERIOD = 1                -- seconds
local MAX_LOOKS = 16            -- domains at a time
local BATCH = 64                -- names of one reading
local MAX_TRIES = 8             -- tlsrpt_registry_change.h
local SEEN = 60                 -- seconds: so long this is known to be at work
local LATER = 3600              -- seconds: what cannot be changed now

local ownership = leased.class()

local function warn(text, ...)
    rspamd_logger.warnx(rspamd_config, 'tlsrpt: ownership: %s',
        string.format(text, ...))
end

function ownership:key(suffix)
    return self.prefix .. ':{registry}' .. (suffix or '')
end

-- Redis's time, seconds.
function ownership:seconds()
    return math.floor(self:time() / 1000)
end


-- A change

-- What the registry has of a domain; raises an error where that is broken.
function ownership:record(domain)
    local record, reason = self.core.registry_record(
        self:call('HGET', { self:key(), domain }))

    if not record then
        error(string.format('the record of %s: %s', domain, reason), 0)
    end

    return record
end

-- The record of the one that it is the same as, or nil.
function ownership:other(record)
    local holder = record:holder()

    return holder and holder.same_as and self:record(holder.same_as) or nil
end

-- Writes what make(record, now, other) says, on what is there by then; its
-- result.
function ownership:change(domain, make)
    for _ = 1, MAX_TRIES do
        local record = self:record(domain)
        local result, err = make(record, self:seconds(), self:other(record))

        if not result then error(err.text, 0) end
        if not result.command then return result end

        local version = self:call(result.command, result.args)

        if version > 0 then return result end

        if version < 0 then
            error(string.format('the registry refuses a change of %s: %d',
                domain, version), 0)
        end
    end

    error('others keep changing ' .. domain, 0)
end

-- When a domain is due again, where no change of its record said so; 0: never.
function ownership:put_off(suffix, domain, second)
    if second == 0 then
        self:call('ZREM', { self:key(suffix), domain })
    else
        self:call('ZADD', { self:key(suffix), 'XX',
            string.format('%d', second), domain })
    end
end


-- A look

-- TXT records of a name; nil where that is not known, which is told.
function ownership:shown(name)
    local records, alias = self.dns:records(name, 'txt')

    if not records then
        rspamd_logger.infox(rspamd_config, 'tlsrpt: TXT of %s: %s', name,
            alias)
    end

    return records, alias
end

-- What stands behind an alias of _smtp._tls proves nothing: it may be in the
-- provider's own zone.
function ownership:shown_reporting(domain)
    local records, alias = self:shown('_smtp._tls.' .. domain)

    if records and alias then return {} end

    return records
end

function ownership:look(domain)
    local verify = self:shown('_tlsrpt-verify.' .. domain)
    local reporting = self:shown_reporting(domain)

    local result = self:change(domain, function(record, now, other)
        return record:looked(self.prefix, domain, now, verify, reporting,
            other)
    end)

    if result.status == 'ok' then
        rspamd_logger.infox(rspamd_config, 'tlsrpt: %s: what DNS shows has'
            .. ' changed the registry', domain)
    elseif result.status == 'nothing' then
        self:put_off(':looks', domain, result.look)
    else
        warn('%s: %s', domain, result.text)
        self:put_off(':looks', domain, self:seconds() + LATER)
    end
end


-- What is over by time

-- Names of records that still lead here.
function ownership:pointing(domain, holder)
    local names = {}

    for _, text in ipairs(self:shown('_smtp._tls.' .. domain) or {}) do
        if text:lower():find(holder.token, 1, true) then
            names[1] = '_smtp._tls.' .. domain
        end
    end

    for _, text in ipairs(self:shown('_mta-sts.' .. domain) or {}) do
        if text:find('^v=STSv1') then
            names[#names + 1] = '_mta-sts.' .. domain
            break
        end
    end

    return names
end

-- Those that leave; others need no look in DNS.
function ownership:expire(domain)
    local holder = self:record(domain):holder()

    if not holder or holder.state ~= 'leaving' then return end

    local pointing = self:pointing(domain, holder)
    local result = self:change(domain, function(record, now)
        return record:expired(self.prefix, domain, now, pointing)
    end)

    if result.status ~= 'ok' then
        self:put_off(':ends', domain, self:seconds() + LATER)
    end
end


-- What is done without DNS (tlsrpt_registry_upkeep.h), by nginx, too

function ownership:keep_up()
    local steps, err = self.core.upkeep(self.prefix, self:seconds(),
        self.retention)

    if not steps then error(err.text, 0) end

    local ok, failure = pcall(function()
        local command, args = steps:next()

        while command and self:may() do
            steps:add(self:ask(command, args))
            command, args = steps:next()
        end
    end)

    steps:close()

    if not ok then error(failure, 0) end
end


-- The work

-- Each domain by itself, so that a slow name server holds up no other.
function ownership:work_on(suffix, work)
    local due = self:call('ZRANGEBYSCORE', { self:key(suffix), '-inf',
        string.format('%d', self:seconds()), 'LIMIT', '0', tostring(BATCH) })

    for _, domain in ipairs(due) do
        if self.at_work >= MAX_LOOKS then return end

        if not self.domains[domain] then self:begin_work(domain, work) end
    end
end

function ownership:begin_work(domain, work)
    self.domains[domain] = true
    self.at_work = self.at_work + 1

    self:spawn(domain, function()
        local ok, err = pcall(work, self, domain)

        self.domains[domain] = nil
        self.at_work = self.at_work - 1

        if not ok then error(err, 0) end
    end)
end

function ownership:work()
    if not self:take_lease() then return end

    self:call('SET', { self:key(':seen'), string.format('%d', self:seconds()),
        'EX', tostring(SEEN) })
    self:work_on(':looks', self.look)
    self:work_on(':ends', self.expire)
    self:keep_up()
end

function ownership:tick()
    self.dns:sweep()
    self:spawn_once('registry', self.work)
end

function ownership:prepare()
    self.dns = dns({
        core = self.core,
        ev_base = self.ev_base,
        resolver = rspamd_config:get_resolver(),
        may_ask = may_ask(self.core, self.networks),
    })
end

-- plugin: core; prefix; redis_params; retention, in days; networks, a map of
-- addresses that may be asked although they are not public, or nil.
return function(plugin)
    leased.start(ownership, {
        name = 'ownership',
        does = 'looks who owns domains',
        core = plugin.core,
        prefix = plugin.prefix,
        retention = plugin.retention,
        redis_params = plugin.redis_params,
        networks = plugin.networks,
        lease = plugin.prefix .. ':{registry}:lease',
        identity = 'registry',
        period = PERIOD,
        domains = {},           -- those at work
        at_work = 0,
    })
end
