--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Asks a mail server for STARTTLS (RFC 3207), and sees what it shows then.
--
-- probe(host, address, wanted): facts of the address, whatever name led there:
--     { result, detail?, tls?, chain?, digests?, names?, verify?,
--       verify-text? }
-- host: core, ev_base, session, timeout (stream.lua), name, for EHLO.

local open = require "tlsrpt/stream"

local PORT = 25
local MAX_LINES = 64            -- of one answer
local MAX_DETAIL = 200          -- bytes

local function printable(text)
    return (tostring(text):gsub('[^\32-\126]', '?'):sub(1, MAX_DETAIL))
end

local results = {
    -- port 25 is closed to many: not known
    refused = { 'unreachable', 'no answer on port 25' },
    timeout = { 'timeout', 'no answer on port 25 in time' },
    slow = { 'tarpit', 'answers come too slowly' },
    large = { 'tarpit', 'an answer has no end' },
    closed = { 'unknown', 'the server closed the connection' },
    tls = { 'tls-failed' },
}

local function failure(reason, detail)
    local result = results[reason]

    return { result = result[1], detail = printable(result[2] or detail) }
end

-- The code, and the lines of an answer (RFC 5321 4.2.1).
local function answer(stream)
    local lines = {}

    for _ = 1, MAX_LINES do
        local line, reason, detail = stream:line()

        if not line then return nil, reason, detail end

        lines[#lines + 1] = line:sub(5)

        if line:sub(4, 4) ~= '-' then
            return tonumber(line:match('^%d%d%d')) or 0, lines, line
        end
    end

    return stream:fail('large')
end

local function ask(stream, command)
    local sent, reason, detail = stream:write(command .. '\r\n')

    if not sent then return nil, reason, detail end

    return answer(stream)
end

local function offers_starttls(lines)
    for _, line in ipairs(lines) do
        if line:upper():find('^STARTTLS%s*$') then return true end
    end

    return false
end

-- The answer to it does not matter, but it is waited for, so that no server
-- counts us among those who just hang up.
local function quit(stream)
    ask(stream, 'QUIT')
    stream:close()
end

local function refusal(code, line)
    if code >= 400 and code < 500 then
        return { result = 'busy', detail = printable(line) }
    end

    return { result = 'unknown', detail = printable(line) }
end

-- Up to "220 ready"; nil, or why it does not come to that.
local function to_starttls(stream, name)
    local code, lines, line = answer(stream)

    if not code then return failure(lines, line) end
    if code ~= 220 then return refusal(code, line) end

    code, lines, line = ask(stream, 'EHLO ' .. name)

    if not code then return failure(lines, line) end
    if code ~= 250 then return refusal(code, line) end
    if not offers_starttls(lines) then return { result = 'no-starttls' } end

    code, lines, line = ask(stream, 'STARTTLS')

    if not code then return failure(lines, line) end

    if code ~= 220 then
        return { result = 'starttls-refused', detail = printable(line) }
    end

    return nil
end

local function with_tls(stream, probe)
    -- would be taken for what comes by TLS (RFC 3207 6)
    if stream.rest ~= '' then
        return failure('tls', 'text after the answer to STARTTLS')
    end

    local done, reason, detail = stream:handshake(probe)

    if not done then
        if reason == 'closed' then
            reason, detail = 'tls', 'the server closed the connection'
        end

        return failure(reason, detail)
    end

    local seen = probe:peer()

    seen.result = 'ok'

    return seen
end

return function(host, address, wanted)
    local stream, first, detail = open(host, address, PORT)

    if not stream then return failure(first, detail) end

    stream.rest = first

    local seen = to_starttls(stream, host.name)

    if not seen then
        local probe, err = host.core.tls_probe(wanted)

        if not probe then error(err.text, 0) end

        seen = with_tls(stream, probe)
        quit(stream)
        probe:close()
    else
        quit(stream)
    end

    return seen
end
