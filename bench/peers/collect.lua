-- Copyright (C) the tlsrpt authors
-- SPDX-License-Identifier: BSD-2-Clause

-- The peer in nginx's Lua: lua-zlib, lua-cjson, and Redis by cosockets (Debian
-- has no lua-resty-redis).
--
-- Checks that members are there, of their types, counts and dates valid; not
-- UTF-8, doubled names, host names or addresses, as cjson and Lua don't.

local cjson = require 'cjson.safe'
local zlib = require 'zlib'

local KEEP = 400 * 86400
local MOST = 9007199254740991

local _M = {}

local script, sha, address

function _M.setup(file, socket)
    local handle = assert(io.open(file))

    script = handle:read('*a')
    handle:close()
    address = socket
end

local function refuse(status, why)
    ngx.status = status
    ngx.header.content_type = 'application/problem+json'

    local body = cjson.encode({title = why, status = status})

    ngx.header.content_length = #body
    ngx.print(body)
end

local function count(value)
    return type(value) == 'number' and value >= 0 and value <= MOST
        and value % 1 == 0
end

local function day(range)
    local from = type(range) == 'table' and range['start-datetime']
    local to = type(range) == 'table' and range['end-datetime']

    if type(from) ~= 'string' or type(to) ~= 'string'
        or not to:find('^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d')
    then
        return nil
    end

    return from:match('^(%d%d%d%d%-%d%d%-%d%d)T%d%d:%d%d:%d%d')
end

local function valid_details(details)
    for _, detail in ipairs(details) do
        if type(detail) ~= 'table' or type(detail['result-type']) ~= 'string'
            or not count(detail['failed-session-count'] or 1)
        then
            return false
        end
    end

    return true
end

local function valid_policy(item)
    local policy, summary = item.policy, item.summary
    local details = item['failure-details']

    return type(policy) == 'table' and type(summary) == 'table'
        and type(policy['policy-domain']) == 'string'
        and type(policy['policy-type']) == 'string'
        and policy['policy-domain']:lower():find('^[%w_.-]+$')
        and count(summary['total-successful-session-count'])
        and count(summary['total-failure-session-count'] or 0)
        and (details == nil or type(details) == 'table'
             and valid_details(details))
end

local function valid(report)
    if type(report) ~= 'table' or type(report.policies) ~= 'table'
        or type(report['organization-name']) ~= 'string'
        or type(report['report-id']) ~= 'string'
    then
        return false
    end

    for _, item in ipairs(report.policies) do
        if type(item) ~= 'table' or not valid_policy(item) then
            return false
        end
    end

    return #report.policies > 0
end

-- Counters of each domain: field, increment, ...
local function fold(report)
    local domains = {}

    for _, item in ipairs(report.policies) do
        local name = item.policy['policy-domain']:lower()
        local args = domains[name] or {'reports', 1}
        local summary = item.summary
        local kind = report['organization-name'] .. '|'
            .. item.policy['policy-type']

        domains[name] = args
        args[#args + 1] = 's|' .. kind
        args[#args + 1] = summary['total-successful-session-count']
        args[#args + 1] = 'f|' .. kind
        args[#args + 1] = summary['total-failure-session-count'] or 0

        for _, detail in ipairs(item['failure-details'] or {}) do
            args[#args + 1] = table.concat({'d', kind, detail['result-type'],
                detail['sending-mta-ip'] or '',
                detail['receiving-mx-hostname'] or '',
                detail['receiving-ip'] or '',
                detail['failure-reason-code'] or ''}, '|')
            args[#args + 1] = detail['failed-session-count'] or 1
        end
    end

    return domains
end

local function encode(...)
    local words = {...}
    local out = {'*', #words, '\r\n'}

    for _, word in ipairs(words) do
        word = tostring(word)
        out[#out + 1] = '$' .. #word .. '\r\n'
        out[#out + 1] = word
        out[#out + 1] = '\r\n'
    end

    return out
end

-- Replies to these commands are one line, or one line and its bulk.
local function ask(socket, ...)
    local ok = socket:send(encode(...))
    local line = ok and socket:receive()

    if line and line:sub(1, 1) == '$' then
        line = socket:receive(tonumber(line:sub(2)) + 2)
    end

    return line
end

local function store(domain, date, id, args)
    local socket = ngx.socket.tcp()

    socket:settimeout(2000)

    if not socket:connect('unix:' .. address) then
        return nil
    end

    if not sha then
        sha = ask(socket, 'SCRIPT', 'LOAD', script):sub(1, 40)
    end

    local key = 'peer:{' .. domain .. '}:' .. date
    local line = ask(socket, 'EVALSHA', sha, 2, key .. ':ids', key, id, KEEP,
                     unpack(args))

    socket:setkeepalive(60000, 32)

    return line
end

function _M.collect()
    ngx.req.read_body()

    local body = ngx.req.get_body_data()
    local ok, text = pcall(zlib.inflate(), body)

    if not ok then
        return refuse(400, 'not gzip')
    end

    local report = cjson.decode(text)

    if not report then
        return refuse(400, 'not JSON')
    end

    local date = valid(report) and day(report['date-range'])

    if not date then
        return refuse(422, 'not a report')
    end

    local domains, stored = {}, false

    for domain, args in pairs(fold(report)) do
        local id = ngx.sha1_bin(report['organization-name'] .. '\0'
            .. report['report-id'] .. '\0' .. domain .. '\0' .. date)
        local line = store(domain, date, id, args)

        if line ~= ':0' and line ~= ':1' then
            return refuse(503, 'Redis is away')
        end

        stored = stored or line == ':1'
        domains[#domains + 1] = domain
    end

    local answer = cjson.encode({
        status = stored and 'stored' or 'duplicate',
        ['report-id'] = report['report-id'],
        ['policy-domains'] = domains,
    })

    ngx.status = stored and 201 or 200
    ngx.header.content_type = 'application/json'
    ngx.header.content_length = #answer
    ngx.print(answer)
end

return _M
