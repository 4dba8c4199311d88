--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Run by forward.t in rspamadm's Lua: events on their way to the outbox.

local alert_queue = require "tlsrpt/alert_queue"
local forward = require "tlsrpt/forward"

local tap = dofile(arg[2])(arg[1])
local ok, is, redis = tap.ok, tap.is, tap.redis

local NOW = 1795600800                  -- 2026-11-25T10:00:00Z
local UNTOLD, OUTBOX = 'p:untold', 'p:{outbox}'

local n = 0

local function item(domain, time)
    n = n + 1

    return string.format('{"event":{"id":"event-%d","time":"%s",'
        .. '"type":"problem-worsened","domain":"%s","title":"a } \\"event\\":{'
        .. ' \195\188"},"problem":{"event":{},"empty":[],"nothing":null}}', n,
        time or '2026-11-25T09:59:00Z', domain)
end

local function name_domain(domain)
    redis('ZADD', { UNTOLD, tostring(NOW * 1000 + n), domain })
end

local function add(domain, time)
    local made = item(domain, time)

    redis('RPUSH', { 'p:{' .. domain .. '}:untold', made })

    return made
end

local function put(domain, time)
    name_domain(domain)

    return add(domain, time)
end

local function new_host(call, may)
    return forward('p', call or redis, may or function() return true end)
end

-- What was put into the outbox, in order.
local function outbox()
    local items, ordered = redis('LRANGE', { OUTBOX, '0', '-1' }), {}

    for i = #items, 1, -1 do ordered[#ordered + 1] = items[i] end

    return ordered
end

local function untold()
    return redis('ZCARD', { UNTOLD })
end


-- What is put there

redis('FLUSHALL')

local host = new_host()
local first, second = put('a.example'), put('a.example')
local other = put('b.example')

host:run(NOW)
is(table.concat(outbox(), '\n'), table.concat({ first, second, other }, '\n'),
    'as they were written, oldest first')
is(redis('EXISTS', { 'p:{a.example}:untold' }), 0, 'and no longer there')
is(untold(), 2, 'their domains are looked at once more')
host:run(NOW)
is(untold(), 0, 'and are out of the list')
host:run(NOW)
is(#outbox(), 3, 'nothing comes again')

redis('FLUSHALL')
host:run(NOW)
name_domain('a.example')
host:run(NOW)
add('a.example')
host:run(NOW)
is(#outbox(), 1, 'an event that comes long after its domain was named')
host:run(NOW)
is(untold(), 0, 'and that was it')

redis('FLUSHALL')
host:run(NOW)
name_domain('a.example')
host:run(NOW)
n = n + 1
name_domain('a.example')
host:run(NOW)
is(untold(), 1, 'one that is named again stays')

-- its score changes between the look and the end of it
redis('FLUSHALL')
host:run(NOW)
name_domain('a.example')
host:run(NOW)
host.call = function(command, args)
    if command == 'EVAL' and args[3] == UNTOLD then
        n = n + 1
        put('a.example')
    end

    return redis(command, args)
end
host:run(NOW)
host.call = redis
host:run(NOW)
is(#outbox(), 1, 'one that is named while it is taken out is not forgotten')

-- Late ones

redis('FLUSHALL')
put('a.example', '2026-11-23T09:59:59Z')
put('a.example', '2026-11-23T10:00:00Z')
redis('RPUSH', { 'p:{a.example}:untold', 'no JSON', '[]', '{"event":1}' })
host:run(NOW)
local told = outbox()
ok(told[1]:find('^{"event":{"late":true,"id":"event%-%d+",')
    and told[1]:find('"problem":{"event":{},"empty":%[%],"nothing":null}}$'),
    'older than 48 hours: late, and else as it was')
ok(not told[2]:find('late'), 'not older: as it was')
is(table.concat(told, ' ', 3), 'no JSON [] {"event":1}',
    'what is no event is for the outbox to tell')

-- Many

redis('FLUSHALL')
for i = 1, 1200 do put('d' .. i .. '.example') end
local looks = 0
repeat
    host:run(NOW)
    looks = looks + 1
until untold() == 0 or looks == 10
is(looks, 6, '1,200 domains: 500 at a look')
is(#outbox(), 1200, 'all of them')

-- Who loses the lease stops

redis('FLUSHALL')
for _ = 1, 5 do put('a.example') end
local left = 3
new_host(nil, function()
    left = left - 1
    return left >= 0
end):run(NOW)
is(#outbox(), 2, 'who may not go on puts nothing more there')


-- Two hosts at once: one is done with a domain, and another event is there

redis('FLUSHALL')
put('a.example')
put('a.example')

local newest

new_host(function(command, args)
    if command == 'EVAL' and not newest then
        new_host():run(NOW)
        newest = put('a.example')
    end

    return redis(command, args)
end):run(NOW)
is(redis('LINDEX', { 'p:{a.example}:untold', '0' }), newest,
    'who was late takes nothing away')
new_host():run(NOW)
is(redis('LINDEX', { OUTBOX, '0' }), newest, 'it comes later')


-- A host dies: after any number of commands, another goes on

local lost, doubled, order, kills = 0, 0, 0, 0

for dies = 1, 40 do
    redis('FLUSHALL')

    local wanted, ids = {}, {}

    for _, domain in ipairs({ 'a.example', 'b.example', 'a.example',
        'c.example', 'a.example' })
    do
        local made = put(domain)

        wanted[#wanted + 1] = { domain = domain, raw = made,
            id = made:match('event%-%d+') }
    end

    left = dies
    local dead = not pcall(function()
        local dying = new_host(function(command, args)
            if left == 0 then error('the host is dead', 0) end

            left = left - 1

            return redis(command, args)
        end)

        for _ = 1, 3 do dying:run(NOW) end
    end)

    kills = kills + (dead and 1 or 0)

    local next_host = new_host()

    for _ = 1, 3 do next_host:run(NOW) end

    lost = lost + untold()

    for _, raw in ipairs(outbox()) do
        local id = raw:match('event%-%d+')

        if ids[id] then doubled = doubled + 1 end
        ids[id] = ids[id] or #ids + 1
        ids[#ids + 1] = id
    end

    local at = {}

    for _, one in ipairs(wanted) do
        local where = ids[one.id]

        if not where then
            lost = lost + 1
        elseif where < (at[one.domain] or 0) then
            order = order + 1
        else
            at[one.domain] = where
        end
    end
end

ok(kills >= 15, kills .. ' hosts died, after 1, 2, 3 … commands')
is(lost, 0, 'none lost an event, or left its domain in the list')
is(order, 0, 'or mixed the order of a domain')
ok(doubled >= 1 and doubled <= 5, 'doubled are those cut in the middle: '
    .. doubled)

-- And behind the outbox they are one again

redis('FLUSHALL')
local raw = put('a.example')
redis('LPUSH', { OUTBOX, raw })
new_host():run(NOW)
local queue = alert_queue({ webhooks = { ops = {} }, severity = 'low',
    types = { ['problem-worsened'] = true } }, 'p',
    { call = redis, log = print })
repeat until not queue:route(NOW * 1000)
is(redis('LLEN', { 'p:{outbox}:queue:webhook:ops' }), 1,
    'what comes twice is told once')

tap.done()
