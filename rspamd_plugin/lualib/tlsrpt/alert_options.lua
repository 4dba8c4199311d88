--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- The section alerts { ... } becomes what the other alert modules work with:
--
--   dashboard    an URL that ends in "/", or nil
--   mail         nil, or { from, to = { address, ... }, host, socket, user,
--                password, tls = "try" or "check" or "off" }
--   webhooks     name -> { url, format, secret }
--   recipients   nil, or a map (alert_maps)
--   ignore       nil, or a map
--   types        type -> true
--   severity     "low", "medium", "high"
--   unverified   true, false
--   digest       nil, "weekly", "daily"
--   owner_contacts
--                true, false: the contacts of enrolled domains, too
--   identity     text that is alike where two hosts are configured alike; no
--                secret is in it
--
-- parse() returns it and a list of warnings, or nil and a list of what is
-- wrong.

local maps = require "tlsrpt/alert_maps"
local rspamd_util = require "rspamd_util"

local exports = {}

local MAX_SECRET = 4096         -- bytes of a file with one

local event_types = {}

for type in ([[problem-opened problem-worsened problem-resolved problem-lapsed
    problem-withdrawn policy-changed records-changed sender-new sender-gone
    report-struck domain-enrolled domain-verified domain-unproved
    domain-transferred domain-leaving domain-left domain-expired
    delivery-failed state-built]]):gmatch('%S+')
do
    event_types[type] = true
end

local severities = { low = 1, medium = 2, high = 3 }
local formats = { json = true, slack = true, teams = true, discord = true }
local digests = { weekly = true, daily = true }

exports.severities = severities


-- Values

local function printable(value)
    return tostring(value):gsub('%c', '?'):sub(1, 128)
end

local function is_list(value)
    if type(value) ~= 'table' then return false end

    local n = 0

    for _ in pairs(value) do n = n + 1 end

    return n == #value
end

local function as_list(value)
    if is_list(value) then return value end

    return { value }
end

-- The first line of a file; nil and why not.
local function read_secret(path)
    if type(path) ~= 'string' or path:sub(1, 1) ~= '/' then
        return nil, 'must be the full path of a file'
    end

    local file, err = io.open(path, 'rb')

    if not file then return nil, err end

    local text = file:read(MAX_SECRET) or ''

    file:close()

    local secret = text:match('^([^\r\n]*)')

    if secret == '' then return nil, path .. ' is empty' end
    if secret:find('%z') then return nil, path .. ' is no text' end

    return secret
end

-- Whether a host, or "host:port", is this host itself.
local function is_loopback(host)
    host = host:lower()

    return host == 'localhost' or host == '::1'
        or host:find('^127%.%d+%.%d+%.%d+$') ~= nil
end

local function parse_url(value)
    local scheme, host, rest

    if type(value) == 'string' and not value:find('[%s%c]') then
        scheme, host, rest = value:match('^(https?)://([^/?#]+)(.*)$')
    end

    if not scheme then return nil, 'must be an http: or https: URL' end

    if host:find('@', 1, true) then
        return nil, 'must not hold a user name or password'
    end

    return { scheme = scheme, host = host, rest = rest }
end

-- Host, port, or the path of a socket.
local function parse_server(value)
    if type(value) ~= 'string' then return nil end
    if value:find('^/[^%s%c]+$') then return { socket = value } end

    local host, port = value:match('^%[([%x:.]+)%]:?(%d*)$')

    if not host then host, port = value:match('^([%w_.-]+):?(%d*)$') end

    local number = port and (port == '' and 25 or tonumber(port))

    if not host or number < 1 or number > 65535 then return nil end

    return { host = host, port = number }
end


-- A section: each option has a function that takes the value and gives what is
-- kept, or nil and why not.  found: { wrong, warnings }.

local function wrong(found, place, reason, ...)
    found.wrong[#found.wrong + 1] = place .. ': '
        .. string.format(reason, ...)
end

local function parse_section(found, place, section, parsers)
    local parsed = {}

    if type(section) ~= 'table' or is_list(section) and #section > 0 then
        wrong(found, place, 'must be a section { ... }, given once')
        return parsed
    end

    for name, value in pairs(section) do
        local where = place .. '.' .. printable(name)

        if not parsers[name] then
            wrong(found, where, 'unknown option')
        else
            local reason

            parsed[name], reason = parsers[name](value)

            if parsed[name] == nil then wrong(found, where, '%s', reason) end
        end
    end

    return parsed
end

local function parse_boolean(value)
    if type(value) == 'boolean' then return value end

    return nil, 'must be true or false'
end

local function one_of(set)
    local words = {}

    for word in pairs(set) do words[#words + 1] = '"' .. word .. '"' end

    table.sort(words)

    return function(value)
        if set[value] then return value end

        return nil, 'must be one of ' .. table.concat(words, ', ')
    end
end

local function parse_address(value)
    if maps.is_address(value) then return value end

    return nil, 'must be a plain address like tlsrpt@example.com'
end

local function parse_addresses(value)
    local list = as_list(value)

    for _, address in ipairs(list) do
        if not maps.is_address(address) then
            return nil, printable(address) .. ': not a plain address'
        end
    end

    if #list == 0 then return nil, 'must name an address' end

    return list
end

local function parse_user(value)
    if type(value) == 'string' and value ~= '' and not value:find('%c') then
        return value
    end

    return nil, 'must be a name'
end


-- mail { ... }

local mail_parsers = {
    from = parse_address,
    to = parse_addresses,
    starttls = parse_boolean,
    user = parse_user,
    password_file = read_secret,
}

function mail_parsers.smtp(value)
    local server = parse_server(value)

    if server then return server end

    return nil, 'must be host:port, or the path of a unix socket'
end

local function check_mail(found, mail)
    for _, name in ipairs({ 'from', 'smtp' }) do
        if mail[name] == nil then
            wrong(found, 'alerts.mail', '"%s" is missing', name)
        end
    end

    if (mail.user == nil) ~= (mail.password_file == nil) then
        wrong(found, 'alerts.mail',
            '"user" and "password_file" go together')
    end
end

local function parse_mail(found, section)
    local mail = parse_section(found, 'alerts.mail', section, mail_parsers)

    if #found.wrong > 0 then return nil end

    check_mail(found, mail)

    if #found.wrong > 0 then return nil end

    local server = mail.smtp
    local near = server.socket or is_loopback(server.host)
    local tls = mail.starttls == false and 'off' or near and 'try' or 'check'

    if tls == 'off' and mail.user and not near then
        wrong(found, 'alerts.mail',
            'a password would go to %s unencrypted: starttls = true',
            server.host)
        return nil
    end

    return {
        from = mail.from, to = mail.to or {}, host = server.host,
        port = server.port, socket = server.socket, user = mail.user,
        password = mail.password_file, tls = tls,
    }
end


-- webhook "name" { ... }

local webhook_parsers = {
    format = one_of(formats),
}

function webhook_parsers.url(value)
    local url, reason = parse_url(value)

    return url and value, reason
end

-- Standard Webhooks: "whsec_", then base64 of 24 to 64 bytes.
function webhook_parsers.secret_file(value)
    local secret, reason = read_secret(value)

    if not secret then return nil, reason end

    local key = secret:gsub('^whsec_', '')
    local bytes = #key % 4 == 0 and key:find('^[%w+/]+=?=?$')
        and tostring(rspamd_util.decode_base64(key)) or ''

    if #bytes < 24 or #bytes > 64 then
        return nil, 'the secret must be "whsec_" and base64 of 24 to 64 bytes'
    end

    return bytes
end

local function parse_webhook(found, name, section)
    local place = string.format('alerts.webhook "%s"', printable(name))

    if type(name) ~= 'string' or not name:find('^[%w_.-]+$') or #name > 64
        or name == 'mail'
    then
        wrong(found, place, 'a name has up to 64 of letters, digits, . _ -,'
            .. ' and is not "mail"')
        return nil
    end

    local hook = parse_section(found, place, section, webhook_parsers)

    hook.format = hook.format or 'json'

    if type(section) ~= 'table' or section.url == nil then
        wrong(found, place, '"url" is missing')
    end

    if hook.secret_file and hook.format ~= 'json' then
        wrong(found, place, '"secret_file" is for the format "json"')
    end

    return { url = hook.url, format = hook.format, secret = hook.secret_file }
end

-- UCL gives one section as a table by names, several as a list of such.
local function parse_webhooks(found, value)
    local hooks = {}

    for _, named in ipairs(as_list(value)) do
        if type(named) ~= 'table' or named.url ~= nil then
            wrong(found, 'alerts.webhook',
                'needs a name: webhook "ops" { ... }')
            return hooks
        end

        for name, section in pairs(named) do
            if hooks[name] then
                wrong(found, 'alerts.webhook', 'two are called "%s"',
                    printable(name))
            end

            hooks[name] = parse_webhook(found, name, section)
        end
    end

    return hooks
end


-- All of it

local parsers = {
    mail = function(value) return value end,
    webhook = function(value) return value end,
    recipients = function(value) return value end,
    ignore = function(value) return value end,
    severity = one_of(severities),
    unverified = parse_boolean,
    owner_contacts = parse_boolean,
    digest = one_of(digests),
}

function parsers.dashboard(value)
    local url, reason = parse_url(value)

    if not url then return nil, reason end

    if value:find('[?#]') then
        return nil, 'must be an URL without ? and #'
    end

    return value:sub(-1) == '/' and value or value .. '/'
end

function parsers.types(value)
    local types = {}

    for _, name in ipairs(as_list(value)) do
        if not event_types[name] then
            return nil, printable(name) .. ': no such type of event'
        end

        types[name] = true
    end

    return types
end

-- Text without secrets; tables in order.
local function describe(value, skip)
    if type(value) ~= 'table' then return tostring(value) end

    local parts = {}

    for key, item in pairs(value) do
        if not skip[key] then
            parts[#parts + 1] = tostring(key) .. '=' .. describe(item, skip)
        end
    end

    table.sort(parts)

    return '{' .. table.concat(parts, ',') .. '}'
end

-- An URL of a webhook is a secret, and a map is another object each time.
local secrets = {
    password = true, secret = true, url = true, recipients = true,
    ignore = true,
}

local function load_maps(found, conf, section)
    for _, name in ipairs({ 'recipients', 'ignore' }) do
        if section[name] ~= nil then
            local map, reasons = maps.load(name, section[name],
                conf.webhooks, conf.mail)

            for _, reason in ipairs(reasons) do
                wrong(found, 'alerts.' .. name, '%s', reason)
            end

            conf[name] = map
        end
    end
end

-- Nobody to tell?
local function check_recipients(found, conf)
    local told = next(conf.webhooks) or conf.mail and #conf.mail.to > 0
        or conf.recipients or conf.owner_contacts

    if not told then
        wrong(found, 'alerts', 'nobody is told: mail with "to", a webhook, or'
            .. ' recipients')
    end
end

-- They are mailed, and confirm at the dashboard.
local function check_contacts(found, conf)
    for _, name in ipairs({ 'mail', 'dashboard' }) do
        if not conf[name] then
            wrong(found, 'alerts.owner_contacts', '"%s" is missing', name)
        end
    end
end

-- Mail about a domain that cannot get mail does not arrive.  accepts(domain):
-- whether reports of it are counted.
local function warn_of_own_domain(found, conf, accepts)
    if not conf.mail or next(conf.webhooks) then return end

    local domain

    for _, address in ipairs(conf.mail.to) do
        local name = address:match('@(.+)$'):lower()

        if domain and domain ~= name then return end

        domain = name
    end

    if domain and accepts(domain) then
        found.warnings[#found.warnings + 1] = string.format(
            'alerts about %s go to nobody but addresses in %s, whose mail may'
            .. ' be what fails: add an address elsewhere, or a webhook',
            domain, domain)
    end
end

-- section: as UCL gives it.
function exports.parse(section, accepts)
    local found = { wrong = {}, warnings = {} }
    local parsed = parse_section(found, 'alerts', section, parsers)

    if #found.wrong > 0 then return nil, found.wrong end

    local conf = {
        dashboard = parsed.dashboard,
        mail = parsed.mail and parse_mail(found, parsed.mail),
        webhooks = parsed.webhook and parse_webhooks(found, parsed.webhook)
            or {},
        types = parsed.types or { ['problem-opened'] = true,
            ['problem-worsened'] = true, ['problem-resolved'] = true },
        severity = parsed.severity or 'medium',
        unverified = parsed.unverified or false,
        digest = parsed.digest,
        owner_contacts = parsed.owner_contacts or false,
    }

    load_maps(found, conf, section)

    if conf.owner_contacts then check_contacts(found, conf) end
    if #found.wrong == 0 then check_recipients(found, conf) end
    if #found.wrong > 0 then return nil, found.wrong end

    warn_of_own_domain(found, conf, accepts)

    for _, warning in ipairs(conf.recipients
        and conf.recipients:warnings(accepts) or {})
    do
        found.warnings[#found.warnings + 1] = warning
    end

    conf.identity = describe(conf, secrets)

    return conf, found.warnings
end

return exports
