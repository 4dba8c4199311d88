--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Who signed a report, and whether he may speak for who made it (RFC 8460 3,
-- RFC 6376).  dkim.lua says which signatures of a mail may speak at all.

local dkim = require "tlsrpt/dkim"
local rspamd_logger = require "rspamd_logger"

local signers = {}
signers.__index = signers


-- Who says that he made it

-- The domain of a mailbox, alone or in <>, with mailto: or without; nil if it
-- is none.
local function mailbox_domain(normalize, text)
    local address = text:match('<([^<>]*)>%s*$') or text:match('^%s*(.-)%s*$')

    address = address:gsub('^[mM][aA][iI][lL][tT][oO]:', ''):gsub('%?.*$', '')

    local domain = address:match(
        "^[%w!#$&'*+/=?^_`{|}~.\128-\255-]+@([%w_.\128-\255-]+)$")

    return domain and normalize(domain)
end

-- The domains of the mailboxes in contact-info, and whether it is more or
-- other than mailboxes.
local function contact_domains(normalize, contact)
    local domains, odd = {}, false

    for piece in contact:gmatch('[^,;]+') do
        local domain = mailbox_domain(normalize, piece)

        if domain then
            domains[#domains + 1] = domain
        else
            odd = odd or piece:find('@', 1, true) or piece:find('%40', 1, true)
        end
    end

    return domains, odd or #domains == 0
end

local function submitter_domains(normalize, task)
    local domains = {}

    for _, header in ipairs(task:get_header_full('TLS-Report-Submitter') or {})
    do
        domains[#domains + 1] = normalize(header.decoded or '') or ''
    end

    return domains
end

-- A From added above the signed one must not count, so it has to be the only
-- one.
local function from_domains(normalize, task)
    local domains = {}

    if task:get_header_count('From') ~= 1 then return domains end

    for _, from in ipairs(task:get_from('mime') or {}) do
        domains[#domains + 1] = normalize(from.domain or '') or ''
    end

    return domains
end

local function add_all(list, more)
    for _, item in ipairs(more) do list[#list + 1] = item end
end

-- A signer has to be aligned with each of them; and whether that was hard to
-- say.
local function reporter_domains(normalize, task, contact)
    local domains, odd = {}, false

    if contact and contact:find('%S') then
        domains, odd = contact_domains(normalize, contact)
    end

    if #domains > 0 and not odd then return domains, false end

    local submitters = submitter_domains(normalize, task)
    local from = from_domains(normalize, task)

    if not odd then return #submitters > 0 and submitters or from, false end

    -- Whoever wrote it, it must not be for others to say who that was.
    add_all(domains, submitters)
    add_all(domains, #from > 0 and from or { '' })

    return domains, true
end

-- Of a mail of which no report was read.
function signers:reporters(task)
    return (reporter_domains(self.normalize, task, nil))
end

function signers:set_reporters(mail, entry)
    local contact = entry.report and entry.report:contact_info()
    local odd

    entry.reporters, odd = reporter_domains(self.normalize, mail.task, contact)

    if odd then
        entry.note = 'contact-info names no mailbox'
        rspamd_logger.infox(mail.task, 'tlsrpt: contact-info: no mailbox, or'
            .. ' not alone: %s (RFC 8460 4.4)', self.printable(contact))
    end
end


-- Who signed

-- Those that may speak, those of who says he sent the mail first.
function signers:find(mail)
    local senders = submitter_domains(self.normalize, mail.task)

    add_all(senders, from_domains(self.normalize, mail.task))

    local function likely(domain)
        for _, sender in ipairs(senders) do
            if dkim.aligned(domain, sender) then return true end
        end

        return false
    end

    mail.signatures, mail.refused = dkim.signatures(mail.task, self.normalize,
        likely)
end

-- Verifies each, then calls done.
function signers:verify(mail, done)
    local waiting = #mail.signatures

    if waiting == 0 then
        done()
        return
    end

    self.watch_lookups(mail)

    local function answered()
        waiting = waiting - 1
        if waiting == 0 then done() end
    end

    local function await(what, fn) return self.awaiting(mail, what, fn) end

    for _, signature in ipairs(mail.signatures) do
        dkim.verify(mail.task, signature, self.core and self.core.key_bits,
            await, answered)
    end
end

-- Is there a signature that counts, or may once its key is known?
function signers.may_be_signed(mail)
    for _, signature in ipairs(mail.signatures) do
        if signature.valid or signature.lookup_failed then return true end
    end

    return false
end

local function aligned_with_all(domain, others)
    for _, other in ipairs(others) do
        if not dkim.aligned(domain, other) then return false end
    end

    return #others > 0
end

-- Sets entry.signer and entry.reporters; where nobody signed whose signature
-- counts, why not, and whether that may only be so now.
function signers:select(mail, entry)
    local lookup_failed, refused = false, {}

    self:set_reporters(mail, entry)

    for _, signature in ipairs(mail.signatures) do
        if not aligned_with_all(signature.domain, entry.reporters) then
            refused[#refused + 1] = 'signed by ' .. signature.domain
        elseif signature.valid then
            entry.signer = signature
            return nil
        else
            lookup_failed = lookup_failed or signature.lookup_failed
            refused[#refused + 1] = signature.domain .. ': '
                .. signature.answer
        end
    end

    return refused, lookup_failed
end

-- Does each valid signature cover the header, given once?
function signers.covered(mail, name)
    return dkim.covered(mail.task, mail.signatures, name)
end

-- plugin: core, or nil; and functions of tlsrpt.lua: normalize, printable,
-- awaiting, watch_lookups.
return function(plugin)
    return setmetatable(plugin, signers)
end
