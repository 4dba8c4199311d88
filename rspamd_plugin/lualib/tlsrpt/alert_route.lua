--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Who is told of an event, and when: decided by the options alone, without
-- Redis.  A recipient is "mail:ADDRESS", "webhook:NAME", or a contact of an
-- enrolled domain, "contact:TOKEN:ADDRESS", with the token of its link.

local alert_options = require "tlsrpt/alert_options"

local exports = {}

-- What ends a problem.
local endings = {
    ['problem-resolved'] = true,
    ['problem-lapsed'] = true,
    ['problem-withdrawn'] = true,
}

-- Of a list's value, as JSON may have left it out.
local function first(list)
    return type(list) == 'table' and type(list[1]) == 'string' and list[1]
        or nil
end

function exports.is_ending(event)
    return endings[event.type] or false
end

-- Openings of one group that come within some minutes are one message: those
-- of a result-type and a mail server.  nil: of none.
function exports.group(event, problem)
    local host = first(problem['receiving-mx-hostnames'])

    if event.type ~= 'problem-opened' or not host then return nil end

    return tostring(problem['result-type']) .. ' ' .. host:lower()
end

-- Who holds domains has to be known for it.
function exports.wants_holder(conf)
    return conf.owner_contacts
        or conf.recipients ~= nil and conf.recipients:has_owners()
end

-- Whom the map names.  What becomes of an enrolment that waits is for its owner
-- and the operator alone, whoever has lines for the domain.
local function listed_for(conf, event, holder)
    if not conf.recipients then return nil end

    if event.owner then return conf.recipients:find('', event.owner) end

    return conf.recipients:find(event.domain, holder and holder.owner)
end

-- Recipients of an event, but for contacts.  holder: of its domain, or nil.
function exports.recipients(conf, event, holder)
    local listed = listed_for(conf, event, holder)
    local list = {}

    if listed then
        for i, name in ipairs(listed) do
            list[i] = (name:find('@', 1, true) and 'mail:' or 'webhook:')
                .. name
        end

        return list
    end

    for _, address in ipairs(conf.mail and conf.mail.to or {}) do
        list[#list + 1] = 'mail:' .. address
    end

    for name in pairs(conf.webhooks) do
        list[#list + 1] = 'webhook:' .. name
    end

    table.sort(list)

    return list
end

-- As others may read it: without the token.
function exports.shown(recipient)
    return (recipient:gsub('^contact:%w+:', 'mail:'))
end

-- Is the recipient still in the configuration?
function exports.is_known(conf, recipient)
    local kind, name = recipient:match('^(%a+):(.+)$')

    if kind == 'webhook' then return conf.webhooks[name] ~= nil end
    if kind == 'contact' and not conf.owner_contacts then return false end

    return conf.mail ~= nil
end

local function is_muted(problem, today)
    local till = problem['muted-until']

    return type(till) == 'string' and till > today
end

local function is_too_small(conf, problem)
    local severity = alert_options.severities[problem.severity]

    return severity ~= nil
        and severity < alert_options.severities[conf.severity]
end

-- When an event is told to those that its domain has: "now", "digest", or nil:
-- not at all.  Whoever was told of an opening is told of its end, whatever this
-- says.  today: "YYYY-MM-DD".
function exports.when(conf, item, today)
    local event, problem = item.event, item.problem or {}

    if is_muted(problem, today) or is_too_small(conf, problem)
        or conf.ignore and conf.ignore:matches(event.domain, problem)
    then
        return nil
    end

    if not conf.types[event.type] or event.late == true
        or item.unverified == true and not conf.unverified
    then
        return 'digest'
    end

    return 'now'
end

-- Whether the end of a problem is told to whoever was told of its opening: with
-- "problem-resolved" each that there is, so that nothing told stays open.
function exports.tells_ending(conf, event)
    return conf.types[event.type] or conf.types['problem-resolved'] or false
end

return exports
