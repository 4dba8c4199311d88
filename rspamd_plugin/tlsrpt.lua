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
--                           settings.broken: each report fails

if confighelp then
    rspamd_config:add_example(nil, 'tlsrpt',
        "Counts mailed TLS reports (RFC 8460) in Redis",
        [[
tlsrpt {
  # Policy domains whose reports are counted: a list, a file or an URL;
  # .example.net takes its subdomains too
  domains = ["example.com", ".example.net"];
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
  # Takes stored reports out of the mail flow
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
local MAX_SIGNATURES = 8        -- looked at in one mail
local MAX_WARNINGS = 5          -- logged of one report
local MAX_TEXT = 128            -- bytes of a sender's string in an option
local WATCH_PERIOD = 0.2        -- seconds
local MARGIN = 1 / 8            -- of the task's time, left for the reply

local symbols = {
    report = 'TLSRPT_REPORT',
    duplicate = 'TLSRPT_DUPLICATE',
    invalid = 'TLSRPT_INVALID',
    unsigned = 'TLSRPT_UNSIGNED',
    unknown_domain = 'TLSRPT_UNKNOWN_DOMAIN',
    fail = 'TLSRPT_FAIL',
}

local descriptions = {
    report = 'A TLS report was stored',
    duplicate = 'A TLS report that had been stored before',
    invalid = 'A TLS report that cannot be read',
    unsigned = 'A TLS report without a valid signature of its reporter',
    unknown_domain = 'A TLS report of domains that are not accepted here',
    fail = 'A TLS report could not be stored now',
}

local settings = {
    prefix = 'tlsrpt',
    domains = nil,
    require_dkim = true,
    max_report_size = 10 * 1024 * 1024,
    retention = 400,            -- days
    retention_reports = 30,
    action = nil,
    task_timeout = 8.0,
    broken = nil,               -- why no report can be stored
}

local core
local redis_params
local open_mails = {}


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
    task:insert_result(symbols.fail, 1.0, printable(reason))
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
    send_back(mail.task, reason)
end

-- Calls fn; an error of it fails the mail.
local function attempt(mail, fn, ...)
    local ok, err = pcall(fn, ...)

    if not ok then
        fail(mail, 'internal error: ' .. tostring(err))
    end
end

-- As a callback that may come late, or after the task is gone.
local function guarded(mail, fn)
    return function(...)
        if not mail.settled then
            attempt(mail, fn, ...)
        end
    end
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

local function open_mail(task)
    local mail = {
        task = task,
        entries = {},           -- { part, perhaps, report, domains, ... }
        refused = {},           -- why signatures do not count
        all_stored = true,
        headers = {},
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
            fail(mail, 'no answer in time')
        end
    end

    return true
end

local function outcome(mail, kind, text)
    if kind ~= 'report' and kind ~= 'duplicate' then
        mail.all_stored = false
    end

    rspamd_logger.infox(mail.task, '%s: %s: %s', N, symbols[kind], text)
    mail.task:insert_result(symbols[kind], 1.0, text)
end

local function finish(mail)
    local task = mail.task

    close_mail(mail)

    if #mail.headers > 0 then
        task:set_milter_reply({ add_headers = { [HEADER] = mail.headers } })
    end

    if settings.action == 'discard' and mail.all_stored then
        task:set_pre_result({
            action = 'discard',
            message = 'TLS report stored',
            module = N,
            priority = 10,
        })
    end
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

local function subject_domain(task)
    local subject = task:get_header('Subject')

    return subject and subject:lower():match(
        '^%s*report%s+domain:%s*(%S+)%s+submitter:.*%sreport%-id:')
end

-- What the bytes are: gzip, JSON or zip?
local function looks_like_report(part)
    local head = tostring(part:get_content():sub(1, 64))

    return head:find('^\31\139') or head:find('^PK\3\4')
        or head:find('^\239\187\191%s*{') or head:find('^%s*{')
end

local function is_tlsrpt_multipart(part, subtype)
    if subtype ~= 'report' then return false end

    local _, _, params = part:get_type_full()
    local report_type = params and params['report-type']

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

-- Sorts the parts; nil where nothing speaks of a report.
local function sort_parts(task)
    local reports, containers, others = {}, {}, {}
    local declared = false

    for _, part in ipairs(task:get_parts() or {}) do
        local type, subtype = part:get_type()

        if type == 'multipart' then
            declared = declared or is_tlsrpt_multipart(part, subtype)
        elseif type == 'application' and report_subtypes[subtype] then
            reports[#reports + 1] = part
        elseif type and container_types[type .. '/' .. subtype] then
            containers[#containers + 1] = part
        elseif type ~= 'message' then
            others[#others + 1] = part
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
        headers = headers,
    }
end

-- The containers that hold a report by their name, by the mail's headers, or
-- (and then only perhaps) by its Subject, which DMARC reports have too.
local function sort_containers(task, parts, found)
    local hinted = parts.declared or parts.headers
    local subject

    for _, part in ipairs(parts.containers) do
        local name = file_name(part)

        if name and report_file_domain(name) then
            found[#found + 1] = { part = part }
        elseif hinted then
            if looks_like_report(part) then
                found[#found + 1] = { part = part }
            end
        elseif not (name and (name:find('%.xml') or name:find('%.zip$'))) then
            subject = subject or subject_domain(task) or ''

            if subject ~= '' and looks_like_report(part) then
                found[#found + 1] = { part = part, perhaps = true }
            end
        end
    end
end

-- The parts to read, as entries; nil: an ordinary mail.
local function find_reports(task)
    local parts = sort_parts(task)

    if not parts then return nil end

    local found = {}

    for _, part in ipairs(parts.reports) do
        found[#found + 1] = { part = part }
    end

    sort_containers(task, parts, found)

    if #found == 0 and (parts.declared or parts.headers) then
        for _, part in ipairs(parts.others) do
            if looks_like_report(part) then
                found[#found + 1] = { part = part }
            end
        end
    end

    if #found == 0 and not parts.declared then return nil end

    return found
end


-- Reading

-- For policies that name no domain.
local function hinted_domain(task, part)
    local name = file_name(part)

    return task:get_header('TLS-Report-Domain') or subject_domain(task)
        or name and report_file_domain(name)
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

local function accepts(domain)
    if settings.domains:has(domain) or settings.domains:has('.' .. domain) then
        return true
    end

    local parent = domain:match('%.(.+)$')

    while parent do
        if settings.domains:has('.' .. parent) then return true end
        parent = parent:match('%.(.+)$')
    end

    return false
end

-- Keeps the accepted domains in entry.domains.
local function select_domains(mail, entry)
    local refused = {}

    entry.domains = {}

    for _, domain in ipairs(entry.report:domains()) do
        local list = accepts(domain) and entry.domains or refused
        list[#list + 1] = domain
    end

    if #entry.domains == 0 then
        outcome(mail, 'unknown_domain', printable(table.concat(refused, ', ')))
        return false
    end

    if #refused > 0 then
        rspamd_logger.infox(mail.task, '%s: policy domains not accepted' ..
            ' here: %s', N, printable(table.concat(refused, ', '), 512))
    end

    return true
end

-- Reads the part of an entry; true if there is something to store.
local function read_report(mail, entry)
    local task = mail.task

    if is_nested(entry.part) then
        if not entry.perhaps then
            outcome(mail, 'invalid', 'within a forwarded message')
        end
        return false
    end

    local text = entry.part:get_content()
    local report, err = core.parse(text:ptr(), #text, {
        max_size = settings.max_report_size,
        domain = hinted_domain(task, entry.part),
    })

    if report then
        entry.report = report
        report, err = report:check_range(math.floor(rspamd_util.get_time()),
            settings.retention)
    end

    if not report then
        if err.code == 'MEMORY' then
            fail(mail, err.text)
        elseif not (entry.perhaps and err.code == 'NOT_REPORT') then
            outcome(mail, 'invalid', describe_error(err))
        end
        return false
    end

    log_warnings(task, entry.report)

    return select_domains(mail, entry)
end


-- Who signed (RFC 8460 3, RFC 6376)

local function aligned(domain, other)
    return domain == other
        or rspamd_util.get_tld(domain) == rspamd_util.get_tld(other)
end

local function aligned_with_all(domain, others)
    for _, other in ipairs(others) do
        if not aligned(domain, other) then return false end
    end

    return #others > 0
end

local function contact_domains(report)
    local domains = {}

    for name in (report:contact_info() or ''):gmatch('@([^%s@<>,;"()?]+)') do
        domains[#domains + 1] = core.normalize(name) or ''
    end

    return domains
end

local function submitter_domains(task)
    local domains = {}

    for _, header in ipairs(task:get_header_full('TLS-Report-Submitter') or {})
    do
        domains[#domains + 1] = core.normalize(header.decoded or '') or ''
    end

    return domains
end

-- A From added above the signed one must not count, so it has to be the only
-- one.
local function from_domains(task)
    local domains = {}

    if task:get_header_count('From') ~= 1 then return domains end

    for _, from in ipairs(task:get_from('mime') or {}) do
        domains[#domains + 1] = core.normalize(from.domain or '') or ''
    end

    return domains
end

-- A signer has to be aligned with each of them.
local function reporter_domains(task, report)
    local domains = contact_domains(report)

    if #domains == 0 then domains = submitter_domains(task) end
    if #domains == 0 then domains = from_domains(task) end

    return domains
end

-- The tags of a signature (RFC 6376 3.2).
local function signature_tags(value)
    local tags = {}

    for tag in value:gmatch('[^;]+') do
        local name, text = tag:match('^%s*([^%s=]+)%s*=%s*(.-)%s*$')

        if name then tags[name] = text end
    end

    return tags
end

-- The signatures that could speak for a report.
local function useful_signatures(mail, pending)
    local useful = {}

    for _, header in ipairs(mail.task:get_header_full('DKIM-Signature') or {})
    do
        local tags = signature_tags(header.decoded)
        local domain = core.normalize(tags.d or '') or ''
        local speaks = false

        for _, entry in ipairs(pending) do
            speaks = speaks or aligned_with_all(domain, entry.reporters)
        end

        if not speaks then
            mail.refused[#mail.refused + 1] = 'signed by ' .. domain
        elseif tags.l then
            mail.refused[#mail.refused + 1] = domain .. ' signed with l='
        elseif #useful < MAX_SIGNATURES then
            useful[#useful + 1] = { domain = domain, text = header.decoded }
        end
    end

    return useful
end

local function is_lookup_failure(err, fail_reason)
    return fail_reason == 'DNS error when getting key' or err == 'tempfail'
end

-- Verifies each, then calls done.
local function verify_signatures(mail, signatures, done)
    local verify = rspamd_plugins.dkim and rspamd_plugins.dkim.verify
    local waiting = #signatures

    if not verify then
        fail(mail, "require_dkim needs rspamd's dkim module, which is off")
        return
    end

    local function answered()
        waiting = waiting - 1
        if waiting == 0 then done() end
    end

    for _, signature in ipairs(signatures) do
        local function verified(_, ok, err, domain, selector, _, fail_reason)
            signature.answer = err and err:match('^dns request.*')
                or fail_reason or err or 'invalid'
            signature.valid = ok
            signature.selector = selector
            signature.lookup_failed = not ok
                and is_lookup_failure(err, fail_reason)
            signature.domain = core.normalize(domain or '') or ''
            answered()
        end

        local started, err = verify(mail.task, signature.text,
            guarded(mail, verified), 'dkim')

        if not started then
            signature.answer = err or 'invalid'
            answered()
        end
    end

    if #signatures == 0 then done() end
end

-- Sets entry.signer; true, or false and how it is with the report.
local function select_signer(mail, entry, signatures)
    local lookup_failed

    for _, signature in ipairs(signatures) do
        if aligned_with_all(signature.domain, entry.reporters) then
            if signature.valid then
                entry.signer = signature
                return true
            end

            lookup_failed = lookup_failed or signature.lookup_failed
            mail.refused[#mail.refused + 1] = string.format('%s: %s',
                signature.domain, signature.answer)
        end
    end

    if lookup_failed then
        fail(mail, 'DKIM key look-up failed: '
            .. table.concat(mail.refused, ', '))
    else
        local reporters = table.concat(entry.reporters, ', ')
        local refused = table.concat(mail.refused, ', ')

        outcome(mail, 'unsigned', printable(string.format(
            'not signed by %s%s', reporters ~= '' and reporters or 'anyone',
            refused ~= '' and ': ' .. refused or ''), 256))
    end

    return false
end

-- RFC 8460 3: the key's service types; of no help if the look-up fails.
local function service_excludes_report(records)
    for _, record in ipairs(records or {}) do
        local tags = signature_tags(record)

        if tags.p and tags.s then
            for service in tags.s:gmatch('[^:%s]+') do
                if service == '*' or service == 'tlsrpt' then return false end
            end

            return true
        end
    end

    return false
end

-- Looks at the signer's key once more, for its s=, then calls done.
local function check_service(mail, signer, done)
    local name = signer.selector .. '._domainkey.' .. signer.domain

    local function resolved(_, _, records)
        signer.note = service_excludes_report(records)
            and "key's s= excludes tlsrpt" or nil
        done()
    end

    local started = mail.task:get_resolver():resolve_txt({
        task = mail.task,
        name = name,
        callback = guarded(mail, resolved),
        forced = true,
    })

    if not started then done() end
end


-- Storing

local function redis_request(mail, command, args, done)
    local left = time_left(mail)

    if left <= 0 then
        fail(mail, 'no time left for Redis')
        return
    end

    local function answered(err, data)
        if err then
            fail(mail, 'Redis: ' .. tostring(err))
        else
            done(data)
        end
    end

    local started = lua_redis.redis_make_request(mail.task, redis_params, nil,
        true, guarded(mail, answered), command, args,
        { timeout = math.min(redis_params.timeout, left) })

    if not started then
        fail(mail, 'cannot connect to Redis')
    end
end

local function ingest_arguments(entry, domain)
    local text = entry.part:get_content()

    return entry.report:ingest(domain, {
        prefix = settings.prefix,
        now = math.floor(rspamd_util.get_time()),
        retention_days = settings.retention,
        report_days = settings.retention_reports,
        signer = entry.signer and entry.signer.domain,
        original_ptr = text:ptr(),
        original_len = #text,
    })
end

-- The domain's index first: what is counted can be found.
local function store_domain(mail, entry, domain, done)
    local args, err = ingest_arguments(entry, domain)

    if not args then
        fail(mail, err.text)
        return
    end

    local function ingested(answer)
        answer = tonumber(answer)

        if answer ~= 0 and answer ~= 1 and answer ~= 2 then
            fail(mail, 'Redis: unexpected answer of the script')
            return
        end

        entry.stored = entry.stored or answer ~= 0
        done()
    end

    local index = settings.prefix .. ':domains'
    local kept = tostring((settings.retention + 1) * 86400)

    redis_request(mail, 'ZADD', { index, '0', domain }, function()
        redis_request(mail, 'EXPIRE', { index, kept }, function()
            redis_request(mail, 'EVAL', args, ingested)
        end)
    end)
end

local function entry_stored(mail, entry)
    local report = entry.report
    local kind = entry.stored and 'report' or 'duplicate'
    local text = printable(string.format('%s %s %s', report:day(),
        table.concat(entry.domains, ','),
        report:organization_name() or '-'), 256)

    mail.headers[#mail.headers + 1] = {
        value = header_text((entry.stored and 'stored ' or 'duplicate ')
            .. text),
        order = 1,
    }

    if entry.signer then
        text = text .. ' d=' .. entry.signer.domain
        if entry.signer.note then text = text .. ' ' .. entry.signer.note end
    end

    outcome(mail, kind, text)
end

-- One after the other: the domains of the entries, then the mail is finished.
local function store_entries(mail, entries)
    local index, domain_index = 1, 0

    local function next_domain()
        local entry = entries[index]

        domain_index = domain_index + 1

        if entry and domain_index > #entry.domains then
            entry_stored(mail, entry)
            index, domain_index = index + 1, 1
            entry = entries[index]
        end

        if not entry then
            finish(mail)
            return
        end

        store_domain(mail, entry, entry.domains[domain_index], next_domain)
    end

    next_domain()
end

local function store_signed(mail, pending, signatures)
    local signed, signers = {}, {}

    for _, entry in ipairs(pending) do
        if select_signer(mail, entry, signatures) then
            signed[#signed + 1] = entry
            if not signers[entry.signer] then
                signers[entry.signer] = true
                signers[#signers + 1] = entry.signer
            end
        elseif mail.settled then
            return
        end
    end

    local index = 0

    local function next_signer()
        index = index + 1

        if signers[index] then
            check_service(mail, signers[index], next_signer)
        else
            store_entries(mail, signed)
        end
    end

    next_signer()
end

-- The entries with something to store; nil where that failed the mail.
local function read_reports(mail, found)
    local pending = {}

    if #found == 0 then
        outcome(mail, 'invalid', 'no report in it')
    elseif #found > MAX_REPORTS then
        outcome(mail, 'invalid', 'more than ' .. MAX_REPORTS .. ' reports')
        found = {}
    end

    mail.entries = found

    for _, entry in ipairs(found) do
        if read_report(mail, entry) then
            pending[#pending + 1] = entry
        elseif mail.settled then
            return nil
        end
    end

    return pending
end

local function process_mail(mail, found)
    if settings.broken then
        fail(mail, settings.broken)
        return
    end

    if settings.domains:is_empty() then
        fail(mail, 'the map of domains is empty, or not loaded')
        return
    end

    local pending = read_reports(mail, found)

    if not pending then return end

    if not settings.require_dkim or #pending == 0 then
        store_entries(mail, pending)
        return
    end

    for _, entry in ipairs(pending) do
        entry.reporters = reporter_domains(mail.task, entry.report)
    end

    local signatures = useful_signatures(mail, pending)

    verify_signatures(mail, signatures, function()
        store_signed(mail, pending, signatures)
    end)
end

-- Comes after greylisting and force_actions: a mail that is sent back will
-- come again, or is none of ours.
local refusing_actions = {
    ['reject'] = true,
    ['soft reject'] = true,
    ['discard'] = true,
    ['quarantine'] = true,
}

local function check(task)
    -- What a sender wrote there is not ours.
    if task:has_header(HEADER) then
        task:set_milter_reply({ remove_headers = { [HEADER] = 0 } })
    end

    local found = find_reports(task)

    if not found then return end

    local action = task:get_metric_action()

    if refusing_actions[action] then
        rspamd_logger.infox(task, '%s: report not counted: the action is %s',
            N, action)
        return
    end

    local mail = open_mail(task)

    attempt(mail, process_mail, mail, found)
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
        fail(mail, 'an answer was never given')
    end
end


-- Configuration

local options = {
    prefix = true, domains = true, require_dkim = true, max_report_size = true,
    retention = true, retention_reports = true, action = true, enabled = true,
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

local parsers = {
    prefix = parse_prefix,
    domains = parse_domains,
    require_dkim = parse_boolean,
    max_report_size = parse_size,
    retention = parse_retention,
    retention_reports = parse_retention_reports,
    action = parse_action,
}

local function broken(reason)
    rspamd_logger.errx(rspamd_config, '%s: %s; reports will be answered' ..
        ' with a temporary error', N, reason)
    settings.broken = settings.broken or reason
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
        elseif not options[name] and not redis_options[name] then
            broken(string.format('unknown option "%s"', printable(name)))
        end
    end
end

local function load_core()
    local ok, module = pcall(require, 'tlsrpt_lua')

    if ok then
        core = module
        rspamd_logger.infox(rspamd_config, '%s: version %s', N, core.version)
    else
        broken('cannot load the C module: '
            .. tostring(module):match('^[^\n]*'):gsub(':$', ''))
    end
end

-- Servers of our own that cannot be used must not fall back to others.
local function find_redis(opts)
    local own = opts.redis or opts

    if own.servers or own.server or own.read_servers or own.write_servers then
        return lua_redis.try_load_redis_servers(own, rspamd_config, false, N)
    end

    return lua_redis.parse_redis_server(N)
end

-- Read through: Sentinel replaces the servers in it.  Our keys hold no
-- patterns to expand.
local function load_redis(opts)
    local ok, params = pcall(find_redis, opts)

    if not ok or not params or not params.write_servers then
        broken('no usable Redis server is configured')
        return
    end

    redis_params = setmetatable({
        expand_keys = false,
        timeout = tonumber(params.timeout) or 1.0,
    }, { __index = params })
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

    for kind, name in pairs(symbols) do
        rspamd_config:register_symbol({
            name = name,
            type = 'virtual',
            parent = id,
            score = 0.0,
            group = N,
            description = descriptions[kind],
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

local function configure(opts)
    load_core()
    parse_options(opts)
    load_redis(opts)
    load_task_timeout()

    if settings.action == 'discard' then
        rspamd_config:set_metric_action('discard',
            { flags = { 'no_threshold' } })
    end
end

local opts = rspamd_config:get_all_opt(N)

if not opts or opts.domains == nil then
    rspamd_logger.infox(rspamd_config, '%s: no domains are configured', N)
    lua_util.disable_module(N, 'config')
    return
end

-- First of all, so that whatever fails below fails reports, not silently.
register_symbols()

rspamd_config:add_on_load(function(_, ev_base, _)
    rspamd_config:add_periodic(ev_base, WATCH_PERIOD, watch, false)
end)

local ok, err = pcall(configure, opts)

if not ok then
    broken('internal error: ' .. tostring(err))
end
