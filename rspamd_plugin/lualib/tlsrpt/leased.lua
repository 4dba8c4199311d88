--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Periodic work of one worker of all rspamd hosts on one Redis: the one that
-- holds a lease there.  Two workers of each rspamd ask for it, the controller
-- and the first scanner, as either may not be there.
--
-- What takes more than one step runs in a coroutine, which waits for each
-- answer of Redis.
--
-- rspamd 3.4 crashes where it ends while a request without a task waits for
-- Redis.  So the finish script waits for those, by requests of its own task.

local coroutines = require "tlsrpt/await"
local lua_redis = require "lua_redis"
local rspamd_logger = require "rspamd_logger"
local rspamd_util = require "rspamd_util"

local LEASE = 10000             -- milliseconds
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

local leased = {}
leased.__index = leased


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

-- Redis's answer as rspamd gives it.  To be called in a coroutine; raises an
-- error where there is none.
function leased:ask(command, args)
    local failure, reply = coroutines.await(function(done)
        local started = lua_redis.redis_make_request_taskless(self.ev_base,
            rspamd_config, self.redis_params, nil, true, function(...)
                self.waiting = self.waiting - 1
                done(...)
            end, command, args)

        if not started then error('cannot connect to Redis', 0) end

        self.waiting = self.waiting + 1
    end)

    if failure then
        error(string.format('Redis, %s: %s', command, tostring(failure)), 0)
    end

    return reply
end

function leased:call(command, args)
    return plain(self:ask(command, args))
end

-- Runs fn in a coroutine.  What fails there is tried again by a later tick, and
-- told once.
function leased:spawn(name, fn, ...)
    coroutines.spawn(function(...)
        local ok, err = pcall(fn, self, ...)

        if not ok and self.trouble[name] ~= err then
            rspamd_logger.errx(rspamd_config, 'tlsrpt: %s: %s: %s', self.name,
                name, err)
        end

        self.trouble[name] = not ok and err or nil
    end, ...)
end

-- Spawns what is not to be done twice at a time.
function leased:spawn_once(name, fn, ...)
    if self.busy[name] then return end

    self.busy[name] = true
    self:spawn(name, function(_, ...)
        local ok, err = pcall(fn, self, ...)

        self.busy[name] = nil

        if not ok then error(err, 0) end
    end, ...)
end

-- May the holder of the lease go on with what takes long?
function leased:may()
    return self.holds and not self.stopping
end


-- The lease

-- Sets self.now; whether this worker is the one.
function leased:take_lease()
    local reply = self:call('EVAL', { TAKE, '1', self.lease, self.token,
        self.identity, tostring(LEASE) })
    local holds = reply[2] == self.token .. ' ' .. self.identity

    self.now, self.now_at = tonumber(reply[1]), rspamd_util.get_ticks()

    if self.compare then self:compare(reply[2]) end

    if holds and not self.holds then
        rspamd_logger.infox(rspamd_config, 'tlsrpt: this worker %s', self.does)
    end

    self.holds = holds

    return holds
end

-- Redis's time, milliseconds.
function leased:time()
    return math.floor(self.now
        + (rspamd_util.get_ticks() - self.now_at) * 1000)
end


-- Its beginning and end

-- Gives the lease back, and waits for what is asked.
function leased:finish(task)
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

local function begin(self, ev_base)
    self.ev_base = ev_base
    self.token = rspamd_util.random_hex(16)
    self:prepare()

    rspamd_config:add_periodic(ev_base, self.period, function()
        if self.stopping then return false end

        return self:tick() or self.period
    end, false)
end

local exports = {}

-- A class of such work: its methods prepare(), which is called in the worker
-- before all others, and tick(), once a period, or after as many seconds as it
-- returns; compare(holder), where it matters who holds the lease.
function exports.class()
    local class = setmetatable({}, leased)

    class.__index = class

    return class
end

-- Starts what is of that class.  It has: name, for the log; does, what the
-- holder is said to do; lease, a key; identity, what its configuration is;
-- period, seconds; redis_params.
function exports.start(class, work)
    work.busy = {}              -- what is at work
    work.trouble = {}           -- what failed last, and why
    work.waiting = 0            -- answers of Redis
    work.stopping = false

    local self = setmetatable(work, class)

    rspamd_config:add_on_load(function(_, ev_base, worker)
        if is_candidate(worker) then begin(self, ev_base) end
    end)

    rspamd_config:register_finish_script(function(task)
        if self.ev_base then self:finish(task) end
    end)
end

return exports
