--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- rspamadm tlsrpt look DOMAIN: one look at a domain (look.lua), on a terminal.
-- Nothing is kept, and Redis is not asked.

local await = require "tlsrpt/await"
local dns = require "tlsrpt/dns"
local look = require "tlsrpt/look"
local may_ask_of = require "tlsrpt/may_ask"
local nameserver = require "tlsrpt/nameserver"
local rspamd_ip = require "rspamd_ip"
local rspamd_resolver = require "rspamd_resolver"
local rspamd_util = require "rspamd_util"
local ucl = require "ucl"

local TIMEOUT = 20              -- seconds of a connection

local function line(name, text, ...)
    print(string.format('%-26s ' .. text, name, ...))
end

local function day(second)
    return os.date('!%Y-%m-%d', second)
end

local function print_record(name, seen)
    if seen.error then
        line(name, 'not known: %s', seen.error)
    elseif #seen.txt == 0 then
        line(name, 'no TXT record')
    end

    for _, txt in ipairs(seen.txt or {}) do
        line(name, '%s%s', txt, seen.ad and ' (DNSSEC)' or '')
    end

    if seen.alias then line('', 'by an alias of %s', seen.alias) end
end

local function print_mx(seen)
    if seen.error then return line('MX', 'not known: %s', seen.error) end
    if seen.null then return line('MX', '"." (takes no mail)') end
    if #seen.hosts == 0 then return line('MX', 'none') end

    for _, mx in ipairs(seen.hosts) do
        line('MX', '%d %s%s', mx.preference, mx.host,
            seen.ad and ' (DNSSEC)' or '')
    end
end

local function print_chain(seen)
    if seen.tls then line('', '%s', seen.tls) end

    for _, cert in ipairs(seen.chain or {}) do
        line('', 'certificate %s, until %s', cert.subject,
            day(cert['not-after']))
    end

    if seen.names and seen.names[1] then
        line('', 'for %s', table.concat(seen.names, ', '))
    end

    if seen.verify and seen.verify ~= 0 then
        line('', 'not trusted: %s', seen['verify-text'])
    end
end

local words = {
    ['no-starttls'] = 'offers no encryption (STARTTLS)',
    ['starttls-refused'] = 'offers STARTTLS, and refuses it',
    ['tls-failed'] = 'TLS fails',
    ['not-public'] = 'not asked',
    ['no-address'] = 'no address that could be asked',
    ['connect-failed'] = 'does not answer',
    ['not-trusted'] = 'its certificate is not trusted',
    expired = 'its certificate is not valid now',
    ['wrong-name'] = 'its certificate is for another name',
    type = 'not of the type text/plain',
    ['too-large'] = 'too large', ['too-slow'] = 'too slow',
    timeout = 'no answer in time', unreachable = 'not known',
    tarpit = 'not known', busy = 'not known now', unknown = 'not known',
}

local function outcome(seen)
    local text = words[seen.result] or seen.result

    if seen.status and seen.status ~= 200 then
        text = text .. ' ' .. seen.status
    end

    return seen.detail and text .. ': ' .. seen.detail or text
end

local function print_policy(check)
    local seen = check.policy

    for _, family in ipairs({ 'a', 'aaaa' }) do
        for _, address in ipairs(check.host[family] or {}) do
            line('mta-sts.' .. check.domain, '%s', address)
        end
    end

    line('policy', '%s', outcome(seen))

    for _, by in ipairs(seen.by or {}) do
        line('', 'from %s: %s', by.address, outcome(by))
    end

    for _, agent in ipairs(seen.agents or {}) do
        line('', 'to a %s: %s', agent.agent, outcome(agent))
    end

    print_chain(seen)

    for text in (seen.text or ''):gmatch('[^\r\n]+') do
        line('', '    %s', text:gsub('%c', '?'))
    end
end

local function print_server(seen)
    line(seen.host, '%s%s', seen.address and seen.address .. ' ' or '',
        outcome(seen))
    print_chain(seen)

    if not seen.tlsa then return end

    for _, record in ipairs(seen.tlsa.records) do
        line('', 'TLSA %s', record)
    end

    local match = seen.tlsa.match

    line('', 'TLSA: %s', not seen.tlsa.ad and 'not by DNSSEC, so they do'
        .. ' not count' or match and 'matches' or match == false
        and 'no record matches' or 'no record that a sender can use')
end

local function print_check(check)
    print_record('_smtp._tls.' .. check.domain, check.reporting)
    print_record('_mta-sts.' .. check.domain, check.sts)
    print_mx(check.mx)
    print_policy(check)

    for _, server in ipairs(check.servers) do print_server(server) end
end

local function summary(check)
    for _, name in ipairs({ 'reporting', 'sts', 'mx' }) do
        if check[name].error then
            return 'Nothing can be said of it: DNS did not answer.'
        end
    end

    return 'Nothing wrong was seen.'
end

-- What is wrong with it, in the core's words.
local function print_findings(core, check)
    local text = core.findings(check.domain, tostring(ucl.to_format(check,
        'json-compact')), check.at)
    local parser = ucl.parser()

    if not text or not parser:parse_string(text) then return end

    local findings = parser:get_object()

    if #findings == 0 then print('\n' .. summary(check)) end

    for _, finding in ipairs(findings) do
        print(string.format('\n%s: %s\n%s', finding.severity, finding.title,
            finding.meaning))

        for i, step in ipairs(finding.steps or {}) do
            print(string.format('  %d. %s', i, step.text))

            if step.command then print('     ' .. step.command) end
        end
    end
end

-- "192.0.2.0/24", "::1"; nil: no network.
local function network(text)
    local address, bits = text:match('^%s*([%x:.]+)/?(%d*)')
    local ip = address and rspamd_ip.from_string(address)

    if not ip or not ip:is_valid() then return nil end

    bits = tonumber(bits) or (ip:get_version() == 6 and 128 or 32)

    return { version = ip:get_version(), bits = bits,
        first = ip:apply_mask(bits):to_string() }
end

local function is_in(ip, net)
    return ip:get_version() == net.version
        and ip:apply_mask(net.bits):to_string() == net.first
end

local function lines_of(path, fail)
    local file, reason = io.open((path:gsub('^file://', '')))
    local lines = {}

    if not file then fail('check_networks: %s', reason) end

    for text in file:lines() do
        text = text:gsub('#.*', '')
        if text:find('%S') then lines[#lines + 1] = text end
    end

    file:close()

    return lines
end

-- As a map of rspamd's, which rspamadm does not load.
local function networks_of(value, fail)
    local networks = {}

    if type(value) ~= 'table' then value = { value } end
    if #value == 1 and tostring(value[1]):find('^[fF/]') then
        value = lines_of(value[1], fail)
    end

    for _, text in ipairs(value) do
        networks[#networks + 1] = network(tostring(text))
            or fail('check_networks: %s is no network', text)
    end

    return {
        get_key = function(_, ip)
            for _, net in ipairs(networks) do
                if is_in(ip, net) then return true end
            end

            return false
        end,
    }
end

local function run(core, domain, section, context, fail)
    local may_ask = may_ask_of(core, networks_of(section.check_networks, fail))
    local host = {
        core = core,
        ev_base = context.ev_base,
        session = context.session,
        dns = dns({
            core = core,
            ev_base = context.ev_base,
            session = context.session,
            resolver = rspamd_resolver.init(context.ev_base, rspamd_config),
            may_ask = may_ask,
        }),
        nameserver = nameserver.first(),
        may_ask = may_ask,
        servers = { get = function() end, put = function() end },
        probe_mx = section.probe_mx ~= false,
        name = rspamd_util.get_hostname(),
        timeout = TIMEOUT,
        now = function() return math.floor(rspamd_util.get_time()) end,
    }

    await.spawn(function()
        local ok, err = pcall(function()
            local check = look(host):run(domain, {})

            check.domain = domain
            print_check(check)
            print_findings(core, check)
        end)

        if not ok then fail('%s', err) end
    end)
end

-- section: of the plugin's options; context: ev_base and session of rspamadm;
-- fail(format, ...) tells what is wrong, and ends it.
return function(name, section, context, fail)
    local core = require "tlsrpt_lua"
    local domain = core.normalize(name)

    if not domain then fail('%s is no domain', name) end

    run(core, domain, section, context, fail)
end
