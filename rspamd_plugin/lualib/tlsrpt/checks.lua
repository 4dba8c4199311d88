--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Looks at the domains again and again, in the worker that holds the lease
-- PREFIX:lease:checks (leased.lua): what is seen is kept in PREFIX:{D}:check
-- (shared/check/tlsrpt_seen.h).
--
--     PREFIX:{checks}:names            when a domain was last said to be ours
--     PREFIX:{checks}:due              and when it is due
--     PREFIX:{checks}:asked            which ones people ask for, and when
--     PREFIX:{checks}:server:ADDRESS   what a mail server showed, for a day
--     PREFIX:{checks}:seen             there while this is at work
--
-- nginx names the domains it has; this one those of its configuration.

local await = require "tlsrpt/await".await
local dns = require "tlsrpt/dns"
local here = require "tlsrpt/here"
local leased = require "tlsrpt/leased"
local look = require "tlsrpt/look"
local may_ask_of = require "tlsrpt/may_ask"
local nameserver = require "tlsrpt/nameserver"
local rspamd_logger = require "rspamd_logger"
local rspamd_util = require "rspamd_util"
local ucl = require "ucl"

local PERIOD = 1                -- seconds
local MAX_LOOKS = 32            -- domains at a time
local APART = PERIOD / MAX_LOOKS        -- seconds between them
local MAX_OF_OWNER = 4
local BATCH = 256               -- names of one reading
local TIMEOUT = 20              -- seconds of a connection
local DAY = 86400
local OURS = 3 * DAY            -- so long nobody has to say so again
local NAMES_KEPT = 7 * DAY
local KEPT = 30 * DAY           -- what was seen
local SERVER_KEPT = 20 * 3600   -- at least, and less than a day
local AGAIN = 60                -- seconds: and sooner, where people ask,
local MAX_ASKED = 4             -- so often a day
local SEEN = 60                 -- seconds: so long this is known to be at work
local LATER = 600               -- seconds: after what failed
local BUSY = 10                 -- seconds: an owner's, over his bound

local checks = leased.class()

function checks:key(suffix)
    return self.prefix .. ':{checks}:' .. suffix
end

function checks:seconds()
    return math.floor(self:time() / 1000)
end

-- What Redis has there, as a table; {} where that is nothing.
function checks:read(key)
    local text = self:call('GET', { key })

    if not text or text == '' then return {} end

    local parser = ucl.parser()

    if not parser:parse_string(tostring(text)) then return {} end

    return parser:get_object()
end

function checks:write(key, value, seconds)
    self:call('SET', { key, tostring(ucl.to_format(value, 'json-compact')),
        'EX', string.format('%d', seconds) })
end


-- Mail servers, each asked once, whoever comes first; and again for people that
-- wait for it, whoever they are, who may have nothing to do with it.

local servers = {}
servers.__index = servers

local function may_again(known, now)
    local asked = known.asked

    return asked ~= nil and now >= known.at + AGAIN
        and (asked.times < MAX_ASKED or now >= asked.first + DAY)
end

-- What becomes of the count with one more question.
local function count(asked, now)
    if not asked or now >= asked.first + DAY then
        return { first = now, times = 1 }
    end

    return { first = asked.first, times = asked.times + 1 }
end

-- nil: it is for the caller to ask, and to put there.  is_fine(facts): whether
-- what is known will do; nil: it will.
function servers:get(address, is_fine)
    while self.asked[address] do
        await(function(done)
            local waiting = self.asked[address]

            waiting[#waiting + 1] = done
        end)
    end

    self.asked[address] = {}

    local ok, known = pcall(self.checks.read, self.checks,
        self.checks:key('server:' .. address))

    local wanted = ok and (not known.result or is_fine
        and may_again(known, self.checks:seconds()) and not is_fine(known))

    if not wanted then self:release(address) end
    if not ok then error(known, 0) end
    if not wanted then return known end

    self.asked[address].before = known.asked

    return nil
end

function servers:release(address)
    local waiting = self.asked[address] or {}

    self.asked[address] = nil

    for _, done in ipairs(waiting) do done() end
end

-- facts: nil where it could not be asked.
function servers:put(address, facts)
    local ok, err = true, nil

    if facts then
        facts.asked = count(self.asked[address].before, self.checks:seconds())
        ok, err = pcall(self.checks.write, self.checks,
            self.checks:key('server:' .. address), facts,
            SERVER_KEPT + math.random(0, 3 * 3600))
    end

    self:release(address)

    if not ok then error(err, 0) end
end


-- A domain

-- When next: at the first time anywhere in the period, so that domains that
-- came together are spread over it.
function checks:next_second(is_first)
    local least = is_first and 0.3 or 0.9

    return self:seconds()
        + math.floor(self.every * (least + (1 - least) * math.random()))
end

function checks:put_off(domain, second)
    self:call('ZADD', { self:key('due'), 'XX', string.format('%d', second),
        domain })
end

function checks:forget(domain)
    self:call('ZREM', { self:key('due'), domain })
    self:call('ZREM', { self:key('names'), domain })
end

function checks:is_ours(domain)
    local said = tonumber(self:call('ZSCORE', { self:key('names'), domain }))

    return said ~= nil and said > self:seconds() - OURS
end

-- is_asked: people wait for it.
function checks:look_at(domain, is_asked)
    if not self:may() then return end
    if is_asked then self:call('ZREM', { self:key('asked'), domain }) end
    if not self:is_ours(domain) then return self:forget(domain) end

    -- so that one that fails on the way is not tried at once again
    self:put_off(domain, self:seconds() + LATER)

    local key = string.format('%s:{%s}:check', self.prefix, domain)
    local old = self:read(key)
    local check, changed = self.look:run(domain, old, is_asked)

    if self.stopping then return end

    self:write(key, check, KEPT)
    self:call(self.core.due_add(self.prefix, domain,
        changed and self.core.DUE_SOON or self.core.DUE_LATER))
    self:put_off(domain, self:next_second(old.v == nil))
end


-- The work

-- Owners of domains, by name; of configured ones none.
function checks:owners(domains)
    local owners = {}

    if not self.registry or #domains == 0 then return owners end

    local texts = self:call('HMGET', { self.prefix .. ':{registry}',
        unpack(domains) })

    for i, domain in ipairs(domains) do
        local record = texts[i] and self.core.registry_record(texts[i])
        local holder = record and record:holder()

        owners[domain] = holder and holder.owner
    end

    return owners
end

function checks:take(domain, owner, is_asked)
    self.domains[domain] = true
    self.at_work = self.at_work + 1

    if owner then self.of_owner[owner] = (self.of_owner[owner] or 0) + 1 end

    self.taken[#self.taken + 1] = { domain, owner, is_asked }
end

function checks:release(domain, owner)
    self.domains[domain] = nil
    self.at_work = self.at_work - 1

    if owner then
        local left = self.of_owner[owner] - 1

        self.of_owner[owner] = left > 0 and left or nil
    end
end

function checks:begin_look()
    local domain, owner, is_asked = unpack(table.remove(self.taken, 1) or {})

    if not domain then return end

    self:spawn(domain, function()
        local ok, err = pcall(self.look_at, self, domain, is_asked)

        self:release(domain, owner)

        if not ok then error(err, 0) end
    end)
end

function checks:work_on(due, is_asked)
    local owners = self:owners(due)

    for _, domain in ipairs(due) do
        local owner = owners[domain]

        if self.at_work >= MAX_LOOKS or not self:may() then return end

        if owner and (self.of_owner[owner] or 0) >= MAX_OF_OWNER then
            if not is_asked then
                self:put_off(domain, self:seconds() + BUSY + math.random(BUSY))
            end
        elseif not self.domains[domain] then
            self:take(domain, owner, is_asked)
        end
    end
end

-- Says which domains of the configuration are ours.
function checks:name_domains()
    local now = rspamd_util.get_ticks()

    if now < self.named + DAY / 4 then return end

    self.named = now

    for _, domain in ipairs(self.configured) do
        local second = string.format('%d', self:seconds())

        self:call('ZADD', { self:key('names'), second, domain })
        self:call('ZADD', { self:key('due'), 'NX', second, domain })
    end

    for _, name in ipairs({ 'names', 'due', 'asked' }) do
        self:call('EXPIRE', { self:key(name), tostring(NAMES_KEPT) })
    end
end

-- Names of a list whose second has come.
function checks:ready(suffix)
    return self:call('ZRANGEBYSCORE', { self:key(suffix), '-inf',
        string.format('%d', self:seconds()), 'LIMIT', '0', tostring(BATCH) })
end

function checks:work()
    if not self:take_lease() then return end

    self:call('SET', { self:key('seen'), string.format('%d', self:seconds()),
        'EX', tostring(SEEN) })
    self:name_domains()

    if self.at_work < MAX_LOOKS then
        self:work_on(self:ready('asked'), true)
        self:work_on(self:ready('due'))
    end

    self:begin_look()
end

-- Looks begin one after the other, so that mail that this worker scans
-- meanwhile waits for no heap of them: as long as some are taken, the tick
-- comes sooner.
function checks:tick()
    local now = rspamd_util.get_ticks()

    if now >= self.next_work then
        self.next_work = now + PERIOD - APART
        self.dns:sweep()
        self:spawn_once('domains', self.work)
        self:spawn_once('our names', function() self.here:work() end)
    else
        self:begin_look()
    end

    return #self.taken > 0 and APART or PERIOD
end

function checks:prepare()
    local may_ask = may_ask_of(self.core, self.networks)

    self.dns = dns({
        core = self.core,
        ev_base = self.ev_base,
        resolver = rspamd_config:get_resolver(),
        may_ask = may_ask,
    })
    self.look = look({
        core = self.core,
        ev_base = self.ev_base,
        dns = self.dns,
        nameserver = nameserver.first(),
        may_ask = may_ask,
        servers = setmetatable({ checks = self, asked = {} }, servers),
        probe_mx = self.probe_mx,
        name = rspamd_util.get_hostname(),
        timeout = TIMEOUT,
        now = function() return self:seconds() end,
    })

    self.here = here(self)

    if not self.look.nameserver then
        rspamd_logger.warnx(rspamd_config, 'tlsrpt: checks: no resolver is'
            .. ' known that could be asked for TLSA records')
    end
end

-- plugin: core; prefix; redis_params; registry, whether there is one; domains,
-- those of the configuration, a list; every, seconds; probe_mx; networks, as
-- ownership.lua has them.
return function(plugin)
    leased.start(checks, {
        name = 'checks',
        does = 'checks DNS, policies and mail servers',
        core = plugin.core,
        prefix = plugin.prefix,
        redis_params = plugin.redis_params,
        registry = plugin.registry,
        configured = plugin.domains,
        every = plugin.every,
        probe_mx = plugin.probe_mx,
        networks = plugin.networks,
        lease = plugin.prefix .. ':lease:checks',
        identity = 'checks',
        period = PERIOD,
        domains = {},           -- those at work
        taken = {},             -- and not begun yet: { domain, owner, asked }
        next_work = 0,
        at_work = 0,
        of_owner = {},          -- how many of them are whose
        named = -DAY,
    })
end
