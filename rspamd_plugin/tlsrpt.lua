--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Counts mailed TLS reports (RFC 8460 3) in Redis, each exactly once.
--
-- A mail is opened when a report is found in it, and settled once, by
-- finish() or by fail(); a soft reject leaves it in the sender's queue.  What
-- keeps a mail from being let through unsettled:
--   an error of ours        attempt() turns it into fail()
--   an answer that is late  watch() fails what is about to time out
--   an answer never given   TLSRPT_GUARD runs after TLSRPT_CHECK and fails
--                           what is still open
--   a plugin that cannot work (no C module, no Redis, bad options)
--                           settings.broken: whatever would be counted fails
--
-- The signatures come first: a mail that nobody signed is not decompressed.
-- Then the reports are read, then stored.

if confighelp then
    rspamd_config:add_example(nil, 'tlsrpt',
        "Counts mailed TLS reports (RFC 8460) in Redis",
        [[
tlsrpt {
  # Policy domains whose reports are counted: a list, a file or an URL;
  # .example.net takes its subdomains too
  domains = ["example.com", ".example.net"];
  # And those that are enrolled at run time: tlsrpt_registry of nginx
  registry = false;
  # Redis; without it, that of redis.conf
  servers = "127.0.0.1:6379";
  # Of every key, the same as in nginx
  prefix = "tlsrpt";
  # Count only what the reporter signed (RFC 8460 section 3)
  require_dkim = true;
  # After decompression
  max_report_size = 10M;
  # How long counts, and original reports, are kept
  retention = 400d;
  retention_reports = 30d;
  # How often DNS, policies and mail servers are checked
  check_dns = 24h;
  # Whether mail servers are asked for STARTTLS, too
  probe_mx = true;
  # Takes mails that are nothing but signed, stored reports out of the flow
  action = "discard";
}
  ]])
    return
end

local lua_maps = require "lua_maps"
local lua_redis = require "lua_redis"
local lua_util = require "lua_util"
local rspamd_logger = require "rspamd_logger"
local rspamd_util = require "rspamd_util"

local N = 'tlsrpt'
local HEADER = 'X-TLS-Report'

local MAX_REPORTS = 16          -- in one mail
local MAX_PEEKS = 64            -- parts looked into, likewise
local MAX_WARNINGS = 5          -- logged of one report
local MAX_TEXT = 128            -- bytes of a sender's string in an option
local WATCH_PERIOD = 0.2        -- seconds
local MARGIN = 1 / 8            -- of the task's time, left for the reply
local TOKEN_LEN = 26            -- tlsrpt_enrolment.h

-- What can become of a report: a symbol, and a word for the header and the
-- counters.
local kinds = {
    report = { 'TLSRPT_REPORT', 'stored', 'A TLS report was stored' },
    duplicate = { 'TLSRPT_DUPLICATE', 'duplicate',
        'A TLS report that had been stored before' },
    invalid = { 'TLSRPT_INVALID', 'invalid',
        'A TLS report that cannot be read' },
    unsigned = { 'TLSRPT_UNSIGNED', 'unsigned',
        'A TLS report without a valid signature of its reporter' },
    unknown_domain = { 'TLSRPT_UNKNOWN_DOMAIN', 'unknown',
        'A TLS report of domains that are not accepted here' },
    nested = { 'TLSRPT_NESTED', 'nested',
        'A TLS report within a forwarded or returned mail' },
    fail = { 'TLSRPT_FAIL', 'failed',
        'A TLS report could not be stored now' },
}

for _, kind in pairs(kinds) do
    kind.symbol, kind.status, kind.description = kind[1], kind[2], kind[3]
end

local settings = {
    prefix = 'tlsrpt',
    domains = nil,
    registry = false,
    require_dkim = true,
    max_report_size = 10 * 1024 * 1024,
    retention = 400,            -- days
    retention_reports = 30,
    action = nil,
    check_dns = nil,            -- seconds; nil: off
    probe_mx = true,
    task_timeout = 8.0,
    lookup_time = 6.0,          -- of a name, at most
    broken = nil,               -- why no report can be stored
}

local core, dkim, timer         -- ours; nil where they cannot be loaded
local close_due                 -- closes months
local ask                       -- asks Redis for a mail
local store_entry               -- stores what a report says of its domains
local registry                  -- knows domains enrolled at run time, or nil
local counters                  -- nil without Redis
local redis_params
local open_mails = {}
local watching = false


-- Texts of senders

-- Safe in a log line, an option and a header: no controls (C1 included),
-- bounded, not cut within a character.
local function printable(text, max)
    local clean = tostring(text):gsub('%c', '?'):gsub('\194[\128-\159]', '?')

    max = max or MAX_TEXT

    if #clean > max then
        clean = clean:sub(1, max):gsub('[\192-\255][\128-\191]*$', '')
    end

    return clean
end

local function header_text(text)
    if text:find('[\128-\255]') then
        return rspamd_util.mime_header_encode(text)
    end

    return text
end

local function describe_error(err)
    local text = err.text

    if err.path ~= '' then text = err.path .. ': ' .. text end
    if err.detail ~= '' then text = text .. ': ' .. err.detail end

    if err.line > 0 then
        text = string.format('%s (line %d, column %d)', text, err.line,
            err.column)
    elseif err.offset > 0 then
        text = string.format('%s (byte %d)', text, err.offset)
    end

    return printable(text, 512)
end


-- A mail: opened, settled once

local function close_mail(mail)
    open_mails[mail] = nil
    mail.settled = true

    for _, entry in ipairs(mail.entries) do
        if entry.report then entry.report:close() end
    end
end

local function send_back(task, reason)
    rspamd_logger.errx(task, '%s: report not stored, asking the sender to' ..
        ' try again: %s', N, reason)
    task:insert_result(kinds.fail.symbol, 1.0, printable(reason))
    task:set_pre_result({
        action = 'soft reject',
        message = 'TLS report cannot be stored now, try again later',
        module = N,
        priority = 10,
    })
end

local function fail(mail, reason)
    if mail.settled then return end

    close_mail(mail)
    -- Written with the next: there may be no time left, or no Redis.
    if counters and not mail.dry then
        counters:add(kinds.fail.status)
    end

    mail.host.fail(mail, reason)
end

-- Calls fn; an error of it fails the mail.
local function attempt(mail, fn, ...)
    local ok, err = pcall(fn, ...)

    if not ok then
        fail(mail, 'internal error: ' .. tostring(err))
    end
end

-- As a callback that may come late, or after the task is gone.  what: the
-- answer that is awaited.
local function awaiting(mail, what, fn)
    mail.awaited[what] = true

    return function(...)
        mail.awaited[what] = nil

        if not mail.settled then
            attempt(mail, fn, ...)
        end
    end
end

local function awaited(mail)
    local names = {}

    for what in pairs(mail.awaited) do names[#names + 1] = what end

    table.sort(names)

    return table.concat(names, ', ')
end

-- The timer of a task runs from its start, and once more if the filters used
-- it up.
local function deadline(began, now)
    local limit = began + settings.task_timeout

    if now > limit then
        limit = limit + settings.task_timeout
    end

    return limit - settings.task_timeout * MARGIN
end

local function open_mail(task, host)
    local mail = {
        task = task,
        host = host,            -- what is done with results
        entries = {},           -- { part, index, perhaps, report, domains, }
        signatures = {},
        refused = {},           -- why signatures do not count
        results = {},           -- { kind, text }
        awaited = {},           -- answers
        require_dkim = settings.require_dkim,
        trusted = false,        -- no signature is looked at
        dry = false,            -- nothing is to change
        past = false,           -- of an import
        size_left = settings.max_report_size,   -- of all reports together
    }

    mail.deadline = deadline(task:get_timeval(true), rspamd_util.get_time())
    open_mails[mail] = true
    task:cache_set(N, mail)
    task:get_mempool():add_destructor(function() close_mail(mail) end)

    return mail
end

local function time_left(mail)
    return mail.deadline - rspamd_util.get_time()
end

local function watch()
    for mail in pairs(open_mails) do
        if time_left(mail) <= 0 then
            fail(mail, 'no answer in time: ' .. awaited(mail))
        end
    end

    watching = next(open_mails) ~= nil

    return watching and WATCH_PERIOD or nil
end

-- Redis is asked with a time-out; DNS cannot be.
local function watch_lookups(mail)
    if watching or time_left(mail) > settings.lookup_time then return end

    watching = true
    timer(mail.task:get_ev_base(), WATCH_PERIOD, watch)
end

local function outcome(mail, kind, text)
    if not mail.dry then
        rspamd_logger.infox(mail.task, '%s: %s: %s', N, kinds[kind].symbol,
            text)
    end

    mail.results[#mail.results + 1] = { kind = kind, text = text }
end

local function count(mail)
    if not counters or mail.dry then return end

    for _, result in ipairs(mail.results) do
        counters:add(kinds[result.kind].status)
    end

    counters:flush(mail.task)
end

-- Packs the months that the reports have found to be due.
local function close_months(mail)
    if not mail.due or not close_due then return end

    close_due(mail.task, redis_params, mail.due, function(domain)
        return core.closing(settings.prefix, domain, settings.retention,
            math.floor(rspamd_util.get_time()))
    end)
end

local function finish(mail)
    close_mail(mail)
    count(mail)
    close_months(mail)
    mail.host.finish(mail)
end


-- Recognition.  Ordinary mail leaves here, so it has to be cheap.

local report_subtypes = {
    ['tlsrpt+gzip'] = true,
    ['tlsrpt+json'] = true,
    ['tlsrpt'] = true,
}

local container_types = {
    ['application/gzip'] = true,
    ['application/x-gzip'] = true,
    ['application/x-gzip-compressed'] = true,
    ['application/octet-stream'] = true,
    ['application/json'] = true,
    ['text/json'] = true,
}

local function file_name(part)
    local name = part:get_filename()

    if not name then
        local _, _, params = part:get_type_full()
        name = params and params.name
    end

    return name and name:lower()
end

-- RFC 8460 5.1: its policy domain, or nil.
local function report_file_domain(name)
    local domain, rest = name:match('^[^!]+!([^!]+)!%d+!%d+(.*)$')

    if domain and rest:find('%.json$') or domain and rest:find('%.json%.gz$')
    then
        return domain
    end

    return nil
end

local function has_report_name(part, params)
    local name = part:get_filename() or params and params.name

    return name and report_file_domain(name:lower())
end

local function subject_domain(task)
    local subject = task:get_header('Subject')

    return subject and subject:lower():match(
        '^%s*report%s+domain:%s*(%S+)%s+submitter:.*%sreport%-id:')
end

-- What the bytes are: JSON or gzip of it?  As far as their beginning tells.
local function looks_like_report(part)
    local text = part:get_content()

    if core then return core.begins_report(text:ptr(), #text) end

    local head = tostring(text:sub(1, 64))

    return head:find('^\31\139') or head:find('^\239\187\191%s*{')
        or head:find('^%s*{')
end

local function looks_like_zip(part)
    return tostring(part:get_content():sub(1, 4)) == 'PK\3\4'
end

local function is_tlsrpt_multipart(subtype, params)
    local report_type = subtype == 'report' and params
        and params['report-type']

    return report_type and report_type:lower() == 'tlsrpt'
end

-- Within a message/rfc822: the signature of the outer mail says nothing of it.
local function is_nested(part)
    local parent = part:get_parent()

    while parent do
        if parent:is_message() then return true end
        parent = parent:get_parent()
    end

    return false
end

-- Sorts the parts, as { part, index }; nil where nothing speaks of a report.
local function sort_parts(task)
    local reports, containers, others = {}, {}, {}
    local declared = false

    for index, part in ipairs(task:get_parts() or {}) do
        local type, subtype, params = part:get_type_full()
        local entry = { part = part, index = index }

        if type == 'multipart' then
            declared = declared or is_tlsrpt_multipart(subtype, params)
                and not is_nested(part)
        elseif type == 'application' and report_subtypes[subtype]
            or type ~= 'message' and has_report_name(part, params)
        then
            reports[#reports + 1] = entry
        elseif type and container_types[type .. '/' .. subtype] then
            containers[#containers + 1] = entry
        elseif type ~= 'message' then
            others[#others + 1] = entry
        end
    end

    local headers = task:has_header('TLS-Report-Domain')
        or task:has_header('TLS-Report-Submitter')

    if not declared and not headers and #reports == 0 and #containers == 0 then
        return nil
    end

    return {
        reports = reports,
        containers = containers,
        others = others,
        declared = declared,
        hinted = declared or headers,
    }
end

local function is_named_otherwise(part)
    local name = file_name(part)

    return name and (name:find('%.xml') or name:find('%.zip$'))
end

-- The containers that hold a report as their content begins, and the mail's
-- headers or its Subject say.  A Subject alone says perhaps: DMARC reports
-- have the same.
local function sort_containers(task, parts, found)
    local perhaps = not parts.hinted

    if perhaps and not subject_domain(task) then return end

    for i, entry in ipairs(parts.containers) do
        if i > MAX_PEEKS then return end

        local is_report

        if perhaps then
            is_report = not is_named_otherwise(entry.part)
                and looks_like_report(entry.part)
        else
            is_report = looks_like_report(entry.part)
                or looks_like_zip(entry.part)
        end

        if is_report then
            entry.perhaps = perhaps
            found[#found + 1] = entry
        end
    end
end

-- The parts to read, as entries, and how many are within forwarded or
-- returned mails; nil: an ordinary mail.
local function find_reports(task)
    local parts = sort_parts(task)

    if not parts then return nil end

    local found = parts.reports

    sort_containers(task, parts, found)

    if #found == 0 and parts.hinted then
        for i, entry in ipairs(parts.others) do
            if i <= MAX_PEEKS and looks_like_report(entry.part) then
                found[#found + 1] = entry
            end
        end
    end

    local own, nested = {}, 0

    for _, entry in ipairs(found) do
        if is_nested(entry.part) then
            nested = nested + 1
        else
            own[#own + 1] = entry
        end
    end

    if #found == 0 and not parts.declared then return nil end

    return own, nested
end


-- Reading

local function normalize(name)
    if core then return core.normalize(name) end

    return name:lower():match('^%s*([%w_%.%-]+)%s*$')
end

-- For policies that name no domain: what the mail says, where that is signed.
-- A file name within a multipart is signed with the body.
local function hinted_domain(mail, entry)
    local task = mail.task

    if dkim.covered(task, mail.signatures, 'TLS-Report-Domain') then
        return task:get_header('TLS-Report-Domain')
    end

    local domain = dkim.covered(task, mail.signatures, 'Subject')
        and subject_domain(task)

    if domain then return domain end

    local name = entry.index > 1 and file_name(entry.part)

    return name and report_file_domain(name)
end

local function log_warnings(task, report)
    local warnings, beyond = report:warnings()

    for i = 1, math.min(#warnings, MAX_WARNINGS) do
        local warning = warnings[i]
        rspamd_logger.infox(task, '%s: %s: %s (%s)', N,
            printable(warning.path), printable(warning.message, 512),
            warning.section)
    end

    beyond = beyond + #warnings - MAX_WARNINGS

    if beyond > 0 then
        rspamd_logger.infox(task, '%s: %s more warnings', N, beyond)
    end
end

-- By the configuration; and the NAME of the .NAME that alone takes it; nil: it
-- is named itself.
local function accepts(domain)
    if not settings.domains then return false end

    if settings.domains:has(domain) or settings.domains:has('.' .. domain) then
        return true
    end

    local parent = domain:match('%.(.+)$')

    while parent do
        if settings.domains:has('.' .. parent) then return true, parent end
        parent = parent:match('%.(.+)$')
    end

    return false
end

-- A mail of ours that goes out.
local function is_outgoing(task)
    local ip = task:get_ip()

    return task:get_user() ~= nil or ip and ip:is_valid() and ip:is_local()
end

-- The NAME of the .NAME that alone takes a domain; nil: it is taken itself.
local function taken_by(mail, domain)
    local _, below = accepts(domain)

    return not (registry and registry.holds(mail, domain)) and below or nil
end

-- accept.lua says what there is.
local function judge(mail, entry, domain)
    if accepts(domain) then return 'accepted' end

    -- what is not, where it has to be, does not count anyway
    local signed = mail.require_dkim or mail.trusted or entry.signer

    return registry and registry.judge(mail, domain, signed) or 'refused'
end

-- Keeps the accepted domains in entry.domains, and in entry.later one for which
-- the mail has to come again.
local function select_domains(mail, entry)
    local refused = {}

    entry.domains = {}

    for _, domain in ipairs(entry.report:domains()) do
        local verdict = judge(mail, entry, domain)

        if verdict == 'pending' or verdict == 'unknown' then
            entry.later = entry.later or { domain = domain, why = verdict }
        else
            local list = verdict == 'accepted' and entry.domains or refused

            list[#list + 1] = domain
        end
    end

    if #entry.domains == 0 and not entry.later then
        outcome(mail, 'unknown_domain', printable(table.concat(refused, ', ')))
        return false
    end

    if #refused > 0 then
        rspamd_logger.infox(mail.task, '%s: policy domains not accepted' ..
            ' here: %s', N, printable(table.concat(refused, ', '), 512))
    end

    return true
end

-- Which domains are accepted is not known now: may it be one of ours?
local function may_be_accepted(mail, name)
    if not is_outgoing(mail.task) then return true end

    outcome(mail, 'unknown_domain', printable(name))

    return false
end

local function domains_known()
    if not settings.domains then return settings.registry end

    return not settings.domains:is_empty()
end

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
local function recipient_tokens(task)
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

-- Of a report that cannot be read, without our C module: what is it, as far as
-- the names say?
local function guess_report(mail, entry)
    local task, part = mail.task, entry.part
    local named = task:get_header('TLS-Report-Domain') or subject_domain(task)
        or report_file_domain(file_name(part) or '')
    local domain = named and normalize(named)

    if not looks_like_report(part) then
        outcome(mail, 'invalid', 'neither gzip nor JSON')
        return false
    end

    if domain and domains_known() and not accepts(domain)
        and not (settings.registry and recipient_tokens(task)[1])
    then
        outcome(mail, 'unknown_domain', printable(domain))
        return false
    end

    return may_be_accepted(mail, domain or 'none named')
end

-- Did what was said to be a report perhaps turn out to be none?
local function is_none(entry, err)
    return entry.perhaps and (err.code == 'NOT_REPORT' or err.line == 0)
end

-- Reads the part of an entry; true if there is a report in it.
local function read_report(mail, entry)
    if not core then return guess_report(mail, entry) end

    local text = entry.part:get_content()
    local report, err, size = core.parse(text:ptr(), #text, {
        max_size = mail.size_left,
        domain = mail.named,
        hint = hinted_domain(mail, entry) or nil,
    })

    mail.size_left = mail.size_left - size

    if report then
        entry.report = report
        report, err = report:check_range(math.floor(rspamd_util.get_time()),
            settings.retention)
    end

    if not report then
        if err.code == 'MEMORY' then
            fail(mail, err.text)
        elseif not is_none(entry, err) then
            outcome(mail, 'invalid', describe_error(err))
        end
        return false
    end

    log_warnings(mail.task, entry.report)

    return true
end

-- True if there may be something to store.
local function choose_domains(mail, entry)
    if not entry.report then return true end

    if not domains_known() then
        return may_be_accepted(mail,
            table.concat(entry.report:domains(), ', '))
    end

    return select_domains(mail, entry)
end


-- Who signed (RFC 8460 3, RFC 6376)

-- The domain of a mailbox, alone or in <>, with mailto: or without; nil if it
-- is none.
local function mailbox_domain(text)
    local address = text:match('<([^<>]*)>%s*$') or text:match('^%s*(.-)%s*$')

    address = address:gsub('^[mM][aA][iI][lL][tT][oO]:', ''):gsub('%?.*$', '')

    local domain = address:match(
        "^[%w!#$&'*+/=?^_`{|}~.\128-\255-]+@([%w_.\128-\255-]+)$")

    return domain and normalize(domain)
end

-- The domains of the mailboxes in contact-info, and whether it is more or
-- other than mailboxes.
local function contact_domains(contact)
    local domains, odd = {}, false

    for piece in contact:gmatch('[^,;]+') do
        local domain = mailbox_domain(piece)

        if domain then
            domains[#domains + 1] = domain
        else
            odd = odd or piece:find('@', 1, true) or piece:find('%40', 1, true)
        end
    end

    return domains, odd or #domains == 0
end

local function submitter_domains(task)
    local domains = {}

    for _, header in ipairs(task:get_header_full('TLS-Report-Submitter') or {})
    do
        domains[#domains + 1] = normalize(header.decoded or '') or ''
    end

    return domains
end

-- A From added above the signed one must not count, so it has to be the only
-- one.
local function from_domains(task)
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
local function reporter_domains(task, contact)
    local domains, odd = {}, false

    if contact and contact:find('%S') then
        domains, odd = contact_domains(contact)
    end

    if #domains > 0 and not odd then return domains, false end

    local submitters, from = submitter_domains(task), from_domains(task)

    if not odd then return #submitters > 0 and submitters or from, false end

    -- Whoever wrote it, it must not be for others to say who that was.
    add_all(domains, submitters)
    add_all(domains, #from > 0 and from or { '' })

    return domains, true
end

local function set_reporters(mail, entry)
    local contact = entry.report and entry.report:contact_info()
    local odd

    entry.reporters, odd = reporter_domains(mail.task, contact)

    if odd then
        entry.note = 'contact-info names no mailbox'
        rspamd_logger.infox(mail.task, '%s: contact-info: no mailbox, or not' ..
            ' alone: %s (RFC 8460 4.4)', N, printable(contact))
    end
end

local function aligned_with_all(domain, others)
    for _, other in ipairs(others) do
        if not dkim.aligned(domain, other) then return false end
    end

    return #others > 0
end

-- Those that may speak, those of who says he sent the mail first.
local function find_signatures(mail)
    local senders = submitter_domains(mail.task)

    add_all(senders, from_domains(mail.task))

    local function likely(domain)
        for _, sender in ipairs(senders) do
            if dkim.aligned(domain, sender) then return true end
        end

        return false
    end

    mail.signatures, mail.refused = dkim.signatures(mail.task, normalize,
        likely)
end

-- Verifies each, then calls done.
local function verify_signatures(mail, done)
    local waiting = #mail.signatures

    if waiting == 0 then
        done()
        return
    end

    watch_lookups(mail)

    local function answered()
        waiting = waiting - 1
        if waiting == 0 then done() end
    end

    local function await(what, fn) return awaiting(mail, what, fn) end

    for _, signature in ipairs(mail.signatures) do
        dkim.verify(mail.task, signature, core and core.key_bits, await,
            answered)
    end
end

local function unsigned(mail, reporters)
    local refused = table.concat(mail.refused, ', ')

    outcome(mail, 'unsigned', printable(string.format('not signed by %s%s',
        #reporters > 0 and table.concat(reporters, ', ') or 'anyone',
        refused ~= '' and ': ' .. refused or ''), 256))
end

-- Of a mail that no valid signature is on: nothing of it is read.
local function refuse_unsigned(mail)
    local reporters = reporter_domains(mail.task, nil)

    for _, signature in ipairs(mail.signatures) do
        mail.refused[#mail.refused + 1] = signature.domain .. ': '
            .. signature.answer
    end

    for _ = 1, #mail.entries do unsigned(mail, reporters) end
end

-- Is there a signature that counts, or may once its key is known?
local function may_be_signed(mail)
    for _, signature in ipairs(mail.signatures) do
        if signature.valid or signature.lookup_failed then return true end
    end

    return false
end

-- Sets entry.signer; true, or false and how it is with the report.
local function select_signer(mail, entry)
    local lookup_failed, refused = false, {}

    set_reporters(mail, entry)

    for _, signature in ipairs(mail.signatures) do
        if not aligned_with_all(signature.domain, entry.reporters) then
            refused[#refused + 1] = 'signed by ' .. signature.domain
        elseif signature.valid then
            entry.signer = signature
            return true
        else
            lookup_failed = lookup_failed or signature.lookup_failed
            refused[#refused + 1] = signature.domain .. ': '
                .. signature.answer
        end
    end

    if not mail.require_dkim then return true end

    add_all(refused, mail.refused)
    mail.refused = refused

    if lookup_failed then
        fail(mail, 'DKIM key look-up failed: '
            .. table.concat(refused, ', '))
    else
        unsigned(mail, entry.reporters)
    end

    return false
end


-- Storing: store.lua

-- What is told of a report that counts.
local function describe_report(entry)
    local report, signer = entry.report, entry.signer
    local text = printable(string.format('%s %s %s', report:day(),
        table.concat(entry.domains, ','),
        report:organization_name() or '-'), 256)

    entry.header = text

    if signer then
        text = text .. ' d=' .. signer.domain
        if signer.note then text = text .. ' ' .. signer.note end
    end

    if entry.note then text = text .. ' ' .. entry.note end

    return text
end

local function entry_stored(mail, entry)
    outcome(mail, entry.stored and 'report' or 'duplicate',
        describe_report(entry))
    mail.results[#mail.results].entry = entry
end

-- One after the other: the entries, then the mail is finished.
local function store_entries(mail, entries)
    local index = 0

    local function next_entry()
        index = index + 1

        local entry = entries[index]

        if not entry then
            finish(mail)
            return
        end

        store_entry(mail, entry, function()
            entry_stored(mail, entry)
            next_entry()
        end)
    end

    next_entry()
end

-- The entries with a report; nil where that settled the mail.
local function read_reports(mail)
    local found = {}

    for _, entry in ipairs(mail.entries) do
        if read_report(mail, entry) then
            found[#found + 1] = entry
        elseif mail.settled then
            return nil
        end
    end

    return found
end

-- Whether there is something to store.
local function select_report(mail, entry)
    -- whoever it is, where nobody has to be
    if not mail.require_dkim then select_signer(mail, entry) end

    return choose_domains(mail, entry)
        and (not mail.require_dkim or select_signer(mail, entry))
end

-- Those with something to store; nil where that settled the mail.
local function select_reports(mail, found)
    local pending = {}

    for _, entry in ipairs(found) do
        if select_report(mail, entry) then
            pending[#pending + 1] = entry
        elseif mail.settled then
            return nil
        end
    end

    return pending
end

-- Why nothing can be stored now.
local function trouble()
    if settings.broken then return settings.broken end

    if not domains_known() then
        return 'the map of domains is empty, or not loaded'
    end

    return nil
end

-- The domain for which the mail has to come again, and why; nil: none.
local function to_come_again(entries)
    for _, entry in ipairs(entries) do
        if entry.later then return entry.later.domain, entry.later.why end
    end

    return nil
end

local function send_for_later(mail, domain, why)
    if why == 'unknown' then
        fail(mail, string.format('the registry cannot be read: %s',
            mail.unread or 'a newer version wrote what it has of ' .. domain))
        return
    end

    registry:look(mail, domain, function()
        fail(mail, domain .. ' is enrolled, and waits for its proof in DNS')
    end)
end

local function store_reports(mail, found)
    local pending = select_reports(mail, found)

    if not pending then return end

    if #pending > 0 and trouble() then
        fail(mail, trouble())
        return
    end

    local domain, why = to_come_again(pending)

    if domain then
        send_for_later(mail, domain, why)
    else
        mail.host.store(mail, pending)
    end
end

local function domains_of(entries)
    local domains, seen = {}, {}

    for _, entry in ipairs(entries) do
        for _, domain in ipairs(entry.report and entry.report:domains() or {})
        do
            if not seen[domain] then domains[#domains + 1] = domain end
            seen[domain] = true
        end
    end

    return domains
end

local function read_all(mail)
    local found = read_reports(mail)

    if not found then return end

    if not registry then
        store_reports(mail, found)
        return
    end

    registry:find_domains(mail, domains_of(found), function()
        store_reports(mail, found)
    end)
end

local function signatures_known(mail)
    if mail.require_dkim and not may_be_signed(mail) then
        refuse_unsigned(mail)
        finish(mail)
    elseif registry then
        registry:find_tokens(mail, recipient_tokens(mail.task), function()
            read_all(mail)
        end)
    else
        read_all(mail)
    end
end

-- Without our module for DKIM: only what cannot count anyway is let through.
local function settle_unverified(mail)
    local signed = mail.task:has_header('DKIM-Signature')

    if mail.require_dkim and not signed then
        refuse_unsigned(mail)
        finish(mail)
        return
    end

    for _, entry in ipairs(mail.entries) do
        if guess_report(mail, entry) then
            fail(mail, settings.broken)
            return
        end
    end

    finish(mail)
end

local function process_mail(mail, found, nested)
    if nested > 0 then
        outcome(mail, 'nested', 'within a forwarded or returned mail')
    elseif #found == 0 then
        outcome(mail, 'invalid', 'no report in it')
    end

    if #found > MAX_REPORTS then
        outcome(mail, 'invalid', 'more than ' .. MAX_REPORTS .. ' reports')
        found = {}
    end

    mail.entries = found

    if #found == 0 then
        finish(mail)
        return
    end

    if not dkim then
        settle_unverified(mail)
        return
    end

    if not mail.trusted then find_signatures(mail) end

    verify_signatures(mail, function() signatures_known(mail) end)
end


-- Of a mail on its way: symbols, a header, and what becomes of it

local function is_blank(part)
    return not tostring(part:get_content()):find('%S')
end

-- Counts the texts that are not empty; the alternatives of one as one.
local function text_counter()
    local alternatives, n = {}, 0

    return function(part)
        local parent = part:get_parent()
        local id

        if parent and select(2, parent:get_type()) == 'alternative' then
            id = parent:get_id()
        end

        if not is_blank(part) and not (id and alternatives[id]) then
            n = n + 1
            if id then alternatives[id] = true end
        end

        return n
    end
end

-- Is a mail, but for the reports in it, at most one text (RFC 8460 5.3)?
local function is_nothing_else(mail)
    local is_report, count_text = {}, text_counter()

    for _, entry in ipairs(mail.entries) do is_report[entry.index] = true end

    for index, part in ipairs(mail.task:get_parts()) do
        local type, subtype, params = part:get_type_full()

        if type == 'multipart' then
            if index == 1 and not is_tlsrpt_multipart(subtype, params)
                or index > 1 and subtype ~= 'alternative'
            then
                return false
            end
        elseif not is_report[index] then
            if type ~= 'text' or part:get_filename() or count_text(part) > 1
            then
                return false
            end
        end
    end

    return true
end

local function is_all_signed(mail)
    for _, result in ipairs(mail.results) do
        if not result.entry or not result.entry.signer then return false end
    end

    return #mail.results == #mail.entries
end

local function add_headers(mail)
    local headers = {}

    for _, result in ipairs(mail.results) do
        local text = result.entry and result.entry.header or result.text

        headers[#headers + 1] = {
            value = header_text(kinds[result.kind].status .. ' ' .. text),
            order = 1,
        }
    end

    if #headers > 0 then
        mail.task:set_milter_reply({ add_headers = { [HEADER] = headers } })
    end
end

local on_its_way = {
    store = store_entries,
}

function on_its_way.fail(mail, reason)
    send_back(mail.task, reason)
end

function on_its_way.finish(mail)
    local task = mail.task

    for _, result in ipairs(mail.results) do
        task:insert_result(kinds[result.kind].symbol, 1.0, result.text)
    end

    add_headers(mail)

    if settings.action == 'discard' and is_all_signed(mail)
        and is_nothing_else(mail)
    then
        task:set_pre_result({
            action = 'discard',
            message = 'TLS report stored',
            module = N,
            priority = 10,
        })
    end
end

-- Of a mail that rspamadm tlsrpt handed to the controller: an answer to it

local handed = {}

function handed.fail(mail, reason)
    mail.connection:send_ucl({ failed = printable(reason, 512) })
end

function handed.finish(mail)
    local results = {}

    for i, result in ipairs(mail.results) do
        results[i] = {
            status = kinds[result.kind].status,
            text = result.text,
        }
    end

    mail.connection:send_ucl({ results = results })
end

local imported = {
    fail = handed.fail,
    finish = handed.finish,
    store = store_entries,
}

local checked = {
    fail = handed.fail,
    finish = handed.finish,
    store = function(mail, entries)
        for _, entry in ipairs(entries) do
            outcome(mail, 'report', describe_report(entry))
        end

        finish(mail)
    end,
}

local function take_handed(task, connection, host, options)
    if not task:process_message() then
        connection:send_error(400, 'this is no mail')
        return
    end

    local found, nested = find_reports(task)

    if not found then
        connection:send_ucl({ results = {} })
        return
    end

    local mail = open_mail(task, host)

    mail.connection = connection

    for name, value in pairs(options) do mail[name] = value end

    attempt(mail, process_mail, mail, found, nested)
end

local function check_handed(task, connection)
    take_handed(task, connection, checked, { dry = true })
end

local function import_handed(task, connection, args)
    local options = { past = true }

    if args.unsigned then
        options.trusted, options.require_dkim = true, false
    end

    take_handed(task, connection, imported, options)
end

-- A path each below /plugins/tlsrpt/, for who may change things.
local function register_paths()
    rspamd_plugins[N] = {
        webui = {
            check = { handler = check_handed, enable = true,
                need_task = true },
            import = { handler = import_handed, enable = true,
                need_task = true },
        },
    }
end


-- The mail flow

-- Comes after greylisting and force_actions: a mail that is sent back will
-- come again, or is none of ours.
local refusing_actions = {
    ['reject'] = true,
    ['soft reject'] = true,
    ['discard'] = true,
}

local function check(task)
    -- What a sender wrote there is not ours.
    if task:has_header(HEADER) then
        task:set_milter_reply({ remove_headers = { [HEADER] = 0 } })
    end

    local found, nested = find_reports(task)

    if not found then return end

    local action = task:get_metric_action()

    if refusing_actions[action] then
        rspamd_logger.infox(task, '%s: report not counted: the action is %s',
            N, action)
        return
    end

    local mail = open_mail(task, on_its_way)

    attempt(mail, process_mail, mail, found, nested)
end

-- Recognition itself must not fail open.
local function check_callback(task)
    local ok, err = pcall(check, task)

    if not ok then
        send_back(task, 'internal error: ' .. tostring(err))
    end
end

local function guard_callback(task)
    if not next(open_mails) then return end

    local mail = task:cache_get(N)

    if mail and not mail.settled then
        fail(mail, 'an answer was never given: ' .. awaited(mail))
    end
end


-- Configuration

local options = {
    prefix = true, domains = true, registry = true, require_dkim = true,
    max_report_size = true, retention = true, retention_reports = true,
    action = true, enabled = true, check_networks = true, alerts = true,
    check_dns = true, probe_mx = true,
}

-- rspamd's own, read by lua_redis.
local redis_options = {
    servers = true, server = true, read_servers = true, write_servers = true,
    redis = true, timeout = true, db = true, database = true, dbname = true,
    username = true, password = true, expand_keys = true, sentinels = true,
    sentinel_watch_time = true, sentinel_masters_pattern = true,
    sentinel_master_maxerrors = true, sentinel_username = true,
    sentinel_password = true, redis_version = true, ssl = true,
    no_ssl_verify = true, ssl_ca = true, ssl_ca_dir = true, ssl_cert = true,
    ssl_key = true, sni = true,
}

-- Each takes the value as UCL gives it, and returns what settings hold, or
-- nil and the reason.

local function parse_boolean(value)
    if type(value) == 'boolean' then return value end

    return nil, 'must be true or false'
end

local function parse_prefix(value)
    if type(value) == 'string' and value:find('^[%w%._:%-]+$')
        and #value <= 64
    then
        return value
    end

    return nil, 'must be 1 to 64 letters, digits and any of . _ : -'
end

local function parse_days(value, min)
    local days

    if type(value) == 'number' then
        days = value / 86400
    elseif type(value) == 'string' then
        days = tonumber(value:match('^(%d+)d$'))
    end

    if days and days >= min and days <= 36500 and days % 1 == 0 then
        return days
    end

    return nil, 'must be whole days, e.g. 400d'
end

local function parse_retention(value)
    return parse_days(value, 1)
end

local function parse_retention_reports(value)
    return parse_days(value, 0)
end

local function parse_size(value)
    if type(value) == 'string' then
        local number, unit = value:lower():match('^(%d+)([kmg]?)b?$')
        local factors = { [''] = 1, k = 1024, m = 1024^2, g = 1024^3 }

        value = number and tonumber(number) * factors[unit]
    end

    if type(value) == 'number' and value >= 1024 and value <= 1024^3 then
        return math.floor(value)
    end

    return nil, 'must be a size from 1k to 1g'
end

-- An interval, or off.
local function parse_check_dns(value)
    if value == false or value == 'off' then return 0 end

    local seconds = tonumber(value)
        or type(value) == 'string' and lua_util.parse_time_interval(value)

    if seconds and seconds >= 3600 and seconds <= 30 * 86400 then
        return seconds
    end

    return nil, 'must be off, or 1h to 30d'
end

local function parse_action(value)
    if value == 'discard' then return value end

    return nil, 'must be "discard"'
end

-- The names typed in the configuration itself.
local function static_domains(names)
    local set = {}

    for _, name in ipairs(names) do
        local dot, rest = tostring(name):match('^%s*(%.?)(.-)%s*$')
        local domain = core and core.normalize(rest) or rest:lower()

        if domain == '' or domain:find('[%s/]') then
            return nil, 'bad domain name ' .. printable(name)
        end

        set[dot .. domain] = true
    end

    return {
        names = set,
        has = function(_, key) return set[key] end,
        is_empty = function() return not next(set) end,
    }
end

local function is_map_source(value)
    return type(value) == 'string'
        and (value:find('^/') or value:find('^[%w+]+:') or value:find('^%$'))
end

-- Number of keys, as far as the kind of map can say.
local function map_size(map)
    if map.__data and map.__data.get_nelts then
        return map.__data:get_nelts()
    end

    return 1
end

local function parse_domains(value)
    if type(value) == 'string' and not is_map_source(value) then
        local names = {}

        for name in value:gmatch('[^,%s]+') do names[#names + 1] = name end

        return static_domains(names)
    end

    if type(value) == 'table' and type(value[1]) == 'string'
        and not is_map_source(value[1])
    then
        return static_domains(value)
    end

    local map = lua_maps.map_add_from_ucl(value, 'set', 'TLS report domains')

    if not map then
        return nil, 'must be a list of domains or a map'
    end

    return {
        has = function(_, key) return map:get_key(key) end,
        is_empty = function() return map_size(map) == 0 end,
    }
end

-- What an address may be in, although it is not public.
local function parse_networks(value)
    local map = lua_maps.map_add_from_ucl(value, 'radix', 'TLS report networks')

    if not map then return nil, 'must be a list of networks or a map' end

    return map
end

local parsers = {
    prefix = parse_prefix,
    domains = parse_domains,
    registry = parse_boolean,
    check_networks = parse_networks,
    require_dkim = parse_boolean,
    max_report_size = parse_size,
    retention = parse_retention,
    retention_reports = parse_retention_reports,
    action = parse_action,
    check_dns = parse_check_dns,
    probe_mx = parse_boolean,
}

local function broken(reason)
    rspamd_logger.errx(rspamd_config, '%s: %s; reports will be answered' ..
        ' with a temporary error', N, reason)
    settings.broken = settings.broken or reason
end

local function unknown_options(opts)
    local reasons = {}

    for name in pairs(opts) do
        if not options[name] and not redis_options[name] then
            reasons[#reasons + 1] = string.format('unknown option "%s"',
                printable(name))
        end
    end

    return reasons
end

local function parse_options(opts)
    for name, value in pairs(opts) do
        if parsers[name] then
            local parsed, reason = parsers[name](value)

            if parsed == nil then
                broken(string.format('option "%s": %s', name, reason))
            else
                settings[name] = parsed
            end
        end
    end
end

local function load_module(name)
    local ok, module = pcall(require, name)

    if ok then return module end

    broken(string.format('cannot load %s: %s', name,
        tostring(module):match('^[^\n]*'):gsub(':$', '')))

    return nil
end

-- Servers of our own that cannot be used must not fall back to others.
local function find_redis(opts)
    local own = opts.redis or opts

    if own.servers or own.server or own.read_servers or own.write_servers then
        return lua_redis.try_load_redis_servers(own, rspamd_config, false, N)
    end

    return lua_redis.parse_redis_server(N)
end

-- What a report's two halves are written to must be one: lua_redis takes the
-- write servers by turns.  Sentinel says which one it is.
local function is_one_server(params)
    return params.sentinels or #params.write_servers:all_upstreams() == 1
end

-- Read through: Sentinel replaces the servers in it.  Our keys hold no
-- patterns to expand.
local function load_redis(opts)
    local ok, params = pcall(find_redis, opts)

    if not ok or not params or not params.write_servers then
        broken('no usable Redis server is configured')
        return
    end

    if not is_one_server(params) then
        broken('several Redis servers to write to: reports would be spread' ..
            ' over them; name one, or Sentinel')
        return
    end

    redis_params = setmetatable({
        expand_keys = false,
        timeout = tonumber(params.timeout) or 1.0,
    }, { __index = params })
end

local function load_ask()
    local new = load_module('tlsrpt/mail_redis')

    if new and redis_params then
        ask = new({
            redis_params = redis_params,
            awaiting = awaiting,
            time_left = time_left,
        })
    end
end

local function load_store()
    local new = load_module('tlsrpt/store')

    if new and ask then
        store_entry = new({
            core = core,
            settings = settings,
            ask = ask,
            taken_by = taken_by,
            fail = fail,
        })
    end
end

local function load_registry()
    local new = load_module('tlsrpt/accept')

    if new and redis_params and core and ask then
        registry = new({ core = core, prefix = settings.prefix, ask = ask })
    end
end

-- That nobody looks who owns domains is told, and stops no report.
local function load_ownership()
    local ok, start = pcall(require, 'tlsrpt/ownership')

    if not ok then
        rspamd_logger.errx(rspamd_config, '%s: cannot look who owns domains:'
            .. ' %s', N, tostring(start):match('^[^\n]*'))
    elseif redis_params and core then
        start({
            core = core,
            prefix = settings.prefix,
            retention = settings.retention,
            redis_params = redis_params,
            networks = settings.check_networks,
        })
    end
end

-- The domains that the configuration itself names, without those of .NAME.
local function named_domains()
    local names = {}

    for name in pairs(settings.domains and settings.domains.names or {}) do
        if not name:find('^%.') then names[#names + 1] = name end
    end

    table.sort(names)

    return names
end

-- As with owners: without checks reports are counted all the same.
local function load_checks()
    local ok, start = pcall(require, 'tlsrpt/checks')

    if not ok then
        rspamd_logger.errx(rspamd_config, '%s: cannot check DNS: %s', N,
            tostring(start):match('^[^\n]*'))
    elseif redis_params and core then
        start({
            core = core,
            prefix = settings.prefix,
            redis_params = redis_params,
            registry = settings.registry,
            domains = named_domains(),
            every = settings.check_dns,
            probe_mx = settings.probe_mx,
            networks = settings.check_networks,
        })
    end
end

local function load_counters()
    local new = load_module('tlsrpt/counters')

    if new and redis_params then
        counters = new(redis_params, settings.prefix .. ':mail')
    end
end

-- What is wrong with them is told, and stops no report.
local function load_alerts(section)
    local ok, alert_options = pcall(require, 'tlsrpt/alert_options')
    local conf, reasons = nil, { tostring(alert_options) }

    if ok then
        conf, reasons = alert_options.parse(section, function(domain)
            return domains_known() and accepts(domain)
        end)
    end

    for _, reason in ipairs(reasons) do
        local log = conf and rspamd_logger.warnx or rspamd_logger.errx

        log(rspamd_config, '%s: %s%s', N, reason,
            conf and '' or '; no alerts are sent')
    end

    if not conf or not redis_params or not core then return end

    local loaded, alerts = pcall(require, 'tlsrpt/alerts')

    if not loaded then
        rspamd_logger.errx(rspamd_config, '%s: cannot load alerts: %s; no' ..
            ' alerts are sent', N, tostring(alerts):match('^[^\n]*'))
        return
    end

    alerts({
        conf = conf,
        core = core,
        prefix = settings.prefix,
        retention = settings.retention,
        redis_params = redis_params,
    })
end

-- The least task_timeout of options and workers.
local function least_task_timeout(section)
    local least = settings.task_timeout

    for name, value in pairs(section) do
        if name == 'task_timeout' then
            value = tonumber(value)
                or lua_util.parse_time_interval(tostring(value))
            if value and value > 0 then least = math.min(least, value) end
        elseif type(value) == 'table' then
            least = math.min(least, least_task_timeout(value))
        end
    end

    return least
end

-- Not by get_ucl(), which rspamd keeps: the whole configuration as Lua tables
-- is more for the collector to walk at each mail.
local function load_task_timeout()
    local general = rspamd_config:get_all_opt('options') or {}
    local value = general.task_timeout

    settings.task_timeout = tonumber(value)
        or value and lua_util.parse_time_interval(tostring(value)) or 8.0

    if settings.task_timeout <= 0 then settings.task_timeout = 8.0 end

    settings.task_timeout = least_task_timeout(
        rspamd_config:get_all_opt('worker') or {})
end

-- As long as rspamd asks for a name, at most.
local function load_lookup_time()
    local general = rspamd_config:get_all_opt('options') or {}
    local dns = general.dns or {}
    local timeout = tonumber(dns.timeout or general.dns_timeout) or 1.0
    local retransmits = tonumber(dns.retransmits
        or general.dns_retransmits) or 5

    settings.lookup_time = timeout * (retransmits + 1)
end

local function register_symbols()
    local priority = lua_util.symbols_priorities.top

    local id = rspamd_config:register_symbol({
        name = 'TLSRPT_CHECK',
        type = 'postfilter',
        callback = check_callback,
        priority = priority,
        flags = 'nostat,ignore_passthrough',
        group = N,
    })

    for _, kind in pairs(kinds) do
        rspamd_config:register_symbol({
            name = kind.symbol,
            type = 'virtual',
            parent = id,
            score = 0.0,
            group = N,
            description = kind.description,
        })
    end

    rspamd_config:register_symbol({
        name = 'TLSRPT_GUARD',
        type = 'postfilter',
        callback = guard_callback,
        priority = priority + 1,
        flags = 'nostat,ignore_passthrough',
        group = N,
    })
end

-- Without domains no mail is looked at; those of nginx can be checked all the
-- same.
local function takes_mail(opts)
    return opts.domains ~= nil or opts.registry
end

local function configure(opts)
    for _, reason in ipairs(unknown_options(opts)) do broken(reason) end

    core = load_module('tlsrpt_lua')
    dkim = load_module('tlsrpt/dkim')
    timer = load_module('tlsrpt/timer')
    close_due = load_module('tlsrpt/closing')

    if core then
        rspamd_logger.infox(rspamd_config, '%s: version %s', N, core.version)
    end

    parse_options(opts)
    load_redis(opts)

    if takes_mail(opts) then
        load_ask()
        load_store()
        load_counters()
    end

    if settings.registry then
        load_registry()
        load_ownership()
    end

    if (settings.check_dns or 0) > 0 then load_checks() end

    load_task_timeout()
    load_lookup_time()

    if opts.alerts ~= nil then load_alerts(opts.alerts) end

    if settings.action == 'discard' then
        rspamd_config:set_metric_action('discard',
            { flags = { 'no_threshold' } })
    end
end

local opts = rspamd_config:get_all_opt(N)

if not opts or not takes_mail(opts) and opts.check_dns == nil then
    for _, reason in ipairs(unknown_options(opts or {})) do
        rspamd_logger.errx(rspamd_config, '%s: %s', N, reason)
    end

    rspamd_logger.infox(rspamd_config, '%s: no domains are configured', N)
    lua_util.disable_module(N, 'config')
    return
end

-- First of all, so that whatever fails below fails reports, not silently.
if takes_mail(opts) then
    register_symbols()
    register_paths()
end

local ok, err = pcall(configure, opts)

if not ok then
    broken('internal error: ' .. tostring(err))
end
