--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Works out problems, hands on their events and delivers alerts, in the worker
-- that holds the lease PREFIX:lease:alerts (leased.lua).
--
-- Messages go out by tlsrpt_send, whose thread is asked for results by a timer:
-- rspamd's loop can wait for no descriptor of ours.

local alert_queue = require "tlsrpt/alert_queue"
local alert_route = require "tlsrpt/alert_route"
local alert_send = require "tlsrpt/alert_send"
local forward = require "tlsrpt/forward"
local leased = require "tlsrpt/leased"
local reckon = require "tlsrpt/reckon"
local rspamd_hash = require "rspamd_cryptobox_hash"
local rspamd_logger = require "rspamd_logger"
local rspamd_util = require "rspamd_util"
local ucl = require "ucl"

local PERIOD = 0.25             -- seconds: results are looked for
local TICKS = 4                 -- of them: the queues are
local FORWARD_TICKS = 8         -- events are
local RECKON_TICKS = 20         -- domains that are due are
local MEASURE = 15              -- seconds
local MAX_ROUTED = 200          -- events between two looks at the lease
local MAX_DUE = 100             -- recipients

local worker_alerts = leased.class()

-- Whose configuration counts is told once.
function worker_alerts:compare(holder)
    if holder == self.holder then return end

    self.holder = holder

    local identity = holder:match(' (%S+)$')

    if identity ~= self.identity then
        rspamd_logger.warnx(rspamd_config, 'tlsrpt: another rspamd delivers'
            .. ' alerts, and its section alerts differs from that of this one')
    end
end


-- The work

function worker_alerts:settle(job, result)
    local verdict, said = alert_send.verdict(job.recipient, result)

    if verdict == 'sent' then
        rspamd_logger.infox(rspamd_config, 'tlsrpt: alert %s sent to %s: %s',
            job.delivery.id, alert_route.shown(job.recipient), said)
    end

    self.queue:settle(job, verdict, said, result.retry_after, self:time())
end

-- The recipient is free for its next message whether or not that was written:
-- if it was not, this one goes out again.
function worker_alerts:settle_result(job, result)
    local ok, err = pcall(self.settle, self, job, result)

    self.flying[job.recipient] = nil

    if not ok then error(err, 0) end
end

function worker_alerts:send(recipient)
    local job = self.queue:next(recipient, self:time())

    if not job then return end

    local started, reason = alert_send.submit(recipient, recipient,
        job.delivery, self.conf, math.floor(self:time() / 1000))

    if not started then error(reason, 0) end

    self.flying[recipient] = job
end

function worker_alerts:send_due()
    for _, recipient in ipairs(self.queue:due(self:time(), MAX_DUE)) do
        if not alert_send.has_room() then return end

        if not self.flying[recipient] then self:send(recipient) end
    end
end

function worker_alerts:route_all()
    local routed = 0

    while self.queue:route(self:time()) do
        routed = routed + 1

        if routed % MAX_ROUTED == 0 and not self:take_lease() then return end
    end
end

function worker_alerts:measure()
    local now = rspamd_util.get_ticks()

    self:call('HSET', { self.queue:key('counts'), 'renewed',
        string.format('%d', self:time() / 1000) })

    if now - self.measured < MEASURE then return end

    self.measured = now
    self.queue:measure()
end

function worker_alerts:work()
    if not self:take_lease() then return end

    self:route_all()

    if not self.holds then return end

    self.queue:release(self:time())
    self.queue:digest(self:time())
    self:send_due()
    self:measure()
end

function worker_alerts:forward_events()
    self.forward:run(math.floor(self:time() / 1000))
end

-- Who lost the lease unawares would claim domains, and leave them.
function worker_alerts:work_out_problems()
    if self:take_lease() then self.reckon:run() end
end

function worker_alerts:tick()
    local result = alert_send.result()

    while result do
        self:spawn('delivery', self.settle_result, self.flying[result.id],
            result)
        result = alert_send.result()
    end

    self.ticks = self.ticks + 1

    if self.ticks % TICKS == 0 then self:spawn_once('delivery', self.work) end

    if not self.holds then return end

    if self.ticks % FORWARD_TICKS == 0 then
        self:spawn_once('events', self.forward_events)
    end

    if self.ticks % RECKON_TICKS == 0 then
        self:spawn_once('problems', self.work_out_problems)
    end
end


-- What it is made of

local function warn(text, ...)
    rspamd_logger.warnx(rspamd_config, 'tlsrpt: alerts: %s',
        string.format(text, ...))
end

-- Among the events of its domain.  One that cannot be put there is told all the
-- same.
function worker_alerts:keep_event(event)
    local core, domain = self.core, event.domain
    local text = tostring(ucl.to_format(event, 'json-compact'))
    local ok, err = pcall(function()
        self:call(core.event_index(self.prefix, domain, self:time()))
        self:call(core.event_add(self.prefix, domain, event.id, text,
            self.retention * 86400))
    end)

    if not ok then warn('an event of %s: %s', domain, tostring(err)) end
end

-- Who holds an enrolled domain; nil: nobody, as far as is known here.
function worker_alerts:holder_of(domain)
    local record = self.core.registry_record(self:call('HGET',
        { self.prefix .. ':{registry}', domain }))

    return record and record:holder()
end

-- What it does, which asks Redis by this worker.
function worker_alerts:prepare()
    local function call(...) return self:call(...) end
    local function may() return self:may() end

    self.queue = alert_queue(self.conf, self.prefix, {
        call = call,
        log = warn,
        keep = function(event) self:keep_event(event) end,
        holder = function(domain) return self:holder_of(domain) end,
        token = self.core.token,
        instance = self.instance,
    })
    self.forward = forward(self.prefix, call, may)

    self.reckon = reckon({
        core = self.core,
        prefix = self.prefix,
        retention = self.retention,
        ask = function(...) return self:ask(...) end,
        may = may,
        now = function() return math.floor(self:time() / 1000) end,
        log = warn,
    })
end

-- plugin: conf, of alert_options; prefix; redis_params; retention, in days; and
-- the core.
return function(plugin)
    leased.start(worker_alerts, {
        name = 'alerts',
        does = 'delivers alerts',
        conf = plugin.conf,
        core = plugin.core,
        prefix = plugin.prefix,
        retention = plugin.retention,
        redis_params = plugin.redis_params,
        lease = plugin.prefix .. ':lease:alerts',
        identity = rspamd_hash.create(plugin.conf.identity):hex():sub(1, 16),
        period = PERIOD,
        -- made before workers are: theirs together
        instance = rspamd_util.random_hex(16),
        flying = {},            -- recipient -> the job in flight
        ticks = 0,
        measured = -MEASURE,
    })
end
