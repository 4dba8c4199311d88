--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Alerts in Redis, from the event to the last attempt to deliver it.
--
--   PREFIX:{outbox}              list: events to be told, LPUSHed as JSON by
--                                whoever makes them: {"event": ..., "problem":
--                                ..., "unverified": true?}
--   PREFIX:{outbox}:event:ID     that this one was routed
--   PREFIX:{outbox}:told:ID      hash of a problem: who was told of its
--                                opening -> where that is still held, or ""
--   PREFIX:{outbox}:held         hash: "RECIPIENT GROUP" -> a delivery that may
--                                grow
--   PREFIX:{outbox}:held-until   zset of the same names
--   PREFIX:{outbox}:queue:R      list of a recipient's deliveries, oldest first
--   PREFIX:{outbox}:state:R      hash: attempts, hour, sent, noticed, digested;
--                                gone: to this rspamd it answered 410
--   PREFIX:{outbox}:recipients   zset of those with a queue -> next attempt
--   PREFIX:{outbox}:digest:R     list of entries for the next digest
--   PREFIX:{outbox}:digests      set of those with such a list
--   PREFIX:{outbox}:digested     when digests were made last
--   PREFIX:{outbox}:counts       hash, for metrics
--   PREFIX:{outbox}:contacts     hash: token of a contact -> "STATE DOMAIN
--                                ADDRESS"; asked, confirmed or refused
--   PREFIX:{outbox}:contact-of   hash: "DOMAIN ADDRESS" -> token
--   PREFIX:{outbox}:asked:D      how many contacts of a domain were asked in a
--                                day
--
-- What belongs together is written by one script, which first looks whether
-- what was decided on is still there: so two workers, of which one does not
-- know yet that it lost the lease, take nothing twice and lose nothing, and a
-- worker may end anywhere.
--
-- Times are milliseconds of Redis's clock, given by the caller.  call(command,
-- args) asks Redis and raises an error where it does not answer.

local maps = require "tlsrpt/alert_maps"
local route = require "tlsrpt/alert_route"
local rspamd_hash = require "rspamd_cryptobox_hash"
local ucl = require "ucl"

local SECOND = 1000
local HOUR = 3600 * SECOND
local DAY = 24 * HOUR

local HOLD = 600 * SECOND               -- openings of a group
local MAX_AGE = 48 * HOUR               -- of what waits
local MAX_WAITING = 10000               -- of a recipient
local MAX_AN_HOUR = 20                  -- messages to a recipient
local MAX_DOMAINS = 50                  -- named in one message
local MAX_ENTRIES = 100                 -- listed in a digest
local MAX_DIGEST = 1000                 -- kept for it
local MAX_REASON = 200                  -- bytes
local DIGEST_HOUR = 7
local KNOWN = 7 * 24 * 3600             -- seconds: an event's id
local TOLD = 400 * 24 * 3600            -- seconds: who knows of a problem
local MAX_ASKED = 5                     -- contacts of a domain, in a day
local ASKED = 24 * 3600                 -- seconds
local DIGEST_KEPT = 30 * 24 * 3600      -- seconds

-- After the first attempt failed, the second, and so on.
local delays = { 10 * SECOND, 60 * SECOND, 600 * SECOND, HOUR }

-- KEYS: all that are used.  ARGV: n and the n words of a command that asks, the
-- answer there has to be ("" for none), then n and n words of each command to
-- run.  1, or 0 where the answer is another.
local COMMIT = [[
local i = 1
local function command()
    local n = tonumber(ARGV[i])
    local words = { unpack(ARGV, i + 1, i + n) }
    i = i + n + 1
    return redis.call(unpack(words))
end
local found = command()
if (found or '') ~= ARGV[i] then return 0 end
i = i + 1
while i <= #ARGV do command() end
return 1
]]

local queue = {}
queue.__index = queue


-- Small things

local function parse(text)
    local parser = ucl.parser()

    if not parser:parse_string(text) then return nil end

    local object = parser:get_object()

    return type(object) == 'table' and object or nil
end

local function format(object)
    return (tostring(ucl.to_format(object, 'json-compact')))
end

local function whole(number)
    return string.format('%d', number)
end

local function digest_of(...)
    return rspamd_hash.create(table.concat({ ... }, '\n')):hex():sub(1, 26)
end

local function printable(text)
    local clean = tostring(text):gsub('%c+', ' '):gsub('%s+$', '')

    if #clean > MAX_REASON then
        clean = clean:sub(1, MAX_REASON):gsub('[\192-\255][\128-\191]*$', '')
    end

    return clean
end

local function day_of(now)
    return os.date('!%Y-%m-%d', math.floor(now / 1000))
end

-- For counts.
local function kind_of(recipient)
    return route.shown(recipient):match('^%a+')
end

-- HGETALL's reply.
local function as_table(reply)
    local fields = {}

    for i = 1, #(reply or {}), 2 do fields[reply[i]] = reply[i + 1] end

    return fields
end

function queue:key(...)
    return table.concat({ self.outbox, ... }, ':')
end

-- Runs the commands, if the answer to another is as expected (nil: nothing is
-- there).  A command's second word is its key.
function queue:commit(question, expected, commands)
    local keys, seen, words = {}, {}, {}

    local function add(command)
        local key = command[2]

        if not seen[key] then
            seen[key] = true
            keys[#keys + 1] = key
        end

        words[#words + 1] = whole(#command)
        for _, word in ipairs(command) do words[#words + 1] = word end
    end

    add(question)
    words[#words + 1] = expected or ''
    for _, command in ipairs(commands) do add(command) end

    local args = { COMMIT, whole(#keys) }

    for _, key in ipairs(keys) do args[#args + 1] = key end
    for _, word in ipairs(words) do args[#args + 1] = word end

    return self.call('EVAL', args) == 1
end


-- Into a queue

function queue:count(commands, recipient, result)
    commands[#commands + 1] = { 'HINCRBY', self:key('counts'),
        kind_of(recipient) .. ':' .. result, '1' }
end

-- What is given up is an event, too; but not that it could not be told of that.
local function failure_of(recipient, delivery, reason, now)
    if delivery.type == 'delivery-failed' then return nil end

    return {
        id = digest_of('delivery-failed', delivery.id, recipient),
        time = os.date('!%Y-%m-%dT%H:%M:%SZ', math.floor(now / 1000)),
        type = 'delivery-failed',
        domain = delivery.domain,
        title = printable(string.format('%s was not told of "%s": %s',
            route.shown(recipient), delivery.title, reason)),
    }
end

-- Takes the first delivery of a queue away; false if another is first now.
function queue:give_up(recipient, head, delivery, reason, now)
    local commands = { { 'LPOP', self:key('queue', recipient) } }
    local event = failure_of(recipient, delivery, reason, now)

    self:count(commands, recipient, 'given-up')
    self.log('%s was not told of "%s", given up: %s', route.shown(recipient),
        printable(delivery.title), printable(reason))

    if event then
        -- told to others, and never of itself
        commands[#commands + 1] = { 'LPUSH', self.outbox,
            format({ event = event, about = recipient }) }
        -- before it is done, as its domain's events are elsewhere in Redis
        self.keep(event)
    end

    return self:commit({ 'LINDEX', self:key('queue', recipient), '0' }, head,
        commands)
end

function queue:make_room(recipient, now)
    local name = self:key('queue', recipient)

    if self.call('LLEN', { name }) < MAX_WAITING then return end

    local head = self.call('LINDEX', { name, '0' })

    self:give_up(recipient, head, parse(head),
        MAX_WAITING .. ' messages wait', now)
end

function queue:push(commands, recipient, delivery, now)
    self:make_room(recipient, now)

    delivery.since = now
    commands[#commands + 1] = { 'RPUSH', self:key('queue', recipient),
        format(delivery) }
    commands[#commands + 1] = { 'ZADD', self:key('recipients'), 'NX',
        whole(now), recipient }
end


-- From the outbox to queues

-- A delivery of one event.  raw: its item as it came, which a program gets.
local function new_delivery(item, raw)
    local event = item.event

    return {
        id = event.id,
        type = event.type,
        domain = event.domain,
        title = event.title,
        raw = raw,
        domains = { {
            domain = event.domain,
            ['event-id'] = event.id,
            ['problem-id'] = event['problem-id'],
        } },
        count = 1,
    }
end

local function add_to_delivery(delivery, item)
    delivery.count = delivery.count + 1

    if #delivery.domains < MAX_DOMAINS then
        delivery.domains[#delivery.domains + 1] =
            new_delivery(item).domains[1]
    end
end

-- Keeps an opening, or adds it to what is kept of its group; where it is.
function queue:hold(commands, recipient, group, item, raw, now)
    local name = recipient .. ' ' .. group
    local held = self.call('HGET', { self:key('held'), name })
    local delivery = held and parse(held)

    if delivery then
        add_to_delivery(delivery, item)
    else
        delivery = new_delivery(item, raw)
        commands[#commands + 1] = { 'ZADD', self:key('held-until'),
            whole(now + HOLD), name }
    end

    commands[#commands + 1] = { 'HSET', self:key('held'), name,
        format(delivery) }

    return name
end

-- What is held goes into its recipient's queue.
function queue:let_go(commands, name, held, now)
    commands[#commands + 1] = { 'HDEL', self:key('held'), name }
    commands[#commands + 1] = { 'ZREM', self:key('held-until'), name }
    self:push(commands, name:match('^%S+'), parse(held), now)
end

-- An opening that is still held comes before what follows it.
function queue:push_behind(commands, recipient, where, item, raw, now)
    local held = where and where ~= ''
        and self.call('HGET', { self:key('held'), where })

    if held then self:let_go(commands, where, held, now) end

    self:push(commands, recipient, new_delivery(item, raw), now)
end

function queue:tell_now(commands, recipient, item, raw, now)
    local event, problem = item.event, item.problem or {}
    local group = route.group(event, problem)
    local told = event['problem-id'] and self:key('told', event['problem-id'])
    local where = ''

    if group then
        where = self:hold(commands, recipient, group, item, raw, now)
    else
        self:push_behind(commands, recipient,
            told and self.call('HGET', { told, recipient }), item, raw, now)
    end

    if not told then return end

    commands[#commands + 1] = { 'HSET', told, recipient, where }
    commands[#commands + 1] = { 'EXPIRE', told, whole(TOLD) }
end

-- Those who were told of the opening, which comes before its end.
function queue:tell_ending(commands, item, raw, now)
    local told = self:key('told', item.event['problem-id'])
    local who = as_table(self.call('HGETALL', { told }))

    for recipient, where in pairs(who) do
        self:push_behind(commands, recipient, where, item, raw, now)
    end

    commands[#commands + 1] = { 'DEL', told }
end

function queue:tell_later(commands, recipient, item)
    local event = item.event
    local list = self:key('digest', recipient)

    commands[#commands + 1] = { 'RPUSH', list, format({
        time = event.time, type = event.type, domain = event.domain,
        title = event.title,
    }) }
    commands[#commands + 1] = { 'LTRIM', list, whole(-MAX_DIGEST), '-1' }
    commands[#commands + 1] = { 'EXPIRE', list, whole(DIGEST_KEPT) }
    commands[#commands + 1] = { 'SADD', self:key('digests'), recipient }
    commands[#commands + 1] = { 'HINCRBY', self:key('state', recipient),
        'digested', '1' }
end


-- Contacts of enrolled domains: mailed where they are below the domain, or have
-- confirmed; asked for that once.

local function is_below(address, domain)
    return ('.' .. address:match('@(.+)$'):lower()):sub(-#domain - 1)
        == '.' .. domain
end

-- Asks by a mail, unless many were asked.
function queue:ask_contact(commands, recipient, token, domain, now)
    local asked = self:key('asked', domain)

    if (tonumber(self.call('GET', { asked })) or 0) >= MAX_ASKED then
        return false
    end

    commands[#commands + 1] = { 'INCR', asked }
    commands[#commands + 1] = { 'EXPIRE', asked, whole(ASKED) }
    self:push(commands, recipient, {
        id = digest_of('contact-asked', token),
        type = 'contact-asked',
        domain = domain,
        title = 'Alerts about ' .. domain .. ' at this address?',
        token = token,
        count = 1,
    }, now)

    return true
end

-- A contact that is not known yet; its recipient, if it may be mailed.
function queue:new_contact(commands, domain, address, now)
    local token = self.token()
    local recipient = string.format('contact:%s:%s', token, address)
    local below = is_below(address, domain)

    if not below
        and not self:ask_contact(commands, recipient, token, domain, now)
    then
        return nil
    end

    commands[#commands + 1] = { 'HSET', self:key('contact-of'),
        domain .. ' ' .. address, token }
    commands[#commands + 1] = { 'HSET', self:key('contacts'), token,
        string.format('%s %s %s', below and 'confirmed' or 'asked', domain,
            address) }

    return below and recipient or nil
end

function queue:contact_state(token)
    local value = self.call('HGET', { self:key('contacts'), token })

    return value and value:match('^%S+')
end

-- The recipient that a contact is; nil: not to be mailed.
function queue:contact(commands, domain, address, now)
    if not maps.is_address(address) then return nil end

    local token = self.call('HGET', { self:key('contact-of'),
        domain .. ' ' .. address })

    if not token then
        return self:new_contact(commands, domain, address, now)
    end

    return self:contact_state(token) == 'confirmed'
        and string.format('contact:%s:%s', token, address) or nil
end

-- What waits for one who wants no more is not sent.
function queue:is_refused(recipient)
    local token = recipient:match('^contact:(%w+):')

    return token ~= nil and self:contact_state(token) == 'refused'
end

function queue:recipients(commands, event, now)
    local holder = route.wants_holder(self.conf)
        and self.holder(event.domain) or nil
    local list = route.recipients(self.conf, event, holder)

    if self.conf.owner_contacts and holder and not event.owner then
        for _, address in ipairs(holder.contacts) do
            list[#list + 1] = self:contact(commands, event.domain, address,
                now)
        end
    end

    return list
end

-- Until when somebody has muted the problem, where that is (tlsrpt_key.h).
function queue:set_muted(item)
    local event = item.event

    if item.problem and type(event['problem-id']) == 'string' then
        item.problem['muted-until'] = self.call('HGET', { string.format(
            '%s:{%s}:muted', self.prefix, event.domain),
            event['problem-id'] }) or item.problem['muted-until']
    end
end

function queue:plan(commands, item, raw, now)
    self:set_muted(item)

    local event = item.event
    local when = route.when(self.conf, item, day_of(now))

    if route.is_ending(event) and event['problem-id']
        and route.tells_ending(self.conf, event)
    then
        self:tell_ending(commands, item, raw, now)
    end

    for _, recipient in ipairs(self:recipients(commands, event, now)) do
        -- never told of itself
        if recipient ~= item.about then
            if when == 'now' and not route.is_ending(event) then
                self:tell_now(commands, recipient, item, raw, now)
            end

            if when and self.conf.digest then
                self:tell_later(commands, recipient, item)
            end
        end
    end
end

local function is_item(item)
    local event = item and item.event

    return type(event) == 'table' and type(event.id) == 'string'
        and type(event.type) == 'string' and type(event.domain) == 'string'
        and type(event.title) == 'string'
end

-- Routes the oldest event of the outbox; false: there is none.
function queue:route(now)
    local oldest = { 'LINDEX', self.outbox, '-1' }
    local raw = self.call('LINDEX', { self.outbox, '-1' })

    if not raw then return false end

    local commands = { { 'RPOP', self.outbox } }
    local item = parse(raw)

    if item and type(item.problem) ~= 'table' then item.problem = nil end

    if not is_item(item) then
        self.log('what is no event was in the outbox: %s', printable(raw))
    else
        local known = self:key('event', item.event.id)

        if not self.call('GET', { known }) then
            commands[#commands + 1] = { 'SET', known, '1', 'EX',
                whole(KNOWN) }
            self:plan(commands, item, raw, now)
        end
    end

    self:commit(oldest, raw, commands)

    return true
end

-- Groups whose time is over go into queues.
function queue:release(now)
    local names = self.call('ZRANGEBYSCORE', { self:key('held-until'), '-inf',
        whole(now), 'LIMIT', '0', '100' })

    for _, name in ipairs(names) do
        local commands = {}
        local held = self.call('HGET', { self:key('held'), name })

        if held then
            self:let_go(commands, name, held, now)
        else
            commands[1] = { 'ZREM', self:key('held-until'), name }
        end

        self:commit({ 'HGET', self:key('held'), name }, held, commands)
    end
end


-- Digests

-- The last 07:00 UTC, of a Monday where weekly.
local function digest_time(kind, now)
    local days = math.floor((now - DIGEST_HOUR * HOUR) / DAY)

    -- the first day there was, 1970-01-01, was a Thursday
    if kind == 'weekly' then days = days - (days + 3) % 7 end

    return days * DAY + DIGEST_HOUR * HOUR
end

function queue:make_digest(recipient, time, now)
    local list = self:key('digest', recipient)
    local entries = self.call('LRANGE', { list, whole(-MAX_ENTRIES), '-1' })
    local commands = {
        { 'DEL', list },
        { 'SREM', self:key('digests'), recipient },
        { 'HDEL', self:key('state', recipient), 'digested' },
    }

    if #entries > 0 then
        local count = tonumber(self.call('HGET', { self:key('state',
            recipient), 'digested' })) or #entries
        local delivery = {
            id = digest_of('digest', whole(time), recipient),
            type = 'digest',
            title = self.conf.digest .. ' digest',
            entries = {},
            count = count,
        }

        for i, text in ipairs(entries) do
            delivery.entries[i] = parse(text)
        end

        delivery.domain = delivery.entries[1].domain
        self:push(commands, recipient, delivery, now)
    end

    self:commit({ 'LINDEX', list, '-1' }, entries[#entries], commands)
end

-- Makes digests once it is time.
function queue:digest(now)
    if not self.conf.digest then return end

    local time = digest_time(self.conf.digest, now)
    local before = tonumber(self.call('GET', { self:key('digested') }))

    if before and before >= time then return end

    for _, recipient in ipairs(before
        and self.call('SMEMBERS', { self:key('digests') }) or {})
    do
        self:make_digest(recipient, time, now)
    end

    self.call('SET', { self:key('digested'), whole(time) })
end


-- Out of a queue

-- Recipients that may be sent to now.
function queue:due(now, max)
    return self.call('ZRANGEBYSCORE', { self:key('recipients'), '-inf',
        whole(now), 'LIMIT', '0', whole(max) })
end

function queue:put_off(recipient, time)
    self.call('ZADD', { self:key('recipients'), whole(time), recipient })
end

-- Why a delivery is not tried any more; nil if it is.
function queue:expired(recipient, delivery, now)
    if not route.is_known(self.conf, recipient) then
        return 'no longer in the configuration'
    end

    if now - (tonumber(delivery.since) or 0) >= MAX_AGE then
        return 'not delivered within 48 hours'
    end

    return nil
end

function queue:state(recipient)
    local state = as_table(self.call('HGETALL',
        { self:key('state', recipient) }))

    return {
        attempts = tonumber(state.attempts) or 0,
        hour = tonumber(state.hour) or 0,
        sent = tonumber(state.sent) or 0,
        noticed = state.noticed == '1',
        gone = state.gone,
    }
end

-- In place of the first, where the hour's messages are used up: a notice once,
-- then nothing.
function queue:limited(recipient, job, state, now)
    if now - state.hour >= HOUR then
        state.hour, state.sent, state.noticed = now, 0, false
    end

    if state.sent < MAX_AN_HOUR then return job end

    if state.noticed then
        self:put_off(recipient, state.hour + HOUR)
        return nil
    end

    local waiting = self.call('LLEN', { self:key('queue', recipient) })

    job.notice = true
    job.delivery = {
        id = digest_of('waiting', whole(state.hour), recipient),
        type = 'waiting',
        title = waiting .. ' more alerts wait',
        domain = job.delivery.domain,
        count = waiting,
    }

    return job
end

function queue:job(recipient, head, delivery, now)
    local state = self:state(recipient)

    if state.gone == self.instance then
        self:put_off(recipient, now + HOUR)
        return nil
    end

    return self:limited(recipient, { recipient = recipient, head = head,
        delivery = delivery, state = state }, state, now)
end

-- What to send to a recipient next: { recipient, head, delivery, state, notice
-- }, or nil: nothing now.
function queue:next(recipient, now)
    local name = self:key('queue', recipient)

    for _ = 1, 100 do
        local head = self.call('LINDEX', { name, '0' })

        if not head then
            self:commit({ 'LINDEX', name, '0' }, nil,
                { { 'ZREM', self:key('recipients'), recipient } })
            return nil
        end

        local delivery = parse(head)
        local expired = self:expired(recipient, delivery, now)

        if self:is_refused(recipient) then
            self:commit({ 'LINDEX', name, '0' }, head, { { 'LPOP', name } })
        elseif expired then
            self:give_up(recipient, head, delivery, expired, now)
        else
            return self:job(recipient, head, delivery, now)
        end
    end

    return nil
end

-- The job's message arrived.
function queue:sent(job, now)
    local recipient, state = job.recipient, job.state
    local commands = {
        { 'HSET', self:key('state', recipient), 'attempts', '0',
            'hour', whole(state.hour),
            'sent', whole(state.sent + (job.notice and 0 or 1)),
            'noticed', job.notice and '1' or '0' },
        { 'ZADD', self:key('recipients'), whole(now), recipient },
    }

    if not job.notice then
        commands[#commands + 1] = { 'LPOP', self:key('queue', recipient) }
    end

    self:count(commands, recipient, 'delivered')

    return self:commit({ 'LINDEX', self:key('queue', recipient), '0' },
        job.head, commands)
end

-- It did not: later.  wait: milliseconds, at least.
function queue:failed(job, reason, wait, now)
    local recipient = job.recipient
    local attempts = job.state.attempts + 1
    local delay = math.max(delays[math.min(attempts, #delays)],
        math.min(wait, MAX_AGE))
    local commands = {
        { 'HSET', self:key('state', recipient), 'attempts', whole(attempts) },
        { 'ZADD', self:key('recipients'), whole(now + delay), recipient },
    }

    self:count(commands, recipient, 'failed')
    self.log('%s: not delivered, again in %s s: %s', route.shown(recipient),
        whole(delay / 1000), printable(reason))

    return self:commit({ 'LINDEX', self:key('queue', recipient), '0' },
        job.head, commands)
end

-- It never will: the next one.
function queue:refused(job, reason, now)
    local state = self:key('state', job.recipient)

    if job.notice then
        return self.call('HSET', { state, 'noticed', '1', 'hour',
            whole(job.state.hour), 'sent', whole(job.state.sent) })
    end

    self.call('HSET', { state, 'attempts', '0' })

    return self:give_up(job.recipient, job.head, job.delivery, reason, now)
end

-- The recipient is gone (HTTP 410): nothing is sent to it by this rspamd.
function queue:switch_off(job, now)
    self.call('HSET', { self:key('state', job.recipient), 'gone',
        self.instance })
    self.log('%s: answered that it is gone (410): nothing more is sent to it'
        .. ' until rspamd is restarted', job.recipient)
    self:put_off(job.recipient, now + HOUR)
end

-- What became of a job: "sent", "failed", "refused", "gone" (alert_send), and
-- why; wait: seconds that the recipient asked for.
function queue:settle(job, verdict, said, wait, now)
    if verdict == 'sent' then
        self:sent(job, now)
    elseif verdict == 'refused' then
        self:refused(job, said, now)
    elseif verdict == 'gone' then
        self:switch_off(job, now)
    else
        self:failed(job, said, (wait or 0) * SECOND, now)
    end
end

-- Since when the oldest of each kind waits, for metrics.
function queue:measure()
    local oldest = {}

    for _, recipient in ipairs(self.call('ZRANGE',
        { self:key('recipients'), '0', '999' }))
    do
        local head = self.call('LINDEX', { self:key('queue', recipient), '0' })
        local since = head and tonumber(parse(head).since)
        local kind = kind_of(recipient)

        if since then
            oldest[kind] = math.min(oldest[kind] or since, since)
        end
    end

    for _, kind in ipairs({ 'mail', 'webhook' }) do
        self.call('HSET', { self:key('counts'), 'oldest:' .. kind,
            whole((oldest[kind] or 0) / 1000) })
    end
end

-- conf: of alert_options.  host: call; log(format, ...); keep(event), which
-- puts one among those of its domain, which may have it already; holder(D),
-- who holds an enrolled one (tlsrpt_lua.c), or nil; token(), a new one;
-- instance, a name for all workers of one rspamd until it is restarted.
return function(conf, prefix, host)
    return setmetatable({
        conf = conf,
        prefix = prefix,
        outbox = prefix .. ':{outbox}',
        call = host.call,
        log = host.log,
        keep = host.keep,
        holder = host.holder,
        token = host.token,
        instance = host.instance,
    }, queue)
end
