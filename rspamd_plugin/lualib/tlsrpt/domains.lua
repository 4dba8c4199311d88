--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Which policy domains are accepted: those of the options, and what the
-- registry has (accept.lua).

local domains = {}
domains.__index = domains

-- Is it known which they are?
function domains:known()
    local named = self.settings.domains

    if not named then return self.settings.registry end

    return not named:is_empty()
end

-- By the options; and the NAME of the .NAME that alone takes it; nil: it is
-- named itself.
function domains:accepts(domain)
    local named = self.settings.domains

    if not named then return false end

    if named:has(domain) or named:has('.' .. domain) then return true end

    local parent = domain:match('%.(.+)$')

    while parent do
        if named:has('.' .. parent) then return true, parent end
        parent = parent:match('%.(.+)$')
    end

    return false
end

-- The NAME of the .NAME that alone takes a domain; nil: it is taken itself.
function domains:taken_by(mail, domain)
    local _, below = self:accepts(domain)
    local registry = self.registry

    return not (registry and registry.holds(mail, domain)) and below or nil
end

-- accept.lua says what there is.
function domains:judge(mail, entry, domain)
    if self:accepts(domain) then return 'accepted' end

    -- what is not, where it has to be, does not count anyway
    local signed = mail.require_dkim or mail.trusted or entry.signer

    return self.registry and self.registry.judge(mail, domain, signed)
        or 'refused'
end

-- Keeps the accepted domains in entry.domains, and in entry.later one for which
-- the mail has to come again; those that are refused.
function domains:select(mail, entry)
    local refused = {}

    entry.domains = {}

    for _, domain in ipairs(entry.report:domains()) do
        local verdict = self:judge(mail, entry, domain)

        if verdict == 'pending' or verdict == 'unknown' then
            entry.later = entry.later or { domain = domain, why = verdict }
        else
            local list = verdict == 'accepted' and entry.domains or refused

            list[#list + 1] = domain
        end
    end

    return refused
end

-- plugin: settings; registry, or nil.
return function(plugin)
    return setmetatable(plugin, domains)
end
