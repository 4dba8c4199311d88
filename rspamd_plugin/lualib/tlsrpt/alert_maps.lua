--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- The two maps of alerts { ... }: files or URLs which rspamd reads again when
-- they change.  A line that cannot be used is told with its number, and left
-- out; the others hold.
--
-- recipients: DOMAIN, .DOMAIN or @OWNER, then addresses and names of webhooks
-- ignore:     KEY=VALUE ..., all of which hold; a value with spaces is quoted

local rspamd_logger = require "rspamd_logger"

local exports = {}

local map = {}
map.__index = map

-- One address alone, no comment, no quotes: nothing that could be two.
function exports.is_address(value)
    return type(value) == 'string' and #value <= 254
        and value:find("^[%w!#$%%&'*+/=?^_`{|}~.-]+@[%w_-]+[%w_.-]*%w$") ~= nil
        and not value:find('..', 1, true)
end

local function is_domain(name)
    return name:find('^%.?[%w_-]+[%w_.-]*%w$') and not name:find('..', 1, true)
end

local function is_owner(name)
    return name:find('^@[\33-\126]+$') ~= nil and #name <= 129
end


-- Lines

local function parse_recipients(line, names)
    local words = {}

    for word in line:gmatch('%S+') do words[#words + 1] = word end

    local domain = words[1]

    -- an owner's name is compared byte for byte
    if not is_owner(domain) then
        domain = domain:lower()

        if not is_domain(domain) then
            return nil, domain .. ': no domain name'
        end
    end

    if #words == 1 then return nil, domain .. ': nobody is named' end

    local list = {}

    for i = 2, #words do
        local word = words[i]

        if exports.is_address(word) then
            if not names.mail then
                return nil, word .. ': there is no section mail'
            end
        elseif not names.webhooks[word] then
            return nil, word .. ': neither an address nor a webhook'
        end

        list[#list + 1] = word
    end

    return domain, list
end

local ignore_keys = {
    ['result-type'] = true, ['organization-name'] = true,
    ['receiving-mx-hostname'] = true, ['domain'] = true,
}

local function parse_ignore(line)
    local rule = {}
    local rest = line

    while rest ~= '' do
        local key, value, more = rest:match('^([%w-]+)="([^"]*)"%s*(.*)$')

        if not key then key, value, more = rest:match('^([%w-]+)=(%S+)%s*(.*)$')
        end

        if not key or value == '' then return nil, 'not KEY=VALUE: ' .. rest end
        if not ignore_keys[key] then return nil, 'unknown key ' .. key end
        if rule[key] then return nil, key .. ' twice' end

        rule[key] = value:lower()
        rest = more
    end

    return rule
end

local kinds = {
    recipients = function(entries, line, names)
        local domain, list = parse_recipients(line, names)

        if not domain then return list end
        if entries[domain] then return domain .. ' twice' end

        entries[domain] = list

        return nil
    end,
    ignore = function(entries, line)
        local rule, reason = parse_ignore(line)

        if not rule then return reason end

        entries[#entries + 1] = rule

        return nil
    end,
}

-- Replaces what the map holds; the reasons why lines are left out.
function map:read(text)
    local entries, reasons, n = {}, {}, 0

    for line in (text .. '\n'):gmatch('([^\n]*)\n') do
        n = n + 1
        line = line:gsub('#.*$', ''):match('^%s*(.-)%s*$')

        local reason = line ~= ''
            and kinds[self.kind](entries, line, self.names)

        if reason then
            reasons[#reasons + 1] = string.format('line %d: %s', n, reason)
        end
    end

    self.entries = entries

    return reasons
end


-- Questions

-- Who is told of the domain; nil: the map does not say.  owner: who holds it,
-- or nil.
function map:find(domain, owner)
    local found = self.entries[domain] or self.entries['.' .. domain]
    local parent = domain:match('%.(.+)$')

    while not found and parent do
        found = self.entries['.' .. parent]
        parent = parent:match('%.(.+)$')
    end

    return found or owner and self.entries['@' .. owner] or nil
end

-- Whether there is a line of an owner.
function map:has_owners()
    for key in pairs(self.entries) do
        if key:sub(1, 1) == '@' then return true end
    end

    return false
end

-- Whether all of a list, or a value, are the one.  None is not.
local function is_all(value, wanted)
    if type(value) ~= 'table' then
        return type(value) == 'string' and value:lower() == wanted
    end

    for _, item in ipairs(value) do
        if type(item) ~= 'string' or item:lower() ~= wanted then
            return false
        end
    end

    return #value > 0
end

local function is_below(domain, wanted)
    return domain == wanted or wanted:sub(1, 1) == '.'
        and ('.' .. domain):sub(-#wanted) == wanted
end

local function holds(rule, domain, problem)
    return (not rule.domain or is_below(domain, rule.domain))
        and (not rule['result-type']
            or is_all(problem['result-type'], rule['result-type']))
        and (not rule['organization-name']
            or is_all(problem['organization-names'],
                rule['organization-name']))
        and (not rule['receiving-mx-hostname']
            or is_all(problem['receiving-mx-hostnames'],
                rule['receiving-mx-hostname']))
end

-- Whether a rule holds for the problem: for all of it, as what others saw at
-- another server is not to be hidden.
function map:matches(domain, problem)
    for _, rule in ipairs(self.entries) do
        if holds(rule, domain, problem) then return true end
    end

    return false
end

-- Lines by which a domain's alerts go to nobody outside of it.
function map:warnings(accepts)
    local warnings = {}

    for key, list in pairs(self.entries) do
        local domain = key:gsub('^%.', '')
        local outside = false

        for _, name in ipairs(list) do
            local at = name:match('@(.+)$')
            outside = outside or not at or not is_below(at:lower(),
                '.' .. domain)
        end

        if not outside and accepts(domain) then
            warnings[#warnings + 1] = string.format('alerts about %s go to'
                .. ' nobody but addresses in it, whose mail may be what fails',
                domain)
        end
    end

    table.sort(warnings)

    return warnings
end


-- Loading

local function read_file(path)
    local file, err = io.open(path, 'rb')

    if not file then return nil, err end

    local text = file:read('*a')

    file:close()

    return text or ''
end

local function watch(self, source)
    local added = rspamd_config:add_map({
        type = 'callback',
        url = source,
        description = 'TLS report alerts: ' .. self.kind,
        callback = function(text)
            for _, reason in ipairs(self:read(tostring(text))) do
                rspamd_logger.errx(rspamd_config, 'tlsrpt: alerts.%s: %s: %s',
                    self.kind, source, reason)
            end
        end,
    })

    return added ~= nil
end

-- kind: "recipients", "ignore".  The map, and what is wrong with it.
function exports.load(kind, source, webhooks, mail)
    if type(source) ~= 'string' or not source:find('^/')
        and not source:find('^file://') and not source:find('^https?://')
    then
        return nil, { 'must be the full path of a file, or an URL' }
    end

    local self = setmetatable({
        kind = kind,
        names = { webhooks = webhooks, mail = mail },
        entries = {},
    }, map)
    local path = source:match('^file://(/.*)$') or source:match('^/.*$')
    local reasons = {}

    if path then
        local text, err = read_file(path)

        if not text then return nil, { err } end

        reasons = self:read(text)

        for i, reason in ipairs(reasons) do
            reasons[i] = path .. ', ' .. reason
        end
    end

    if #reasons == 0 and not watch(self, source) then
        reasons = { source .. ': no such map' }
    end

    return self, reasons
end

return exports
