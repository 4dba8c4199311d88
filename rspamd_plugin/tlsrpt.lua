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

local lua_util = require "lua_util"
local rspamd_logger = require "rspamd_logger"
local rspamd_util = require "rspamd_util"

local N = 'tlsrpt'
local HEADER = 'X-TLS-Report'

local MAX_REPORTS = 16          -- in one mail
local MAX_PEEKS = 64            -- parts looked into, likewise
local MAX_TEXT = 128            -- bytes of a sender's string in an option
local WATCH_PERIOD = 0.2        -- seconds
local MARGIN = 1 / 8            -- of the task's time, left for the reply

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

local core, timer               -- ours; nil where they cannot be loaded
local signers                   -- of reports
local recipient_tokens          -- of the addresses of a mail
local may_discard               -- is it nothing but reports?
local close_due                 -- closes months
local ask                       -- asks Redis for a mail
local store_entry               -- stores what a report says of its domains
local registry                  -- knows domains enrolled at run time, or nil
local domains                   -- which ones are accepted
local reader                    -- reads reports; needs the core
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

-- A mail of ours that goes out.
local function is_outgoing(task)
    local ip = task:get_ip()

    return task:get_user() ~= nil or ip and ip:is_valid() and ip:is_local()
end

-- Which domains are accepted is not known now: may it be one of ours?
local function may_be_accepted(mail, name)
    if not is_outgoing(mail.task) then return true end

    outcome(mail, 'unknown_domain', printable(name))

    return false
end

local function domains_known()
    return domains ~= nil and domains:known()
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

    if domain and domains_known() and not domains:accepts(domain)
        and not (settings.registry and recipient_tokens
            and recipient_tokens(task)[1])
    then
        outcome(mail, 'unknown_domain', printable(domain))
        return false
    end

    return may_be_accepted(mail, domain or 'none named')
end

-- Reads the part of an entry; true if there is a report in it.
local function read_report(mail, entry)
    if not reader then return guess_report(mail, entry) end

    local is_report, kind, reason = reader:read(mail, entry)

    if kind == 'fail' then
        fail(mail, reason)
    elseif kind then
        outcome(mail, kind, reason)
    end

    return is_report
end

-- True if there may be something to store.
local function choose_domains(mail, entry)
    if not entry.report then return true end

    if not domains_known() then
        return may_be_accepted(mail,
            table.concat(entry.report:domains(), ', '))
    end

    local refused = domains:select(mail, entry)

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


-- Who signed: signers.lua

local function unsigned(mail, reporters)
    local refused = table.concat(mail.refused, ', ')

    outcome(mail, 'unsigned', printable(string.format('not signed by %s%s',
        #reporters > 0 and table.concat(reporters, ', ') or 'anyone',
        refused ~= '' and ': ' .. refused or ''), 256))
end

-- Of a mail that no valid signature is on: nothing of it is read.
local function refuse_unsigned(mail)
    local reporters = signers and signers:reporters(mail.task) or {}

    for _, signature in ipairs(mail.signatures) do
        mail.refused[#mail.refused + 1] = signature.domain .. ': '
            .. signature.answer
    end

    for _ = 1, #mail.entries do unsigned(mail, reporters) end
end

-- Sets entry.signer; true, or false and how it is with the report.
local function select_signer(mail, entry)
    local refused, lookup_failed = signers:select(mail, entry)

    if not refused or not mail.require_dkim then return true end

    for _, reason in ipairs(mail.refused) do refused[#refused + 1] = reason end

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
    local names, seen = {}, {}

    for _, entry in ipairs(entries) do
        for _, domain in ipairs(entry.report and entry.report:domains() or {})
        do
            if not seen[domain] then names[#names + 1] = domain end
            seen[domain] = true
        end
    end

    return names
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
    if mail.require_dkim and not signers.may_be_signed(mail) then
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

    if not signers then
        settle_unverified(mail)
        return
    end

    if not mail.trusted then signers:find(mail) end

    signers:verify(mail, function() signatures_known(mail) end)
end


-- Of a mail on its way: symbols, a header, and what becomes of it

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

    if settings.action == 'discard' and may_discard
        and may_discard(mail, is_tlsrpt_multipart)
    then
        task:set_pre_result({
            action = 'discard',
            message = 'TLS report stored',
            module = N,
            priority = 10,
        })
    end
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

local function broken(reason)
    rspamd_logger.errx(rspamd_config, '%s: %s; reports will be answered' ..
        ' with a temporary error', N, reason)
    settings.broken = settings.broken or reason
end

local function load_module(name)
    local ok, module = pcall(require, name)

    if ok then return module end

    broken(string.format('cannot load %s: %s', name,
        tostring(module):match('^[^\n]*'):gsub(':$', '')))

    return nil
end

local function load_signers()
    local new = load_module('tlsrpt/signers')

    if new then
        signers = new({
            core = core,
            normalize = normalize,
            printable = printable,
            awaiting = awaiting,
            watch_lookups = watch_lookups,
        })
    end
end

local function load_options(opts)
    local options = load_module('tlsrpt/options')

    if not options then return end

    local plugin = { core = core, printable = printable }

    for _, reason in ipairs(options.unknown(opts, plugin)) do
        broken(reason)
    end

    for _, reason in ipairs(options.read(opts, settings, plugin)) do
        broken(reason)
    end
end

local function load_redis(opts)
    local find = load_module('tlsrpt/redis_servers')
    local reason

    if not find then return end

    redis_params, reason = find(opts)

    if reason then broken(reason) end
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
            taken_by = function(...) return domains:taken_by(...) end,
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

local function load_domains()
    local new = load_module('tlsrpt/domains')

    if new then domains = new({ settings = settings, registry = registry }) end
end

local function load_reader()
    local new = load_module('tlsrpt/read')

    if new and core and signers then
        reader = new({
            core = core,
            settings = settings,
            signers = signers,
            printable = printable,
            file_name = file_name,
            subject_domain = subject_domain,
            report_file_domain = report_file_domain,
        })
    end
end

local function load_counters()
    local new = load_module('tlsrpt/counters')

    if new and redis_params then
        counters = new(redis_params, settings.prefix .. ':mail')
    end
end

local function load_times()
    local times = load_module('tlsrpt/task_times')

    if times then
        settings.task_timeout = times.task_timeout()
        settings.lookup_time = times.lookup_time()
    end
end

local function load_beside(alerts)
    local start = load_module('tlsrpt/beside')

    if not start then return end

    start({
        core = core,
        settings = settings,
        redis_params = redis_params,
        is_ours = function(domain)
            return domains_known() and domains:accepts(domain)
        end,
    }, alerts)
end

-- A path each below /plugins/tlsrpt/, for who may change things.
local function register_paths()
    local handlers = load_module('tlsrpt/handed')

    if not handlers then return end

    rspamd_plugins[N] = {
        webui = handlers({
            find_reports = find_reports,
            open_mail = open_mail,
            attempt = attempt,
            process_mail = process_mail,
            finish = finish,
            outcome = outcome,
            describe_report = describe_report,
            store_entries = store_entries,
            printable = printable,
            status = function(kind) return kinds[kind].status end,
        }),
    }
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
    core = load_module('tlsrpt_lua')
    timer = load_module('tlsrpt/timer')
    close_due = load_module('tlsrpt/closing')
    recipient_tokens = load_module('tlsrpt/report_address')
    may_discard = load_module('tlsrpt/discard')
    load_signers()

    if core then
        rspamd_logger.infox(rspamd_config, '%s: version %s', N, core.version)
    end

    load_options(opts)
    load_redis(opts)

    if takes_mail(opts) then
        load_ask()
        load_store()
        load_counters()
    end

    if settings.registry then load_registry() end

    load_domains()
    load_reader()

    load_times()
    load_beside(opts.alerts)

    if settings.action == 'discard' then
        rspamd_config:set_metric_action('discard',
            { flags = { 'no_threshold' } })
    end
end

-- Of a section with which nothing is done.
local function tell_unknown(opts)
    local loaded, options = pcall(require, 'tlsrpt/options')
    local reasons = loaded
        and options.unknown(opts, { printable = printable }) or {}

    for _, reason in ipairs(reasons) do
        rspamd_logger.errx(rspamd_config, '%s: %s', N, reason)
    end
end

local opts = rspamd_config:get_all_opt(N)

if not opts or not takes_mail(opts) and opts.check_dns == nil then
    tell_unknown(opts or {})
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
