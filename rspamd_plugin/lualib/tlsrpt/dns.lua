--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Asks a name's own name servers, as a resolver would keep a first "no" for
-- hours.  The resolver of rspamd only finds the servers.
--
-- To be used in coroutines (await.lua).  What is asked, and of whom, is for
-- strangers to say, so all of it is bounded: aliases, servers, questions at a
-- time.  A server's address has to be public, or one that is allowed; what is
-- said counts where it is an answer to the very question, of a random id, by a
-- server that speaks for the name.

local await = require "tlsrpt/await".await
local rspamd_mempool = require "rspamd_mempool"
local rspamd_tcp = require "rspamd_tcp"
local rspamd_udp = require "rspamd_udp"
local rspamd_util = require "rspamd_util"

local PORT = 53
local TIMEOUT = 2.0             -- seconds: of a datagram, which is sent twice
local TCP_TIMEOUT = 5.0
local MAX_ASKED = 32            -- questions at a time
local MAX_NAMES = 4             -- name servers of a zone, by name
local MAX_SERVERS = 6           -- and by address
local HEADER = 12               -- bytes (RFC 1035 4.1.1)
local MAX_ALIASES = 4           -- one after the other (RFC 1034 3.6.2)

local types = { txt = 16 }      -- RFC 1035 3.2.2
local SERVFAIL = 2              -- RFC 1035 4.1.1
local NXDOMAIN = 3

local dns = {}
dns.__index = dns


-- The resolver

local FAILED = 'server fail'
local nothing = {
    ['no records with this name'] = true,
    ['requested record is not found'] = true,
}

-- What rspamd's resolver finds, as a list, and whether that is authentic by
-- DNSSEC, where it is told; nil, why there is no answer, and whether that is as
-- the resolver has failed.
function dns:resolve(kind, name)
    return await(function(done)
        local started = self.resolver:resolve(kind, {
            name = name,
            session = self.session,
            callback = function(_, _, results, err, _, authentic)
                if results then
                    done(results, authentic)
                elseif nothing[err] then
                    done({}, authentic)
                else
                    done(nil, string.format('%s of %s: %s', kind:upper(), name,
                        tostring(err)), err == FAILED)
                end
            end,
        })

        if not started then done(nil, name .. ' cannot be asked for') end
    end)
end

local function shuffle(list)
    for i = #list, 2, -1 do
        local j = math.random(i)

        list[i], list[j] = list[j], list[i]
    end
end

-- Adds the addresses of a server that may be asked.
function dns:add_addresses(servers, name)
    for _, kind in ipairs({ 'a', 'aaaa' }) do
        for _, ip in ipairs(self:resolve(kind, name) or {}) do
            local address = ip:to_string()

            if #servers < MAX_SERVERS and self.may_ask(address, ip) then
                servers[#servers + 1] = address
            end
        end
    end
end

-- The names of the servers of the zone that the name is in.  An alias has none
-- of its own: the resolver would name those of what it leads to.
function dns:server_names(name)
    local zone = name

    while zone:find('.', 1, true) do
        local names, reason = self:resolve('ns', zone)

        if not names then return nil, reason end

        if #names > 0 then
            local alias = self:resolve('cname', zone)

            if not alias then return nil, 'CNAME of ' .. zone end
            if #alias == 0 then return names end
        end

        zone = zone:match('%.(.+)$')
    end

    return nil, 'no name servers of ' .. name .. ' are known'
end

-- The addresses of the name's servers; nil and why there are none.
function dns:servers(name)
    local names, reason = self:server_names(name)

    if not names then return nil, reason end

    local servers = {}

    shuffle(names)

    for i = 1, math.min(#names, MAX_NAMES) do
        self:add_addresses(servers, (tostring(names[i]):gsub('%.$', '')))
    end

    if #servers == 0 then
        return nil, 'no server of ' .. name .. ' has an address to be asked at'
    end

    return servers
end


-- A question to a server: each way gives an answer, or nil and why not

-- rspamd uses the memory after its callback: it is freed by sweep().
function dns:by_udp(server, port, question)
    local pool = rspamd_mempool.create()

    local ok, bytes = await(function(done)
        local called, sent, err = pcall(rspamd_udp.sendto, {
            ev_base = self.ev_base,
            session = self.session,
            pool = pool,
            host = server,
            port = port,
            data = { question },
            timeout = TIMEOUT,
            retransmits = 1,
            callback = done,
        })

        if not called then done(false, sent) end
        if not sent then done(false, err) end
    end)

    self.spent[#self.spent + 1] = pool

    if not ok then return nil, tostring(bytes) end

    return tostring(bytes)
end

-- RFC 1035 4.2.2: two bytes of length before the message.
local function framed(bytes)
    return string.char(math.floor(#bytes / 256), #bytes % 256) .. bytes
end

local function unframed(bytes)
    local high, low = bytes:byte(1, 2)
    local len = low and high * 256 + low

    if len and #bytes >= 2 + len then return bytes:sub(3, 2 + len) end

    return nil
end

-- Without "partial", which reads on from a connection that was closed.
function dns:by_tcp(server, port, question)
    return await(function(done)
        local received, began = '', rspamd_util.get_ticks()

        local function read(err, data, conn)
            if err then
                done(nil, tostring(err))
                return
            end

            received = received .. tostring(data or '')

            local bytes = unframed(received)

            if bytes then
                conn:close()
                done(bytes)
            elseif rspamd_util.get_ticks() - began > TCP_TIMEOUT then
                conn:close()
                done(nil, 'too slow')
            else
                conn:add_read(read)
            end
        end

        local started = rspamd_tcp.request({
            ev_base = self.ev_base,
            session = self.session,
            config = rspamd_config,
            host = server,
            port = port,
            data = framed(question),
            timeout = TCP_TIMEOUT,
            callback = read,
        })

        if not started then done(nil, 'cannot connect') end
    end)
end

-- rspamd's socket takes an answer from whoever sends one (RFC 5452 9.1 does
-- not).  So the letters of a name are large or small by chance, and who answers
-- has to know which.
local function spelled(name)
    local dice, i = rspamd_util.random_hex(#name), 0

    return (name:gsub('.', function(letter)
        i = i + 1
        return dice:byte(i) % 2 == 0 and letter:upper() or letter
    end))
end

-- The question comes back byte for byte, between the header and what is said
-- beside it: the name with a byte before each label and one behind them (RFC
-- 1035 4.1.2), type and class.
local function is_echo(bytes, question, name)
    local stop = HEADER + #name + 6

    return bytes:sub(HEADER + 1, stop) == question:sub(HEADER + 1, stop)
end

-- By UDP; by TCP where that is cut, or came from who does not know the id and
-- the spelling, as few servers do not.
-- port: of a resolver; nil: the server is one of the zone's own.  whom: as
-- core.dns_question() has it, where that does not say it.
function dns:exchange(server, name, type, port, whom)
    local id = tonumber(rspamd_util.random_hex(4), 16)
    local question = self.core.dns_question(spelled(name), type, id,
        whom or port and 'resolver' or 'zone')

    if not question then return nil, 'cannot be asked for' end

    local bytes, reason = self:by_udp(server, port or PORT, question)

    if not bytes then return nil, reason end

    local answer = is_echo(bytes, question, name)
        and self.core.dns_answer(bytes, name, type, id)

    if not answer or answer.cut then
        bytes, reason = self:by_tcp(server, port or PORT, question)

        if not bytes then return nil, reason end

        answer = self.core.dns_answer(bytes, name, type, id)
    end

    if not answer then return nil, 'answered something else' end

    return answer
end

local function is_answer(answer)
    return answer ~= nil and (answer.rcode == 0 or answer.rcode == NXDOMAIN)
end

-- Whether it is for DNSSEC alone that a resolver, { address, port }, fails (RFC
-- 4035 5.5): it has an answer where it shall not check it, and right after that
-- fails again where it shall.
function dns:is_bogus(resolver, name, type)
    if not is_answer(self:exchange(resolver.address, name, type, resolver.port,
        'unchecked'))
    then
        return false
    end

    local answer = self:exchange(resolver.address, name, type, resolver.port)

    return answer ~= nil and answer.rcode == SERVFAIL
end


-- At most so many at a time

function dns:enter()
    while self.asked >= MAX_ASKED do
        await(function(done) self.queue[#self.queue + 1] = done end)
    end

    self.asked = self.asked + 1
end

function dns:leave()
    self.asked = self.asked - 1

    local next_one = table.remove(self.queue, 1)

    if next_one then next_one() end
end

local function speaks_for_it(answer)
    return answer.authoritative and is_answer(answer)
end

-- The first answer of a server that speaks for the name.
function dns:ask_servers(name, type)
    local servers, reason = self:servers(name)

    if not servers then return nil, reason end

    for _, server in ipairs(servers) do
        local answer, why = self:exchange(server, name, type)

        if answer and speaks_for_it(answer) then return answer end

        reason = string.format('%s, asked for %s: %s', server, name,
            why or 'does not speak for it, code ' .. answer.rcode)
    end

    return nil, reason
end

-- Records of a name: a list, and whether they are behind an alias; nil and why
-- that is not known.  kind: of types.
function dns:records(name, kind)
    for aliases = 0, MAX_ALIASES do
        self:enter()

        local ok, answer, reason = pcall(self.ask_servers, self, name,
            types[kind])

        self:leave()

        if not ok then error(answer, 0) end
        if not answer then return nil, reason end

        local target = answer.cname and self.core.normalize(answer.cname)

        if not target then return answer.records, aliases > 0 end

        name = target
    end

    return nil, 'more than ' .. MAX_ALIASES .. ' aliases, to ' .. name
end

-- To be called now and then, by a timer.
function dns:sweep()
    local spent = self.spent

    self.spent = {}

    for _, pool in ipairs(spent) do pool:destroy() end
end

-- host: core, ev_base, session (rspamadm's, else nil), resolver of rspamd;
-- may_ask(address, ip).
return function(host)
    host.asked = 0              -- questions under way
    host.queue = {}             -- who waits to ask
    host.spent = {}             -- memory to free

    return setmetatable(host, dns)
end
