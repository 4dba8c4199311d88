--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Looks at one domain: what DNS has, what the policy host answers, what its
-- mail servers show.  Facts alone: what they mean, the core says
-- (shared/check/).
--
-- All that is seen is a stranger's, who may name anybody's servers.  So of a
-- domain few are asked, each address that is not public not at all, and a mail
-- server once a day, by whatever names it is known.

local fetch_policy = require "tlsrpt/fetch_policy"
local names = require "tlsrpt/names"
local probe_mx = require "tlsrpt/probe_mx"
local rspamd_util = require "rspamd_util"
local spared = require "tlsrpt/spared"
local tlsa_of = require "tlsrpt/tlsa"

local VERSION = 1
local MAX_TXT = 16              -- records of a name
local MAX_TXT_SIZE = 1024       -- bytes of one
local MAX_HOSTS = 16            -- mail servers named
local MAX_SERVERS = 4           -- and asked
local MAX_ADDRESSES = 16        -- of a name
local MAX_ALIASES = 4
local MAX_SECONDS = 100         -- of a domain, before its last server
local SOON = 30 * 86400         -- seconds: a certificate's end is near

-- RFC 1035 3.2.2, RFC 3596 2.1
local types = { a = 1, mx = 15, txt = 16, aaaa = 28 }

local SENDER = 'postfix-mta-sts-resolver/1.4.0'
local BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101'
    .. ' Firefox/128.0'

local look = {}
look.__index = look


-- DNS

local function error_text(reason)
    return (tostring(reason):gsub('[^\32-\126]', '?'):sub(1, 200))
end

-- As DNS itself shows it (RFC 1035 5.1), so that it is text.
local function shown(txt)
    return (txt:sub(1, MAX_TXT_SIZE):gsub('[^\32-\126]', function(c)
        return string.format('\\%03d', c:byte())
    end))
end

-- Of kind cname, or of types.  Without records: why, and the question where it
-- is for DNSSEC that there are none.
function look:resolve(kind, name)
    local records, more, has_failed = self.dns:resolve(kind, name)

    if records and more then self.dnssec = true end
    if records then return records, more end

    if has_failed and types[kind] and self.nameserver
        and self.dns:is_bogus(self.nameserver, name, types[kind])
    then
        return nil, 'dnssec: ' .. error_text(more),
            kind:upper() .. ' ' .. name
    end

    return nil, error_text(more)
end

-- Where an alias leads (RFC 1034 3.6.2); a list, empty where it is none.
function look:aliases(name)
    local chain = {}

    while #chain < MAX_ALIASES do
        local found = self:resolve('cname', name)
        local target = found and found[1]
            and self.core.normalize(tostring(found[1]))

        if not target then break end

        chain[#chain + 1], name = target, target
    end

    return chain
end

function look:txt(name)
    local records, more, bogus = self:resolve('txt', name)

    if not records then return { error = more, bogus = bogus } end

    local seen = { txt = {}, ad = more or nil }

    for i = 1, math.min(#records, MAX_TXT) do
        seen.txt[i] = shown(tostring(records[i]))
    end

    table.sort(seen.txt)

    local chain = self:aliases(name)

    seen.alias = chain[#chain]

    return seen
end

local function by_preference(a, b)
    if a.preference ~= b.preference then return a.preference < b.preference end

    return a.host < b.host
end

function look:mx()
    local records, more, bogus = self:resolve('mx', self.domain)

    if not records then return { error = more, bogus = bogus } end

    local seen = { hosts = {}, ad = more or nil }

    for _, record in ipairs(records) do
        local host = self.core.normalize(tostring(record.name))

        if host then
            seen.hosts[#seen.hosts + 1] = { host = host,
                preference = record.priority }
        else
            seen.null = #records == 1 or nil        -- RFC 7505 3
        end
    end

    table.sort(seen.hosts, by_preference)

    for i = #seen.hosts, MAX_HOSTS + 1, -1 do seen.hosts[i] = nil end

    return seen
end

-- Addresses of a name: as texts, sorted, and those that may be asked; else as
-- resolve().
function look:addresses(kind, name)
    local found, reason, bogus = self:resolve(kind, name)

    if not found then return nil, reason, bogus end

    local all, allowed = {}, {}

    for i = 1, math.min(#found, MAX_ADDRESSES) do
        local address = found[i]:to_string()

        all[i] = address

        if self.may_ask(address, found[i]) then
            allowed[#allowed + 1] = address
        end
    end

    table.sort(all)
    table.sort(allowed)

    return all, allowed
end

-- Of both families: { a, aaaa, error?, bogus? }, and one of each that may be
-- asked.
function look:both(name)
    local seen, allowed = {}, {}

    for _, kind in ipairs({ 'a', 'aaaa' }) do
        local all, more, bogus = self:addresses(kind, name)

        if all then
            seen[kind] = all
            allowed[#allowed + 1] = more[1]
        else
            seen.error, seen.bogus = more, bogus
        end
    end

    return seen, allowed
end

-- Where a name leads: an alias, addresses; and those that may be asked.
function look:leads(name)
    local host, allowed = self:both(name)
    local chain = self:aliases(name)

    host.at = self.now()
    host.cname = chain[1] and chain

    return host, allowed
end


-- The policy

local function is_of_http(seen)
    return seen.status ~= nil and seen.result ~= 'ok'
end

-- From one address; where HTTP said no, as a browser too: some hosts keep out
-- all else.
function look:fetch_from(address, agents)
    local known = self.spared:get(address, self.is_asked)

    if known then return known end

    local seen = fetch_policy(self, address, self.domain, SENDER)

    self.spared:put(address, seen)

    if is_of_http(seen) then
        local other = fetch_policy(self, address, self.domain, BROWSER)

        if other.result ~= seen.result or other.status ~= seen.status then
            agents[#agents + 1] = { agent = 'browser', result = other.result,
                status = other.status }
        end
    end

    return seen
end

local function no_address(host)
    if host.error then
        return { result = 'unknown', detail = host.error }
    end

    if #host.a + #host.aaaa > 0 then
        return { result = 'no-address',
            detail = 'no address of it is public' }
    end

    return { result = 'no-address' }
end

-- As the first address that gave it, or as the first at all.
function look:policy(host, allowed)
    local chosen
    local by, agents = {}, {}

    for i, address in ipairs(allowed) do
        local seen = self:fetch_from(address, agents)

        by[i] = { address = address, result = seen.result,
            status = seen.status }

        if not chosen or chosen.result ~= 'ok' and seen.result == 'ok' then
            chosen = seen
        end
    end

    chosen = chosen or no_address(host)
    chosen.url = 'https://mta-sts.' .. self.domain
        .. '/.well-known/mta-sts.txt'
    chosen.by = by[1] and by
    chosen.agents = agents[1] and agents

    return chosen
end


-- Mail servers

local function server_of(list, host)
    for _, server in ipairs(list or {}) do
        if server.host == host then return server end
    end

    return nil
end

-- Whether what an address showed, by this name, leaves nothing to repair.
local function is_fine(facts, host, now)
    if facts.result ~= 'ok' or facts.verify ~= 0
        or not names.match(facts.names, host)
    then
        return false
    end

    for _, certificate in ipairs(facts.chain or {}) do
        if certificate['not-after'] < now + SOON then return false end
    end

    return true
end

-- The same of a name, whose TLSA records did not match at the last look, too.
function look:is_fine(host)
    local last = server_of(self.old.servers, host)
    local mismatch = last and last.tlsa and last.tlsa.match == false

    return function(facts)
        return not mismatch and is_fine(facts, host, self.now())
    end
end

-- Of an address, by whichever domain's look it was asked first.
function look:probe(address, host)
    local known = self.servers:get(address, self.is_asked
        and self:is_fine(host))

    if known then return known end

    local ok, seen = pcall(probe_mx, self, address, host)

    if ok then seen.at = self.now() end

    self.servers:put(address, ok and seen or nil)

    if not ok then error(seen, 0) end

    return seen
end

function look:server_facts(host)
    local seen, allowed = self:both(host)

    if allowed[1] then return self:probe(allowed[1], host), allowed[1] end

    if seen.error then
        return { result = 'unknown', detail = seen.error, bogus = seen.bogus }
    end

    if #seen.a + #seen.aaaa > 0 then
        return { result = 'not-public', detail = 'no address of it is public' }
    end

    return { result = 'unknown', detail = 'it has no address' }
end

function look:server(host)
    local facts, address = self:server_facts(host)
    local seen = {}

    for name, value in pairs(facts) do seen[name] = value end

    seen.host, seen.address, seen.at = host, address, facts.at or self.now()

    if facts.digests and self.nameserver then
        local authentic

        seen.tlsa, authentic, seen.bogus = tlsa_of(self.dns, self.nameserver,
            host, facts, self.now())

        if authentic then self.dnssec = true end
    end

    seen.digests, seen.asked = nil, nil
    names.shorten(seen, host)

    return seen
end

local function hosts_to_ask(mx)
    if mx.null or not mx.hosts then return {} end

    local hosts = {}

    for i = 1, math.min(#mx.hosts, MAX_SERVERS) do
        hosts[i] = mx.hosts[i].host
    end

    return hosts
end

function look:server_list(mx, began)
    local list = {}

    for i, host in ipairs(hosts_to_ask(mx)) do
        if rspamd_util.get_ticks() - began > MAX_SECONDS then
            list[i] = { host = host, at = self.now(), result = 'unknown',
                detail = 'the look at the domain took too long' }
        else
            list[i] = self:server(host)
        end
    end

    return list
end


-- What it was before

local function flat(value)
    if type(value) ~= 'table' then return tostring(value) end

    local keys, parts = {}, {}

    for key in pairs(value) do keys[#keys + 1] = tostring(key) end

    table.sort(keys)

    for i, key in ipairs(keys) do
        local item = value[key]

        if item == nil then item = value[tonumber(key)] end

        parts[i] = key .. '=' .. flat(item)
    end

    return '{' .. table.concat(parts, ';') .. '}'
end

-- Whether those members say the same.
local function same(a, b, members)
    for _, member in ipairs(members) do
        if flat(a[member]) ~= flat(b[member]) then return false end
    end

    return true
end

local OF_RECORD = { 'txt', 'alias', 'hosts', 'null' }
local OF_POLICY = { 'result', 'status', 'by', 'agents' }
local OF_SERVER = { 'result', 'verify', 'tlsa', 'bogus' }
local CONTENT = { 'text', 'names', 'chain', 'tls' }

-- Both change new, of this second; whether that is another than the old.

local function join_record(check, name, old, now)
    local new, was = check[name], old[name]

    if new.error and was and was.at then
        local is_same = new.bogus == was.bogus

        was.error, was.bogus, was.at = new.error, new.bogus, now
        check[name] = was

        return not is_same
    end

    local known = was and was.since and not (was.error and not was.txt
        and not was.hosts)
    local is_same = known and same(new, was, OF_RECORD)

    new.at = now
    new.since = is_same and was.since or now

    if known and not is_same then
        check.before[name] = was.txt or was.hosts
    end

    return not is_same
end

local function join(new, was, members, now)
    local is_same = was ~= nil and same(new, was, members)

    new.at = new.at or now
    new.since = is_same and was.since or now

    return not is_same or not same(new, was, CONTENT)
end

local function join_all(check, old, now)
    local changed = false

    check.before = old.before or {}

    for _, name in ipairs({ 'reporting', 'sts', 'mx' }) do
        changed = join_record(check, name, old, now) or changed
    end

    changed = join(check.policy, old.policy, OF_POLICY, now) or changed

    for _, server in ipairs(check.servers) do
        changed = join(server, server_of(old.servers, server.host), OF_SERVER,
            now) or changed
    end

    if not next(check.before) then check.before = nil end

    check.changed = changed and now or old.changed or now

    return changed
end


-- A look at the domain: what is kept of it, and whether that is another than
-- old, of the look before, or {}.  is_asked: people wait for it.
function look:run(domain, old, is_asked)
    local began = rspamd_util.get_ticks()
    local this = setmetatable({
        domain = domain, old = old, is_asked = is_asked,
    }, { __index = self })
    local check = { v = VERSION }

    check.reporting = this:txt('_smtp._tls.' .. domain)
    check.sts = this:txt('_mta-sts.' .. domain)
    check.mx = this:mx()

    local host, allowed = this:leads('mta-sts.' .. domain)

    check.host = host
    check.policy = this:policy(host, allowed)
    check.servers = self.probe_mx and this:server_list(check.mx, began) or {}
    check.at = self.now()
    check.dnssec = this.dnssec

    return check, join_all(check, old, check.at)
end

-- host: core, ev_base, session (of rspamadm, else nil); dns (dns.lua);
-- nameserver, { address, port }, or nil; may_ask(address, ip); servers, with
-- get(address, is_fine) and put(address, facts), as checks.lua has them;
-- probe_mx; name, of this host; timeout, seconds of a connection; now(), the
-- second.
return function(host)
    host.spared = spared()

    return setmetatable(host, look)
end
