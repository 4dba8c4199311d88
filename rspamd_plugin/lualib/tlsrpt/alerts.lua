--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Works out problems, hands on their events and delivers alerts, in one worker
-- of all rspamd hosts on one Redis: the one that holds the lease
-- PREFIX:lease:alerts.  Two workers of each rspamd ask for it, the controller
-- and the first scanner, as either may not be there.
--
-- What takes more than one step runs in a coroutine, which waits for each
-- answer of Redis.  Messages go out by tlsrpt_send, whose thread is asked for
-- results by a timer: rspamd's loop can wait for no descriptor of ours.
--
-- rspamd 3.4 crashes where it ends while a request without a task waits for
-- Redis.  So the finish script waits for those, by requests of its own task.

local alert_queue = require "tlsrpt/alert_queue"
local alert_send = require "tlsrpt/alert_send"
local forward = require "tlsrpt/forward"
local lua_redis = require "lua_redis"
local reckon = require "tlsrpt/reckon"
local rspamd_hash = require "rspamd_cryptobox_hash"
local rspamd_logger = require "rspamd_logger"
local rspamd_util = require "rspamd_util"
local ucl = require "ucl"

local PERIOD = 0.25             -- seconds: results are looked for
local TICKS = 4                 -- of them: the queues are
local FORWARD_TICKS = 8         -- events are
local RECKON_TICKS = 20         -- domains that are due are
local LEASE = 10000             -- milliseconds
local MEASURE = 15              -- seconds
local MAX_ROUTED = 200          -- events between two looks at the lease
local MAX_DUE = 100             -- recipients
local MAX_FINISH = 100          -- requests that the end is put off by

-- KEYS: the lease.  ARGV: who asks, what its configuration is, for how long.
-- The time, and who holds it: "WHO CONFIGURATION".
local TAKE = [[
local holder = redis.call('GET', KEYS[1])
local mine = ARGV[1] .. ' ' .. ARGV[2]
local time = redis.call('TIME')
if not holder or holder == mine then
    redis.call('SET', KEYS[1], mine, 'PX', ARGV[3])
    holder = mine
end
return { tostring(time[1] * 1000 + math.floor(time[2] / 1000)), holder }
]]

-- ARGV: who gives it back.
local GIVE_BACK = [[
local holder = redis.call('GET', KEYS[1])
if holder and string.sub(holder, 1, #ARGV[1] + 1) == ARGV[1] .. ' ' then
    redis.call('DEL', KEYS[1])
end
return 1
]]

local worker_alerts = {}
worker_alerts.__index = worker_alerts


-- Redis

-- As Lua has it: rspamd gives a nil as an object of its own.
local function plain(reply)
    if type(reply) == 'table' then
        for i = 1, #reply do reply[i] = plain(reply[i]) end
    elseif type(reply) == 'userdata' then
        return nil
    end

    return reply
end

local function resume(co)
    local ok, err = coroutine.resume(co)

    if not ok then
        rspamd_logger.errx(rspamd_config, 'tlsrpt: alerts: %s', err)
    end
end

-- Redis's answer as rspamd gives it.  To be called in a coroutine; raises an
-- error where there is none.
function worker_alerts:ask(command, args)
    local co = coroutine.running()
    local done, waits, failure, reply = false, false, nil, nil

    local started = lua_redis.redis_make_request_taskless(self.ev_base,
        rspamd_config, self.redis_params, nil, true, function(err, data)
            self.waiting = self.waiting - 1
            done, failure, reply = true, err, data
            if waits then resume(co) end
        end, command, args)

    if not started then error('cannot connect to Redis', 0) end

    self.waiting = self.waiting + 1

    if not done then
        waits = true
        coroutine.yield()
    end

    if failure then
        error(string.format('Redis, %s: %s', command, tostring(failure)), 0)
    end

    return reply
end

function worker_alerts:call(command, args)
    return plain(self:ask(command, args))
end

-- Runs fn in a coroutine.  What fails there is tried again by a later tick, and
-- told once.
function worker_alerts:spawn(name, fn, ...)
    local args = { ... }

    resume(coroutine.create(function()
        local ok, err = pcall(fn, self, unpack(args))

        if not ok and self.trouble[name] ~= err then
            rspamd_logger.errx(rspamd_config, 'tlsrpt: alerts: %s: %s', name,
                err)
        end

        self.trouble[name] = not ok and err or nil
    end))
end

-- Spawns what is not to be done twice at a time.
function worker_alerts:spawn_once(name, fn)
    if self.busy[name] then return end

    self.busy[name] = true
    self:spawn(name, function()
        local ok, err = pcall(fn, self)

        self.busy[name] = nil

        if not ok then error(err, 0) end
    end)
end

-- May the holder of the lease go on with what takes long?
function worker_alerts:may()
    return self.holds and not self.stopping
end


-- The lease

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

-- Sets self.now; whether this worker is the one that delivers.
function worker_alerts:take_lease()
    local reply = self:call('EVAL', { TAKE, '1', self.lease, self.token,
        self.identity, tostring(LEASE) })
    local holds = reply[2] == self.token .. ' ' .. self.identity

    self.now, self.now_at = tonumber(reply[1]), rspamd_util.get_ticks()
    self:compare(reply[2])

    if holds and not self.holds then
        rspamd_logger.infox(rspamd_config, 'tlsrpt: this worker delivers'
            .. ' alerts')
    end

    self.holds = holds

    return holds
end

-- Redis's time, milliseconds.
function worker_alerts:time()
    return math.floor(self.now
        + (rspamd_util.get_ticks() - self.now_at) * 1000)
end


-- The work

function worker_alerts:settle(job, result)
    local verdict, said = alert_send.verdict(job.recipient, result)

    if verdict == 'sent' then
        rspamd_logger.infox(rspamd_config, 'tlsrpt: alert %s sent to %s: %s',
            job.delivery.id, job.recipient, said)
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


-- Its beginning and end

-- Gives the lease back, and waits for what is asked.
function worker_alerts:finish(task)
    local left = MAX_FINISH

    local function ask(command, args)
        left = left - 1
        lua_redis.redis_make_request(task, self.redis_params, nil, true,
            function()
                if self.waiting > 0 and left > 0 then ask('PING', {}) end
            end, command, args)
    end

    self.stopping = true

    if self.holds or self.waiting > 0 then
        ask('EVAL', { GIVE_BACK, '1', self.lease, self.token })
    end
end

local function is_candidate(worker)
    return worker:is_primary_controller()
        or worker:get_type() == 'normal' and worker:get_index() == 0
end

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
        self:call(core.event_index(self.prefix, domain,
            math.floor(self:time() / 1000)))
        self:call(core.event_add(self.prefix, domain, event.id, text,
            self.retention * 86400))
    end)

    if not ok then warn('an event of %s: %s', domain, tostring(err)) end
end

-- What it does, which asks Redis by this worker.
function worker_alerts:make_parts()
    local function call(...) return self:call(...) end
    local function may() return self:may() end

    self.queue = alert_queue(self.conf, self.prefix, {
        call = call,
        log = warn,
        keep = function(event) self:keep_event(event) end,
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

function worker_alerts:begin(ev_base)
    self.ev_base = ev_base
    self.token = rspamd_util.random_hex(16)
    self:make_parts()

    rspamd_config:add_periodic(ev_base, PERIOD, function()
        if not self.stopping then self:tick() end

        return not self.stopping
    end, false)
end

-- plugin: conf, of alert_options; prefix; redis_params; retention, in days; and
-- the core.
return function(plugin)
    local self = setmetatable({
        conf = plugin.conf,
        core = plugin.core,
        prefix = plugin.prefix,
        retention = plugin.retention,
        redis_params = plugin.redis_params,
        lease = plugin.prefix .. ':lease:alerts',
        identity = rspamd_hash.create(plugin.conf.identity):hex():sub(1, 16),
        -- made before workers are: theirs together
        instance = rspamd_util.random_hex(16),
        flying = {},            -- recipient -> the job in flight
        busy = {},              -- what is at work
        trouble = {},           -- what failed last, and why
        waiting = 0,            -- answers of Redis
        ticks = 0,
        measured = -MEASURE,
        stopping = false,
    }, worker_alerts)

    rspamd_config:add_on_load(function(_, ev_base, worker)
        if is_candidate(worker) then self:begin(ev_base) end
    end)

    rspamd_config:register_finish_script(function(task)
        if self.ev_base then self:finish(task) end
    end)
end
