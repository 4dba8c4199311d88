--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- The tokens of the report addresses that a mail was sent to.

local TOKEN_LEN = 26            -- tlsrpt_enrolment.h

-- The token in a report address: "local+TOKEN@host", "local-TOKEN@host".
local function token_of(address)
    local token = address:lower():match('^.*[+-]([a-z2-7]+)@[^@]*$')

    return token and #token == TOKEN_LEN and token or nil
end

-- A mail that was handed over has no envelope, but what a mailbox keeps of it.
local function recipients(task)
    local addresses = {}

    for _, to in ipairs(task:get_recipients('smtp') or {}) do
        addresses[#addresses + 1] = to.addr
    end

    if #addresses > 0 then return addresses end

    for _, name in ipairs({ 'Delivered-To', 'X-Original-To', 'To' }) do
        for _, header in ipairs(task:get_header_full(name) or {}) do
            for address in (header.decoded or ''):gmatch('[^%s<>,;:"]+@[%w.-]+')
            do
                addresses[#addresses + 1] = address
            end
        end
    end

    return addresses
end

-- Those of all recipients, each once.
return function(task)
    local tokens, seen = {}, {}

    for _, address in ipairs(recipients(task)) do
        local token = token_of(address)

        if token and not seen[token] then
            seen[token] = true
            tokens[#tokens + 1] = token
        end
    end

    return tokens
end
