--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Run by alert_queue.t in rspamadm's Lua: the life of deliveries in a real
-- Redis, on a clock of the test's own, with recipients that answer as told.

local alert_queue = require "tlsrpt/alert_queue"
local alert_maps = require "tlsrpt/alert_maps"
local ucl = require "ucl"

local SECOND, MINUTE, HOUR, DAY = 1000, 60000, 3600000, 86400000
local START = 1795600800 * SECOND       -- Wednesday, 2026-11-25, 10:00 UTC

local tap = dofile(arg[2])(arg[1])
local ok, is, redis = tap.ok, tap.is, tap.redis


-- A world: hosts, their recipients, a clock

local function options(more)
    local conf = {
        webhooks = { ops = {}, other = {} },
        types = { ['problem-opened'] = true, ['problem-worsened'] = true,
            ['problem-resolved'] = true },
        severity = 'medium',
        unverified = false,
    }

    for name, value in pairs(more or {}) do conf[name] = value end

    return conf
end

local n = 0

local function problem(members)
    n = n + 1

    local made = {
        id = 'problem-' .. n, ['result-type'] = 'certificate-expired',
        severity = 'high', ['receiving-mx-hostnames'] = { 'mx' .. n },
    }

    for name, value in pairs(members or {}) do made[name] = value end

    return made
end

local function event(type, domain, of, members)
    n = n + 1

    local made = {
        id = 'event-' .. n, time = 'now', type = type, domain = domain,
        title = 'title ' .. n, ['problem-id'] = of and of.id,
    }

    for name, value in pairs(members or {}) do made[name] = value end

    return made
end

local world = {}
world.__index = world

local function new_world(more)
    redis('FLUSHALL')

    local self = setmetatable({
        conf = options(more),
        now = START,
        answers = {},           -- recipient -> function(job): verdict, ...
        got = {},               -- { recipient, id, title, type, at, count }
        tries = {},             -- recipient -> times
        said = {},
        kept = {},              -- events of domains
        call = redis,
    }, world)

    self:new_host()

    return self
end

-- Of another rspamd, or of the same (where it is given).
function world:new_host(instance)
    self.hosts = (self.hosts or 0) + 1
    self.queue = alert_queue(self.conf, 'p', {
        call = function(...) return self.call(...) end,
        log = function(text, ...)
            self.said[#self.said + 1] = string.format(text, ...)
        end,
        keep = function(kept) self.kept[#self.kept + 1] = kept end,
        holder = function(domain) return (self.holders or {})[domain] end,
        token = function()
            n = n + 1
            return string.format('%026d', n)
        end,
        instance = instance or 'host ' .. self.hosts,
    })

    return self.queue
end

function world:push(made, of, more)
    local item = { event = made, problem = of }

    for name, value in pairs(more or {}) do item[name] = value end

    redis('LPUSH', { 'p:{outbox}',
        tostring(ucl.to_format(item, 'json-compact')) })
end

function world:deliver(job)
    local answer = self.answers[job.recipient]
    local verdict, wait = 'sent', nil

    self.tries[job.recipient] = self.tries[job.recipient] or {}
    table.insert(self.tries[job.recipient], (self.now - START) / SECOND)

    if answer then verdict, wait = answer(job) end

    if verdict == 'sent' then
        self.got[#self.got + 1] = {
            recipient = job.recipient, id = job.delivery.id,
            title = job.delivery.title, type = job.delivery.type,
            at = (self.now - START) / SECOND, count = job.delivery.count,
            delivery = job.delivery,
        }
    end

    self.queue:settle(job, verdict, 'answer', wait, self.now)
end

function world:step()
    while self.queue:route(self.now) do end

    self.queue:release(self.now)
    self.queue:digest(self.now)

    for _ = 1, 200 do
        local due = self.queue:due(self.now, 100)
        local sent = false

        for _, recipient in ipairs(due) do
            local job = self.queue:next(recipient, self.now)

            if job then
                sent = true
                self:deliver(job)
            end
        end

        if not sent then return end
    end
end

function world:pass(time, period)
    local till = self.now + time

    self:step()

    while self.now < till do
        self.now = math.min(self.now + (period or 10 * SECOND), till)
        self:step()
    end
end

-- What a recipient got: "type type", or ids.
function world:of(recipient, what)
    local list = {}

    for _, message in ipairs(self.got) do
        if message.recipient == recipient then
            list[#list + 1] = tostring(message[what or 'type'])
        end
    end

    return table.concat(list, ' ')
end

function world:count(what)
    return tonumber(redis('HGET', { 'p:{outbox}:counts', what })) or 0
end

local OPS, OTHER = 'webhook:ops', 'webhook:other'


-- The life of a problem

local w = new_world()
local p = problem()

w:push(event('problem-opened', 'a.example', p), p)
w:pass(5 * MINUTE)
is(w:of(OPS), '', 'an opening is held: others may come')
w:push(event('sender-new', 'a.example'), nil)
w:push(event('policy-changed', 'a.example'), nil)
w:pass(6 * MINUTE)
is(w:of(OPS), 'problem-opened', 'one message when something breaks')
w:pass(HOUR, MINUTE)
w:push(event('problem-resolved', 'a.example', p), p)
w:pass(10 * SECOND)
is(w:of(OPS), 'problem-opened problem-resolved', 'one when it is mended')
is(w:of(OTHER), 'problem-opened problem-resolved', 'to each recipient')
w:pass(DAY, MINUTE)
is(#w.got, 4, 'and nothing else')
is(w:count('webhook:delivered'), 4, 'counted')
is(redis('EXISTS', { 'p:{outbox}:told:' .. p.id }), 0,
    'who was told is forgotten')

w = new_world()
p = problem()
w:push(event('problem-opened', 'a.example', p), p)
w:pass(10 * SECOND)
w:push(event('problem-resolved', 'a.example', p), p)
w:pass(10 * SECOND)
is(w:of(OPS), 'problem-opened problem-resolved',
    'an end within the ten minutes comes behind its opening')

w = new_world()
p = problem()
w:push(event('problem-opened', 'a.example', p), p)
w:push(event('problem-worsened', 'a.example', p), p)
w:pass(10 * SECOND)
is(w:of(OPS), 'problem-opened problem-worsened', 'so does one that is worse')

w = new_world()
p = problem()
w:push(event('problem-opened', 'a.example', p), p)
w:pass(11 * MINUTE)
w.conf.webhooks = { other = {}, third = {} }
w:push(event('problem-lapsed', 'a.example', p), p)
w:pass(10 * SECOND)
is(w:of(OTHER), 'problem-opened problem-lapsed', 'whoever was told is told')
is(w:of('webhook:third'), '', 'whoever was not, is not')
w:push(event('problem-resolved', 'a.example', problem()), problem())
w:pass(10 * SECOND)
is(w:of(OTHER), 'problem-opened problem-lapsed', 'nor of what nobody knows')

w = new_world()
p = problem()
local twice = event('problem-worsened', 'a.example', p)
w:push(twice, p)
w:pass(10 * SECOND)
w:push(twice, p)
w:pass(10 * SECOND)
is(w:of(OPS), 'problem-worsened', 'an event that comes twice is told once')
w:push(event('problem-resolved', 'a.example', p), p)
w:pass(10 * SECOND)
is(w:of(OPS), 'problem-worsened problem-resolved',
    'who was told that it is worse is told of its end')


-- Groups

w = new_world()
for i = 1, 60 do
    p = problem({ ['receiving-mx-hostnames'] = { 'MX.shared.example' } })
    w:push(event('problem-opened', 'd' .. i .. '.example', p), p)
    w:pass(5 * SECOND)
end
p = problem({ ['receiving-mx-hostnames'] = { 'mx.own.example' } })
w:push(event('problem-opened', 'own.example', p), p)
p = problem({ ['receiving-mx-hostnames'] = { 'mx.shared.example' },
    ['result-type'] = 'starttls-not-supported' })
w:push(event('problem-opened', 'd1.example', p), p)
w:pass(20 * MINUTE)
is(w:of(OPS, 'count'), '60 1 1',
    'openings of one type and server are one message, others their own')
is(#w.got[1].delivery.domains, 50, 'which names 50 domains')
p = problem({ ['receiving-mx-hostnames'] = { 'mx.shared.example' } })
w:push(event('problem-opened', 'late.example', p), p)
w:pass(11 * MINUTE)
is(w:of(OPS, 'count'), '60 1 1 1', 'after ten minutes it is another')
p = problem({ ['receiving-mx-hostnames'] = {} })
w:push(event('problem-opened', 'x.example', p), p)
w:pass(0)
is(w:of(OPS, 'count'), '60 1 1 1 1', 'with no mail server it waits for none')


-- What goes wrong

-- verdicts: the first attempts' ones; then "sent"
local function answers(...)
    local verdicts, i = { ... }, 0

    return function()
        i = i + 1
        return verdicts[i] or 'sent'
    end
end

-- of the first hours; then "sent"
local function down(world_of, hours)
    local till = world_of.now + hours * HOUR

    return function() return world_of.now < till and 'failed' or 'sent' end
end

local function worsened(world_of, domain, of)
    of = of or problem()

    local made = event('problem-worsened', domain or 'a.example', of)

    world_of:push(made, of)

    return made
end

w = new_world()
w.answers[OPS] = down(w, 24)
for _ = 1, 3 do
    worsened(w)
    w:pass(10 * SECOND)
end
w:pass(25 * HOUR)
is(table.concat(w.tries[OPS], ' ', 1, 6), '0 10 70 670 4270 7870',
    'tries after 10 s, 1 min, 10 min, then every hour')
is(w:of(OPS, 'title'), w:of(OTHER, 'title'),
    'a recipient that was down for a day gets all, in order')
is(w:count('webhook:given-up'), 0, 'nothing is lost')
is(#w.tries[OTHER], 3, 'others do not wait')

w = new_world({ types = { ['problem-worsened'] = true,
    ['delivery-failed'] = true } })
w.answers[OPS] = down(w, 70)
worsened(w)
w:pass(24 * HOUR, MINUTE)
worsened(w)
w:pass(50 * HOUR, MINUTE)
is(w:of(OPS), 'problem-worsened', 'after 48 hours the oldest is given up')
is(w:of(OTHER), 'problem-worsened problem-worsened delivery-failed',
    'which is told to others')
is(w:count('webhook:given-up'), 1, 'and counted')
is(#w.kept, 1, 'and is an event of its domain')
is(w.kept[1].type .. ' ' .. w.kept[1].domain,
    'delivery-failed a.example', 'of its type')
ok(w:of(OTHER, 'id'):find(w.kept[1].id, 1, true), 'the same that is told')

w = new_world({ types = { ['problem-worsened'] = true,
    ['delivery-failed'] = true } })
w.answers[OPS] = function() return 'gone' end
worsened(w)
worsened(w)
w:pass(HOUR, MINUTE)
is(#w.tries[OPS], 1, '410: nothing more is sent to it')
is(w:of(OTHER), 'problem-worsened problem-worsened', 'others are not stopped')
w:pass(48 * HOUR, MINUTE)
is(#w.tries[OPS], 1, 'nor later')
w:new_host('host 1')
worsened(w)
w:pass(2 * HOUR, MINUTE)
is(#w.tries[OPS], 1, 'nor by another worker')
w:pass(48 * HOUR, MINUTE)
is(w:count('webhook:given-up'), 3, 'what waits for it is given up in time')
w.answers[OPS] = nil
w:new_host()
worsened(w)
w:pass(2 * HOUR, MINUTE)
is(w:of(OPS), 'problem-worsened', 'until rspamd is restarted')

w = new_world()
w.answers[OPS] = function()
    return w.now < START + 5000 * SECOND and 'failed' or 'sent', 5000
end
worsened(w)
w:pass(2 * HOUR)
is(table.concat(w.tries[OPS], ' '), '0 5000', 'Retry-After is kept to')

w = new_world()
w.answers[OPS] = answers('failed', 'failed', 'sent', 'failed')
worsened(w)
w:pass(2 * MINUTE)
worsened(w)
w:pass(30 * SECOND)
is(table.concat(w.tries[OPS], ' '), '0 10 70 120 130',
    'after one that arrived it begins at 10 s again')

w = new_world({ mail = { to = { 'a@b.example', 'c@d.example' } },
    webhooks = {} })
w.answers['mail:a@b.example'] = answers('refused')
worsened(w)
worsened(w)
w:pass(10 * SECOND)
is(w:of('mail:a@b.example'), 'problem-worsened',
    'a refused mail is given up, and the next one sent')
is(w:of('mail:c@d.example'), 'problem-worsened problem-worsened',
    'for that recipient alone')
is(w:count('mail:given-up'), 1, 'counted')

w = new_world()
w.answers[OPS] = function() return 'failed' end
worsened(w)
w:pass(MINUTE)
w.conf.webhooks = { other = {} }
w:pass(HOUR, MINUTE)
is(redis('EXISTS', { 'p:{outbox}:queue:' .. OPS }), 0,
    'one that was taken out of the configuration leaves no queue')

w = new_world()
worsened(w)
w.queue:route(w.now)
redis('EVAL', { "local d = redis.call('LINDEX', KEYS[1], 0) for i = 2, 10000"
    .. " do redis.call('RPUSH', KEYS[1], d) end return 1", '1',
    'p:{outbox}:queue:' .. OPS })
worsened(w)
w.queue:route(w.now)
is(redis('LLEN', { 'p:{outbox}:queue:' .. OPS }), 10000, '10,000 wait at most')
is(w:count('webhook:given-up'), 1, 'the oldest is given up for the newest')


-- Many

w = new_world()
for _ = 1, 50 do worsened(w) end
w:pass(59 * MINUTE)
local types = w:of(OPS)
is(select(2, types:gsub('problem%-worsened', '')), 20, '20 in an hour')
is(select(2, types:gsub('waiting', '')), 1, 'then one that says how many wait')
is(w.got[#w.got].count, 30, 'which says 30')
w:pass(3 * HOUR, MINUTE)
types = w:of(OPS)
is(select(2, types:gsub('problem%-worsened', '')), 50, 'the others follow')
is(select(2, types:gsub('waiting', '')), 2, 'with a notice each hour')


-- What is not told at once

local function told(more, members, item, type)
    local one = new_world(more)
    local of = problem(members)

    one:push(event(type or 'problem-worsened', 'a.example', of,
        item and item.event), of, item and { unverified = item.unverified })
    one:pass(10 * SECOND)

    return one:of(OPS), redis('LLEN', { 'p:{outbox}:digest:' .. OPS })
end

local function told_is(wanted, entries, name, ...)
    local types_told, in_digest = told(...)

    is(types_told .. ' ' .. in_digest, wanted .. ' ' .. entries, name)
end

local daily = { digest = 'daily' }
local W = 'problem-worsened'

told_is(W, 1, 'what is told is in the digest, too', daily)
told_is(W, 0, 'without a digest nothing is kept for one')
told_is('', 0, 'below the severity', daily, { severity = 'low' })
told_is(W, 1, 'at it', daily, { severity = 'medium' })
told_is('', 0, 'muted', daily, { ['muted-until'] = '2026-11-26' })
told_is(W, 1, 'muted until today', daily,
    { ['muted-until'] = '2026-11-25' })
told_is('', 1, 'late ones are for the digest', daily, nil,
    { event = { late = true } })
told_is('', 1, 'so is what nobody signed', daily, nil, { unverified = true })
told_is(W, 1, 'unless that is wanted',
    { digest = 'daily', unverified = true }, nil, { unverified = true })
told_is('', 1, 'other types', daily, nil, nil, 'sender-new')

-- maps

local function map(kind, text)
    local path = os.tmpname()
    local file = io.open(path, 'w')

    file:write(text)
    file:close()

    local made, reasons = alert_maps.load(kind, path, { ops = {} },
        { to = {} })

    os.remove(path)

    return made, table.concat(reasons, '; ')
end

local ignore = map('ignore', '# comment\nresult-type=certificate-expired'
    .. ' organization-name="Google Inc."\ndomain=.b.example\n')
local google = { ['organization-names'] = { 'Google Inc.' } }

told_is('', 0, 'ignored', { ignore = ignore, digest = 'daily' }, google)
told_is(W, 1, 'not what another sender saw, too',
    { ignore = ignore, digest = 'daily' },
    { ['organization-names'] = { 'Google Inc.', 'Other' } })
told_is(W, 1, 'nor where no sender is named',
    { ignore = ignore, digest = 'daily' }, { ['organization-names'] = {} })
ok(ignore:matches('x.b.example', {}), 'a domain and below it')
ok(ignore:matches('b.example', {}), 'itself')
ok(not ignore:matches('bb.example', {}), 'not another')

local _, reasons = map('ignore', 'a=b\nresult-type\n')
ok(reasons:find('line 1: unknown key a', 1, true), 'an unknown key')
ok(reasons:find('line 2: not KEY=VALUE: result-type', 1, true), 'no value')

local recipients = map('recipients', 'a.example ops x@y.example\n'
    .. '.b.example ops # all below\n')
w = new_world({ recipients = recipients, mail = { to = {} } })
worsened(w, 'a.example')
worsened(w, 'x.b.example')
worsened(w, 'c.example')
w:pass(10 * SECOND)
is(#w.got, 5, 'recipients by domain')
is(w:of('mail:x@y.example'), W, 'an address')
is(w:of(OTHER), W, 'a domain that is not in the map has the usual ones')
_, reasons = map('recipients', 'a.example nobody\n@ ops\nb..c ops\n'
    .. 'd.example\na.example ops\na.example ops\n')
for _, reason in ipairs({ 'line 1: nobody: neither an address nor a webhook',
    'line 2: @: no domain name',
    'line 3: b..c: no domain name', 'line 4: d.example: nobody is named',
    'line 6: a.example twice' })
do
    ok(reasons:find(reason, 1, true), reason)
end


-- Muted problems, owners, contacts

w = new_world()
p = problem()
redis('HSET', { 'p:{a.example}:muted', p.id, '2026-11-26' })
worsened(w, 'a.example', p)
w:pass(10 * SECOND)
is(#w.got, 0, 'a problem that somebody has muted is not told')
w.now = w.now + DAY
worsened(w, 'a.example', p)
w:pass(10 * SECOND)
is(w:of(OPS), W, 'on the day that it is muted until, it is told again')

recipients = map('recipients', '@anna ops\n.b.example x@y.example\n')
w = new_world({ recipients = recipients, mail = { to = {} } })
w.holders = { ['a.example'] = { owner = 'anna', contacts = {} },
    ['x.b.example'] = { owner = 'anna', contacts = {} },
    ['c.example'] = { owner = 'Anna', contacts = {} } }
worsened(w, 'a.example')
w:pass(10 * SECOND)
is(w:of(OPS) .. w:of(OTHER), W, "an owner's line")
worsened(w, 'x.b.example')
w:pass(10 * SECOND)
is(w:of('mail:x@y.example'), W, 'that of a domain comes first')
is(w:of(OPS), W, 'and alone')
worsened(w, 'c.example')
w:pass(10 * SECOND)
is(w:of(OTHER), W, 'another owner has the usual ones')
w.conf.types['domain-enrolled'] = true
w:push(event('domain-enrolled', 'x.b.example', nil, { owner = 'bert' }))
w:pass(10 * SECOND)
is(w:of(OTHER), W .. ' domain-enrolled', "one that waits: the operator's,")
is(w:of('mail:x@y.example'), W, "not a domain's")

w = new_world({ owner_contacts = true, mail = { to = {} },
    dashboard = 'https://d.example/' })
w.holders = { ['a.example'] = { owner = 'anna', contacts = {
    'x@a.example', 'y@sub.A.example', 'z@b.example', 'z@ba.example',
    'no address' } } }

local function contact_of(address)
    local token = redis('HGET', { 'p:{outbox}:contact-of',
        'a.example ' .. address })

    return token and string.format('contact:%s:%s', token, address), token
end

local function set_contact(address, state)
    local _, token = contact_of(address)

    redis('HSET', { 'p:{outbox}:contacts', token, state .. ' a.example '
        .. address })
end

local function got(address)
    return w:of((contact_of(address)))
end

worsened(w, 'a.example')
w:pass(10 * SECOND)
is(w:of(OPS), W, 'with contacts: the others, too')
is(got('x@a.example'), W, 'a contact below the domain')
is(got('y@sub.A.example'), W, 'in whatever case')
is(got('z@b.example'), 'contact-asked', 'another is asked')
is(got('z@ba.example'), 'contact-asked', 'so is one that only ends alike')
is(contact_of('no address'), nil, 'what is no address is none')
worsened(w, 'a.example')
w:pass(10 * SECOND)
is(got('z@b.example'), 'contact-asked', 'once, and is not told')
set_contact('z@b.example', 'confirmed')
set_contact('x@a.example', 'refused')
worsened(w, 'a.example')
w:pass(10 * SECOND)
is(got('z@b.example'), 'contact-asked ' .. W, 'told when it has confirmed')
is(got('x@a.example'), W .. ' ' .. W, 'not told when it has refused')
is(got('z@ba.example'), 'contact-asked', 'the other still waits')

w.answers[contact_of('z@b.example')] = function() return 'failed' end
worsened(w, 'a.example')
w:pass(10 * SECOND)
set_contact('z@b.example', 'refused')
w.answers = {}
w:pass(5 * MINUTE)
is(got('z@b.example'), 'contact-asked ' .. W,
    'what waits for one who has refused is not sent')
is(#w.kept, 0, 'and is no failure')

w.holders['a.example'].contacts = { '1@b.example', '2@b.example',
    '3@b.example', '4@b.example', '5@b.example' }
worsened(w, 'a.example')
w:pass(10 * SECOND)
w.holders['a.example'].contacts = { '6@b.example' }
worsened(w, 'a.example')
w:pass(10 * SECOND)
is(got('5@b.example'), 'contact-asked', 'a few are asked in a day')
is(contact_of('6@b.example'), nil, 'no more')
redis('DEL', { 'p:{outbox}:asked:a.example' })
worsened(w, 'a.example')
w:pass(10 * SECOND)
is(got('6@b.example'), 'contact-asked', 'but later')
w.answers[contact_of('y@sub.A.example')] = function() return 'refused' end
w.holders['a.example'].contacts = { 'y@sub.A.example' }
worsened(w, 'a.example')
w:pass(10 * SECOND)
ok(not table.concat(w.said, ' '):find((select(2, contact_of(
    'y@sub.A.example'))), 1, true), 'no token is logged')
ok(not redis('LINDEX', { 'p:{outbox}:queue:' .. OPS, '0' }),
    'and others were told')
w.conf.owner_contacts = false
is(w:of(OPS):find('delivery-failed', 1, true), nil, 'not of that at once')


-- Digests

w = new_world({ digest = 'weekly' })
w:pass(MINUTE)
worsened(w)
w:push(event('problem-opened', 'old.example', p, { late = true }), p)
w:pass(4 * DAY, 10 * MINUTE)
is(w:of(OPS), W, 'no digest until Monday')
w:pass(DAY, 10 * MINUTE)
is(w:of(OPS), W .. ' digest', 'one then')
is(math.floor(w.got[#w.got].at / 600), (5 * 86400 - 3 * 3600) / 600,
    'at 07:00 UTC')
is(w.got[#w.got].count, 2, 'with all that happened')
w:pass(14 * DAY, HOUR)
is(w:of(OPS), W .. ' digest', 'none where nothing happened')

w = new_world({ digest = 'daily' })
w:pass(MINUTE)
for _ = 1, 120 do w:push(event('sender-new', 'a.example')) end
w:pass(DAY, 10 * MINUTE)
is(w:of(OPS), 'digest', 'daily')
is(w.got[1].count, 120, 'it says how many')
is(#w.got[1].delivery.entries, 100, 'and lists a hundred')


-- Two hosts: one takes an event while the other is about to

w = new_world()
worsened(w)
local second = w:new_host()
local first = w:new_host()
local interrupted = false

w.call = function(command, args)
    if command == 'EVAL' and not interrupted then
        interrupted = true
        second:route(w.now)
    end

    return redis(command, args)
end
first:route(w.now)
w.call = redis
ok(interrupted, 'both decided on the event')
w:pass(MINUTE)
is(w:of(OPS), W, 'it is told once')

w = new_world()
worsened(w)
worsened(w)
w:step()
is(#w.got, 4, 'two messages each')
second = w:new_host()
worsened(w)
second:route(w.now)
local job = second:next(OPS, w.now)
local same = w:new_host():next(OPS, w.now)
second:settle(job, 'sent', '', nil, w.now)
worsened(w)
second:route(w.now)
w.queue:settle(same, 'sent', '', nil, w.now)
is(redis('LLEN', { 'p:{outbox}:queue:' .. OPS }), 1,
    'a job that another host had done takes away nothing')


-- A host dies: after any number of commands, another goes on

local doubled, lost, order = 0, 0, 0

for dies = 1, 60 do
    w = new_world()

    local wanted, left = {}, dies
    local of = problem()

    for i, type in ipairs({ 'problem-opened', 'problem-worsened',
        'problem-resolved' })
    do
        local made = event(type, 'a.example', of)

        wanted[i] = made.id
        w:push(made, of)
    end

    w.call = function(command, args)
        if left == 0 then error('the host is dead', 0) end

        left = left - 1

        return redis(command, args)
    end
    pcall(w.step, w)
    w.call = redis
    w:new_host()
    w:pass(HOUR)

    local seen, ids = {}, w:of(OPS, 'id')

    for id in ids:gmatch('%S+') do
        if seen[id] then doubled = doubled + 1 end
        seen[id] = true
    end

    for _, id in ipairs(wanted) do
        if not seen[id] then lost = lost + 1 end
    end

    local at = 0

    for _, id in ipairs(wanted) do
        local behind = ids:find(id, 1, true)
        if not behind or behind < at then order = order + 1 end
        if behind then at = behind end
    end
end

is(lost, 0, 'of 60 hosts that died none lost an event')
is(order, 0, 'or mixed their order')
ok(doubled > 0 and doubled <= 6, 'doubled are those cut in the middle: '
    .. doubled)

tap.done()
