--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- The DKIM signatures of a mail that may speak for a report (RFC 8460 3,
-- RFC 6376, RFC 8301).  rspamd verifies them; what it lets pass and the
-- RFCs do not is found here.
--
-- A signature:
--   domain, selector    normalized d=, and s=
--   signed              name of a header -> how many of that name are signed
--   valid               verified, by a key that may be used
--   lookup_failed       its key is not known now
--   answer              why it is not valid
--   note                what there is to say of a valid one

local rspamd_util = require "rspamd_util"

local MAX_SIGNATURES = 8        -- verified of one mail
local MIN_KEY_BITS = 1024       -- RFC 8301 3.2

-- RFC 8301 3.1 and RFC 8463: not rsa-sha1.
local algorithms = {
    ['rsa-sha256'] = true,
    ['ed25519-sha256'] = true,
}

local exports = {}


-- Tags (RFC 6376 3.2); nil where one is given twice.
local function parse_tags(value)
    local tags = {}

    for tag in value:gmatch('[^;]+') do
        local name, text = tag:match('^%s*([^%s=]+)%s*=%s*(.-)%s*$')

        if name and tags[name] then return nil end
        if name then tags[name] = text end
    end

    return tags
end

local function has_item(list, wanted)
    for item in list:gmatch('[^:%s]+') do
        if item == wanted then return true end
    end

    return false
end


-- Which signatures may speak

local function signed_headers(list)
    local signed = {}

    for name in list:gmatch('[^:%s]+') do
        name = name:lower()
        signed[name] = (signed[name] or 0) + 1
    end

    return signed
end

-- Whether the mail has the header, and each of that name is under the
-- signature.
local function covers(task, signature, name)
    local n = task:get_header_count(name)

    return n > 0 and n <= (signature.signed[name:lower()] or 0)
end

-- How a body is read depends on Content-Type; and who signed what a report
-- alone has, signed a report.
local function covers_reading(task, signature)
    return covers(task, signature, 'Content-Type')
        or covers(task, signature, 'TLS-Report-Domain')
        or covers(task, signature, 'TLS-Report-Submitter')
end

-- Why a signature counts for nothing, whatever its key; nil if it may count.
local function fault(task, signature, tags)
    if not algorithms[(tags.a or ''):lower()] then
        return 'signed with ' .. (tags.a or 'no algorithm')
    end

    -- RFC 8460 3
    if tags.l then return 'signed with l=' end

    if not covers_reading(task, signature) then
        return 'neither Content-Type nor TLS-Report-Domain is signed'
    end

    return nil
end

-- What to ask DNS for, if it is a name (RFC 6376 3.6.2.1).  Of one that is
-- none rspamd never says anything.
local function key_name(normalize, tags)
    local name = string.format('%s._domainkey.%s', tags.s or '', tags.d or '')

    return normalize(name)
end

local function read_signature(task, text, normalize)
    local tags = parse_tags(text)

    if not tags then return nil, 'a signature with a tag given twice' end

    local domain = normalize(tags.d or '')

    if not domain then return nil, 'signed by no domain' end

    local signature = {
        text = text,
        domain = domain,
        key_name = key_name(normalize, tags),
        signed = signed_headers(tags.h or ''),
    }
    local reason = fault(task, signature, tags)

    if not signature.key_name then reason = 'its selector is no name' end

    if reason then return nil, domain .. ': ' .. reason end

    return signature
end

-- The signatures that may speak, those first of which likely() says so of the
-- domain; and why others may not.
function exports.signatures(task, normalize, likely)
    local first, others, refused = {}, {}, {}

    for _, header in ipairs(task:get_header_full('DKIM-Signature') or {}) do
        local signature, reason = read_signature(task, header.decoded,
            normalize)

        if not signature then
            refused[#refused + 1] = reason
        elseif likely(signature.domain) then
            first[#first + 1] = signature
        else
            others[#others + 1] = signature
        end
    end

    for _, signature in ipairs(others) do first[#first + 1] = signature end

    while #first > MAX_SIGNATURES do
        local signature = table.remove(first)
        refused[#refused + 1] = signature.domain .. ': too many signatures'
    end

    return first, refused
end

-- Is the header given once, and does each valid signature cover it?
function exports.covered(task, signatures, name)
    local valid = 0

    if task:get_header_count(name) ~= 1 then return false end

    for _, signature in ipairs(signatures) do
        if signature.valid then
            if not covers(task, signature, name) then return false end
            valid = valid + 1
        end
    end

    return valid > 0
end


-- Their keys

-- Why a key is not one to count by; nil if it is, or if the record is none.
local function key_fault(record, key_bits)
    local tags = parse_tags(record)

    if not tags or not tags.p then return nil end

    -- RFC 6376 3.6.1: as unsigned
    if tags.t and has_item(tags.t, 'y') then return 'its key is for tests' end

    if key_bits and (tags.k or 'rsa'):lower() == 'rsa' then
        local bits = key_bits(tags.p:gsub('%s', ''))

        if bits and bits < MIN_KEY_BITS then
            return string.format('a key of %d bits', bits)
        end
    end

    return nil
end

-- RFC 8460 3: the key's service types; accepted all the same.
local function excludes_tlsrpt(record)
    local tags = parse_tags(record)

    return tags and tags.p and tags.s and not has_item(tags.s, '*')
        and not has_item(tags.s, 'tlsrpt')
end

local missing = {
    ['no records with this name'] = true,
    ['requested record is not found'] = true,
}

-- rspamd does not say which of several records it verified by, so that each
-- has to do.
local function judge_key(signature, records, err, key_bits)
    if not records then
        signature.valid = false
        signature.lookup_failed = not missing[err]
        signature.answer = 'key look-up: ' .. tostring(err)
        return
    end

    for _, record in ipairs(records) do
        local reason = key_fault(record, key_bits)

        if reason then
            signature.valid = false
            signature.answer = reason
        elseif excludes_tlsrpt(record) then
            signature.note = "key's s= excludes tlsrpt"
        end
    end
end

local function is_lookup_failure(err, fail_reason)
    return fail_reason == 'DNS error when getting key' or err == 'tempfail'
end

-- Verifies a signature, then calls done.  awaiting(what, fn): fn, for an
-- answer that may come late or never.  key_bits(p): the size of an RSA key;
-- nil: not looked at.
function exports.verify(task, signature, key_bits, awaiting, done)
    local verify = rspamd_plugins.dkim and rspamd_plugins.dkim.verify
    local waiting = 2
    local records, lookup_error

    if not verify then
        signature.lookup_failed = true
        signature.answer = "rspamd's dkim module is off"
        done()
        return
    end

    local function answered()
        waiting = waiting - 1

        if waiting > 0 then return end

        if signature.valid then
            judge_key(signature, records, lookup_error, key_bits)
        end

        done()
    end

    local function verified(_, ok, err, _, _, _, fail_reason)
        signature.valid = ok
        signature.answer = err and err:match('^dns request.*')
            or fail_reason or err or 'invalid'
        signature.lookup_failed = not ok
            and is_lookup_failure(err, fail_reason)
        answered()
    end

    local function resolved(_, _, results, err)
        records, lookup_error = results, err
        answered()
    end

    local started, err = verify(task, signature.text,
        awaiting('the verdict on the signature of ' .. signature.domain,
                 verified), 'dkim')

    if not started then
        signature.answer = err or 'invalid'
        done()
        return
    end

    started = task:get_resolver():resolve_txt({
        task = task,
        name = signature.key_name,
        callback = awaiting('the key ' .. signature.key_name, resolved),
        forced = true,
    })

    if not started then resolved(nil, nil, nil, 'cannot be asked') end
end


-- Names

-- Aligned: the same organizational domain.  What is no name ('') never is.
function exports.aligned(domain, other)
    if domain == '' or other == '' then return false end

    return domain == other
        or rspamd_util.get_tld(domain) == rspamd_util.get_tld(other)
end

return exports
