--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Run by reckon.t in rspamadm's Lua: problems of domains that are due.

local core = require "tlsrpt_lua"
local reckon = require "tlsrpt/reckon"
local rspamd_text = require "rspamd_text"

local tap = dofile(arg[2])(arg[1])
local ok, is, redis = tap.ok, tap.is, tap.redis

local NOW = os.time()
local n = 0

-- A signed report of yesterday, most of whose sessions failed.
local function report_on(domain)
    n = n + 1

    local day = os.date('!%Y-%m-%d', NOW - 86400)
    local text = rspamd_text.fromstring(string.format('{"organization-name":'
        .. '"Example Sender","date-range":{"start-datetime":"%sT00:00:00Z",'
        .. '"end-datetime":"%sT23:59:59Z"},"contact-info":"t@sender.example",'
        .. '"report-id":"%d","policies":[{"policy":{"policy-type":"sts",'
        .. '"policy-string":["version: STSv1","mode: enforce","mx: mx.%s",'
        .. '"max_age: 604800"],"policy-domain":"%s"},"summary":{'
        .. '"total-successful-session-count":40,"total-failure-session-count":'
        .. '60},"failure-details":[{"result-type":"certificate-expired",'
        .. '"receiving-mx-hostname":"mx.%s","failed-session-count":60}]}]}',
        day, day, n, domain, domain, domain))
    local report = assert(core.parse(text:ptr(), #text, { max_size = 100000 }))

    assert(redis(report:ingest(domain, { prefix = 'p', now = NOW,
        retention_days = 400, report_days = 30, signer = 'sender.example',
        original_ptr = text:ptr(), original_len = #text })) ~= 0)
    report:close()
end

local function make_due(domain)
    redis('ZADD', { 'p:due', '1', domain })
end

local said

local function new_host(members)
    local host = {
        core = core, prefix = 'p', retention = 400, ask = tap.ask,
        may = function() return true end,
        now = function() return NOW end,
        log = function(text, ...)
            said[#said + 1] = string.format(text, ...)
        end,
    }

    for name, value in pairs(members or {}) do host[name] = value end

    return reckon(host)
end

local function begin(...)
    redis('FLUSHALL')
    said = {}

    for _, domain in ipairs({ ... }) do
        report_on(domain)
        make_due(domain)
    end
end

local function mark(domain)
    return redis('HGET', { 'p:{' .. domain .. '}', 'p' })
end

-- Events of a domain: how many, and how many are on their way.
local function events(domain)
    return redis('LLEN', { 'p:{' .. domain .. '}:events' }) .. ' '
        .. redis('LLEN', { 'p:{' .. domain .. '}:untold' })
end

local function is_due(domain)
    local at = tonumber(redis('ZSCORE', { 'p:due', domain }) or 'inf')

    return at <= NOW + 300
end


-- What is due is worked out

begin('a.example', 'b.example')
new_host():run()
is(mark('a.example') .. ' ' .. mark('b.example'), '1 1 1 1',
    'each has an open problem')
is(events('a.example'), '1 1', 'and an event, which is on its way')
is(redis('ZSCORE', { 'p:untold', 'a.example' }) ~= nil, true,
    'where it is looked for')
is(redis('ZSCORE', { 'p:open', 'b.example' }), '3', 'and is found, the worst')
ok(not is_due('a.example') and not is_due('b.example'), 'they are done')
new_host():run()
is(events('a.example'), '1 1', 'nothing is due, and nothing happens')
report_on('a.example')
make_due('a.example')
new_host():run()
is(events('a.example'), '1 1', 'the same once more is no event')
is(#said, 0, 'nothing was said')

begin()
for i = 1, 40 do
    report_on('d' .. i .. '.example')
    make_due('d' .. i .. '.example')
end
new_host():run()
is(redis('ZCARD', { 'p:open' }), 40, 'more than are held at once')


-- Where nginx does

begin('a.example')
redis('SET', { 'p:lease:problems', 'nginx', 'PX', '60000' })
new_host():run()
is(mark('a.example'), '1 0', 'nginx does it: nothing was done')
ok(is_due('a.example'), 'it is still due')
redis('DEL', { 'p:lease:problems' })
new_host():run()
is(mark('a.example'), '1 1', 'nginx is gone: it was')


-- What cannot be worked out, or must not

begin('a.example', 'b.example', 'c.example')
redis('DEL', { 'p:{b.example}:problems' })
redis('LPUSH', { 'p:{b.example}:problems', 'wrong' })
local host = new_host()
host:run()
is(mark('a.example') .. ' ' .. mark('c.example'), '1 1 1 1',
    'a domain that cannot be worked out stops no other')
is(#said, 1, 'it is told')
ok((said[1] or ''):find('problems of b.example: .*WRONGTYPE'), 'and why')
make_due('b.example')
host:run()
is(#said, 1, 'once')

begin('a.example')
redis('SET', { 'p:{a.example}:problems', '9 1\nx' })
report_on('b.example')
make_due('b.example')
host = new_host()
host:run()
is(redis('GET', { 'p:{a.example}:problems' }), '9 1\nx',
    'what a later version wrote is left alone')
ok((said[1] or ''):find('newer version'), 'which is told')
is(mark('b.example'), '1 1', 'others are done')
make_due('a.example')
host:run()
is(#said, 1, 'once')


-- Who loses the lease stops

for left = 0, 12 do
    begin('a.example')

    new_host({ may = function()
        left = left - 1
        return left >= 0
    end }):run()
    make_due('a.example')
    new_host():run()

    if mark('a.example') ~= '1 1' or events('a.example') ~= '1 1' then
        ok(false, 'given up after ' .. left .. ' steps')
    end
end
ok(true, 'what is given up is done by the next')
is(#said, 0, 'without a word')


-- A host dies: after any number of commands, another goes on

local dead, wrong = 0, {}

for dies = 1, 60 do
    begin('a.example', 'b.example')

    local left = dies
    local done = pcall(function()
        new_host({ ask = function(command, args)
            if left <= 0 then error('the host is dead', 0) end

            left = left - 1

            return tap.ask(command, args)
        end }):run()
    end)

    dead = dead + ((done and left > 0) and 0 or 1)

    -- the time that it held them for is over
    for _, domain in ipairs({ 'a.example', 'b.example' }) do
        if is_due(domain) then make_due(domain) end
    end

    new_host():run()

    for _, domain in ipairs({ 'a.example', 'b.example' }) do
        if mark(domain) ~= '1 1' or events(domain) ~= '1 1'
            or not redis('ZSCORE', { 'p:untold', domain })
            or not redis('ZSCORE', { 'p:open', domain })
        then
            wrong[#wrong + 1] = dies .. ' ' .. domain
        end
    end
end

ok(dead >= 20, dead .. ' hosts died, after 1, 2, 3 … commands')
is(table.concat(wrong, ', '), '',
    'each problem was opened, once, and is on its way')

tap.done()
