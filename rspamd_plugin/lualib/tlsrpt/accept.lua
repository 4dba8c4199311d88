--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Domains enrolled at run time: whether reports of them are accepted, asked of
-- the registry in Redis (tlsrpt_registry_read.h) for mails with reports alone.
--
-- A mail is given:
--
--   tokens     those that its recipients have, at most MAX_TOKENS
--   named      the domain that these belong to, if they belong to one
--   enrolled   domain -> { state, mine }: "held", "pending", "none" or
--              "unknown", as a newer version wrote it; whether one of the
--              tokens is of that enrolment
--   unread     why the registry could not be read

local MAX_TOKENS = 16

local accept = {}
accept.__index = accept


-- What rspamd gives for what Redis does not have is no string.
local function string_at(reply, i)
    local text = type(reply) == 'table' and reply[i]

    return type(text) == 'string' and text or nil
end

local function unreadable(mail, done)
    return function(reason)
        mail.unread = reason
        done()
    end
end

-- One domain, or none: of several none can be meant.
local function only_one(reply, n)
    local found

    for i = 1, n do
        local domain = string_at(reply, i)

        if domain and found and found ~= domain then return nil end

        found = found or domain
    end

    return found
end

-- Before the reports are read: whose address is it?
function accept:find_tokens(mail, tokens, done)
    mail.tokens, mail.enrolled = {}, {}

    for i = 1, math.min(#tokens, MAX_TOKENS) do mail.tokens[i] = tokens[i] end

    if #mail.tokens == 0 then
        done()
        return
    end

    self.ask(mail, 'HMGET', { self.key .. ':tokens', unpack(mail.tokens) },
        function(reply)
            mail.named = only_one(reply, #mail.tokens)
            done()
        end, unreadable(mail, done))
end

-- And then: what is known of the domains that they are of?
function accept:find_domains(mail, domains, done)
    if #domains == 0 or mail.unread then
        done()
        return
    end

    self.ask(mail, 'HMGET', { self.key, unpack(domains) }, function(reply)
        for i, domain in ipairs(domains) do
            local state, mine = self.core.enrolled(string_at(reply, i) or '',
                mail.tokens)

            mail.enrolled[domain] = { state = state, mine = mine }
        end

        done()
    end, unreadable(mail, done))
end

function accept.holds(mail, domain)
    local enrolled = mail.enrolled[domain]

    return enrolled ~= nil and enrolled.state == 'held'
end

-- "accepted"; "refused"; "pending": by who could read in DNS that it waits;
-- "unknown": cannot be said now, and it is a token's address.  A signed report
-- counts at any address; another at that of the domain alone, as one that comes
-- by HTTPS.
function accept.judge(mail, domain, signed)
    local enrolled = mail.enrolled[domain]
    local state = enrolled and enrolled.state or mail.unread and 'unknown'

    if state == 'held' then
        return (signed or enrolled.mine) and 'accepted' or 'refused'
    elseif state == 'pending' then
        return enrolled.mine and 'pending' or 'refused'
    elseif state == 'unknown' then
        return #mail.tokens > 0 and 'unknown' or 'refused'
    end

    return 'refused'
end

-- DNS is looked at soon, whatever becomes of the command: that is due since the
-- first second, as the clock of who looks may be another one.
function accept:look(mail, domain, done)
    local command, args = self.core.registry_look(self.prefix, domain, 1)

    if not command then
        done()
        return
    end

    self.ask(mail, command, args, done, done)
end

-- plugin: core, prefix, ask (mail_redis.lua).
return function(plugin)
    plugin.key = plugin.prefix .. ':{registry}'

    return setmetatable(plugin, accept)
end
