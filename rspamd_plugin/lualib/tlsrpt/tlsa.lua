--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- TLSA records of a mail server (RFC 6698, RFC 7672), by a question of our own:
-- rspamd's resolver drops what is in them.

local names = require "tlsrpt/names"
local rspamd_hash = require "rspamd_cryptobox_hash"

local TLSA = 52                 -- RFC 6698 7.1
local SERVFAIL, NXDOMAIN = 2, 3
local MAX_RECORDS = 16
local TRUST_ANCHOR, END_ENTITY = 2, 3

local function hex(bytes)
    return (bytes:gsub('.', function(c)
        return string.format('%02x', c:byte())
    end))
end

-- What a record says of whichever digests a certificate has; nil: nothing that
-- a sender of mail can use (RFC 7672 3.1.3).
local function parse(rdata)
    local usage, selector, matching = rdata:byte(1, 3)

    if #rdata < 4 or usage ~= TRUST_ANCHOR and usage ~= END_ENTITY
        or selector > 1 or matching > 2
    then
        return nil
    end

    local data = rdata:sub(4)
    local digest = hex(data)

    if matching == 0 then
        digest = rspamd_hash.create_specific('sha256', data):hex()
    end

    return {
        usage = usage,
        digest = digest,
        field = (selector == 1 and 'key-' or '')
            .. (matching == 2 and 'sha512' or 'sha256'),
    }
end

local function is_valid_now(chain, upto, now)
    for i = 1, upto do
        if now < chain[i]['not-before'] or now > chain[i]['not-after'] then
            return false
        end
    end

    return true
end

-- RFC 7672 3.1.1: of the server's own certificate neither name nor date
-- matter.  3.1.2: of a chain that leads to the trust anchor they do.
local function matches(record, seen, host, now)
    local digests = seen.digests

    if record.usage == END_ENTITY then
        return digests[1] ~= nil and digests[1][record.field] == record.digest
    end

    if not names.match(seen.names, host) then return false end

    for i, digest in ipairs(digests) do
        if digest[record.field] == record.digest then
            return is_valid_now(seen.chain, i, now)
        end

        if not digest.issued then return false end
    end

    return false
end

-- "3 1 1 hex"
local function shown(rdata)
    if #rdata < 3 then return hex(rdata) end

    return string.format('%d %d %d %s', rdata:byte(1), rdata:byte(2),
        rdata:byte(3), hex(rdata:sub(4)):sub(1, 128))
end

-- What is known of the records of a server, or nil; whether there is DNSSEC;
-- and the question where it is for that that there is no answer.  seen: by
-- probe_mx.lua.
return function(dns, resolver, host, seen, now)
    local name = '_25._tcp.' .. host
    local answer = dns:exchange(resolver.address, name, TLSA, resolver.port)

    if answer and answer.rcode == SERVFAIL
        and dns:is_bogus(resolver, name, TLSA)
    then
        return nil, false, 'TLSA ' .. name
    end

    if not answer or answer.rcode ~= 0 and answer.rcode ~= NXDOMAIN
        or #answer.records == 0
    then
        return nil, answer and answer.authentic
    end

    local tlsa = { ad = answer.authentic, records = {} }

    for i = 1, math.min(#answer.records, MAX_RECORDS) do
        local record = parse(answer.records[i])

        tlsa.records[i] = shown(answer.records[i])

        -- without DNSSEC they say nothing (RFC 7672 2.2)
        if answer.authentic and record and seen.digests then
            tlsa.match = tlsa.match or matches(record, seen, host, now)
        end
    end

    table.sort(tlsa.records)

    return tlsa, answer.authentic
end
