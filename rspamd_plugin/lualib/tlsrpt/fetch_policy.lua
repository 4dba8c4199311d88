--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Fetches a policy as a sender does (RFC 8461 3.3): by HTTPS, with the
-- certificate checked, no redirect followed; but from one address.
--
-- fetch(host, address, domain, agent):
--     { result, detail?, status?, type?, size?, ms?, text?,
--       tls?, chain?, names?, verify?, verify-text? }
-- host: core, ev_base, session, timeout (stream.lua), now, seconds.

local http = require "tlsrpt/http_answer"
local names = require "tlsrpt/names"
local open = require "tlsrpt/stream"
local rspamd_util = require "rspamd_util"

local PORT = 443
local EXPIRED = 10              -- X509_V_ERR_CERT_HAS_EXPIRED
local NOT_YET = 9               -- X509_V_ERR_CERT_NOT_YET_VALID

local results = {
    refused = { 'connect-failed', 'no connection to port 443' },
    timeout = { 'timeout', 'no connection to port 443 in time' },
    slow = { 'too-slow', 'the answer did not come in time' },
    large = { 'too-large', 'the answer is larger than 64 kB' },
    closed = { 'tls-failed', 'the server closed the connection' },
    tls = { 'tls-failed' },
}

local function failure(seen, reason, detail)
    local result = results[reason]

    seen.result = result[1]
    seen.detail = (result[2] or tostring(detail)):gsub('[^\32-\126]', '?')
        :sub(1, 200)

    return seen
end

local function request(name, agent)
    return table.concat({
        'GET /.well-known/mta-sts.txt HTTP/1.1',
        'Host: ' .. name,
        'User-Agent: ' .. agent,
        'Accept: text/plain, */*;q=0.5',
        'Connection: close',
        '', '',
    }, '\r\n')
end

-- What the certificate is, before what is said behind it.
local function judge_certificate(seen, name)
    if seen.verify == EXPIRED or seen.verify == NOT_YET then
        seen.result, seen.detail = 'expired', seen['verify-text']
    elseif seen.verify ~= 0 then
        seen.result, seen.detail = 'not-trusted', seen['verify-text']
    elseif not names.match(seen.names, name) then
        seen.result = 'wrong-name'
        seen.detail = 'the certificate is not for ' .. name
    end
end

local function judge_answer(seen, answer)
    seen.status, seen.size = answer.status, #answer.body

    local type = answer.headers['content-type']

    seen.type = type and type:gsub('[^\32-\126]', '?'):sub(1, 100)

    if answer.status >= 300 and answer.status < 400 then
        local to = answer.headers.location or ''

        seen.result = 'redirect'
        seen.detail = to:gsub('[^\32-\126]', '?'):sub(1, 200)
    elseif answer.status ~= 200 then
        seen.result = 'status'
    elseif answer.body == '' then
        seen.result = 'empty'
    else
        seen.text = names.text(answer.body)
        -- RFC 8461 3.2
        seen.result = type and type:lower():find('^%s*text/plain') and 'ok'
            or 'type'
    end
end

local function read_answer(stream, seen)
    local parser = http()

    while not parser.done do
        local text, reason, detail = stream:read()

        if not text then
            if reason == 'closed' and parser:close() then break end
            if reason == 'closed' then
                reason, detail = 'tls', 'the answer was cut off'
            end

            return failure(seen, reason, detail)
        end

        parser:feed(text)
    end

    if parser.failed == 'large' then return failure(seen, 'large') end

    if parser.failed then
        seen.result, seen.detail = 'status', parser.failed
    else
        judge_answer(seen, parser)
    end

    return seen
end

local function exchange(stream, probe, first, name, agent)
    local done, reason, detail = stream:handshake(probe, first)

    if not done then return failure({}, reason, detail) end

    local seen = probe:peer()

    seen.digests = nil
    judge_certificate(seen, name)
    names.shorten(seen, name)

    if seen.result then return seen end

    done, reason, detail = stream:write(request(name, agent))

    if not done then return failure(seen, reason, detail) end

    return read_answer(stream, seen)
end

return function(host, address, domain, agent)
    local name = 'mta-sts.' .. domain
    local began = rspamd_util.get_ticks()
    local probe, err = host.core.tls_probe(name)

    if not probe then error(err.text, 0) end

    local stream, first, detail = open(host, address, PORT,
        (probe:feed('')))
    local seen

    if stream then
        seen = exchange(stream, probe, first, name, agent)
        stream:close()
    else
        seen = failure({}, first, detail)
    end

    probe:close()
    seen.ms = math.floor((rspamd_util.get_ticks() - began) * 1000)

    return seen
end
