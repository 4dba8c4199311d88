--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Run by tlsa.t in rspamadm's Lua: TLSA records (RFC 6698, RFC 7672) against
-- the digests of a chain of certificates.

local hash = require "rspamd_cryptobox_hash"
local tlsa_of = require "tlsrpt/tlsa"

local tap = dofile(arg[2])(arg[1])
local is = tap.is

local HOST = 'mx.a.example'
local NOW = 1800000000
local RESOLVER = { address = '192.0.2.53', port = 53 }
local SERVFAIL, NXDOMAIN = 2, 3

local function bytes_of(hex)
    return (hex:gsub('%x%x', function(byte)
        return string.char(tonumber(byte, 16))
    end))
end

local function digests(cert, key)
    local of = {}

    for name, data in pairs({ [''] = cert, ['key-'] = key }) do
        for _, kind in ipairs({ 'sha256', 'sha512' }) do
            of[name .. kind] = hash.create_specific(kind, data):hex()
        end
    end

    return of
end

-- A server's own certificate, its authority's, and one that only lies beside.
local function shown()
    local seen = { digests = {}, chain = {}, names = { HOST } }

    for i, name in ipairs({ 'leaf', 'authority', 'stranger' }) do
        seen.digests[i] = digests(name, name .. ' key')
        seen.digests[i].issued = i == 1
        seen.chain[i] = { ['not-before'] = NOW - 1, ['not-after'] = NOW + 1 }
    end

    return seen
end

local function record(usage, selector, matching, data)
    local kinds = { 'sha256', 'sha512' }

    if kinds[matching] then
        data = bytes_of(hash.create_specific(kinds[matching], data):hex())
    end

    return string.char(usage, selector, matching) .. data
end

-- answer: what the resolver says; nil: nothing.
local function look(answer, seen, bogus)
    local asked

    local tlsa, authentic, question = tlsa_of({
        exchange = function(_, _, name)
            asked = name
            return answer
        end,
        is_bogus = function() return bogus end,
    }, RESOLVER, HOST, seen or shown(), NOW)

    is(asked, '_25._tcp.' .. HOST, 'the name asked for')

    return tlsa, authentic, question
end

local function match(records, seen, unsigned)
    local tlsa = look({ rcode = 0, authentic = not unsigned,
        records = records }, seen)

    return tostring(tlsa.match)
end

-- The server's own certificate, or key (RFC 7672 3.1.1)

is(match({ record(3, 1, 1, 'leaf key') }), 'true', '3 1 1')
is(match({ record(3, 0, 1, 'leaf') }), 'true', '3 0 1')
is(match({ record(3, 1, 2, 'leaf key') }), 'true', '3 1 2')
is(match({ record(3, 0, 2, 'leaf') }), 'true', '3 0 2')
is(match({ record(3, 1, 0, 'leaf key') }), 'true', '3 1 0: the key itself')
is(match({ record(3, 0, 0, 'leaf') }), 'true', '3 0 0')
is(match({ record(3, 1, 1, 'leaf') }), 'false', 'of the key, not the rest')
is(match({ record(3, 1, 1, 'old key') }), 'false', 'of the key before')
is(match({ record(3, 1, 1, 'old key'), record(3, 1, 1, 'leaf key') }), 'true',
    'one of two is enough')
is(match({ record(3, 1, 1, 'authority key') }), 'false',
    'the authority is not the server')

local seen = shown()

seen.chain[1]['not-after'] = NOW - 1
seen.names = { 'other.example' }
is(match({ record(3, 1, 1, 'leaf key') }, seen), 'true',
    'neither its date nor its name matters')

-- An authority (RFC 7672 3.1.2)

is(match({ record(2, 0, 1, 'authority') }), 'true', '2 0 1')
is(match({ record(2, 1, 1, 'authority key') }), 'true', '2 1 1')
is(match({ record(2, 0, 1, 'authority') }, seen), 'false',
    'there the name matters')
seen.names = { HOST }
is(match({ record(2, 0, 1, 'authority') }, seen), 'false', 'and the date')
is(match({ record(2, 0, 1, 'stranger') }), 'false',
    'one that has not issued it does not count')

-- What cannot be used

is(match({ record(1, 1, 1, 'leaf key') }), 'nil', '1 1 1 is not for mail')
is(match({ record(0, 0, 1, 'authority') }), 'nil', 'nor is 0 0 1')
is(match({ record(3, 2, 1, 'leaf key') }), 'nil', 'an unknown selector')
is(match({ record(3, 1, 3, 'leaf key') }), 'nil', 'an unknown matching type')
is(match({ '', '\3', '\3\1\1' }), 'nil', 'records cut short')
is(match({ record(3, 1, 1, 'old key') }, nil, true), 'nil',
    'without DNSSEC they say nothing')

-- What is kept of them

local many = {}

for i = 1, 20 do many[i] = record(3, 1, 1, tostring(i)) end

local tlsa = look({ rcode = 0, authentic = true, records = many })

is(#tlsa.records, 16, '16 at most')
tlsa = look({ rcode = 0, authentic = true,
    records = { '\3\1\1\171\205', '\2\0\1\1' } })
is(table.concat(tlsa.records, ', '), '2 0 1 01, 3 1 1 abcd', 'as DNS has them')

-- No records

local authentic, question

tlsa, authentic = look({ rcode = NXDOMAIN, authentic = true, records = {} })
is(tlsa, nil, 'no such name')
is(authentic, true, 'by DNSSEC')
is(look(nil), nil, 'no answer')
question = select(3, look({ rcode = SERVFAIL, records = {} }, nil, false))
is(question, nil, 'the resolver fails, which is not for DNSSEC')
question = select(3, look({ rcode = SERVFAIL, records = {} }, nil, true))
is(question, 'TLSA _25._tcp.' .. HOST, 'one that does not verify is told')

tap.done()
