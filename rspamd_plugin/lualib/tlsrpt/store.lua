--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Stores a report: what it says of each of its domains, one after the other,
-- then the index of domains.
--
-- What goes wrong fails the mail, so that it comes again; what had been stored
-- by then is a duplicate.  But for the list of domains whose problems are to be
-- worked out: what is not written there comes with the next report.

local rspamd_logger = require "rspamd_logger"
local rspamd_util = require "rspamd_util"

-- What the script answers: tlsrpt_ingest.h
local DUPLICATE, FIRST, DUE, NEW, LOOK = 0, 2, 3, 4, 16

local store = {}
store.__index = store


-- command, args: as the core makes them, which may lack memory.
function store:run(mail, done, command, args)
    local function failed(reason) self.fail(mail, reason) end

    if command then
        self.ask(mail, command, args, done, failed)
    else
        failed(args.text)
    end
end


-- Problems

-- Goes on, whatever becomes of the command.
function store:attempt(mail, done, command, args)
    local function failed(reason)
        rspamd_logger.infox(mail.task, 'tlsrpt: problems: %s', reason)
        done()
    end

    if command then
        self.ask(mail, command, args, done, failed)
    else
        failed(args.text)
    end
end

function store:make_due(mail, domain, delay, done)
    self:attempt(mail, done, self.core.due_add(self.settings.prefix, domain,
        delay))
end

-- What an import counts is of the past: no news.
function store:mark_late(mail, domain, answer, done)
    if mail.past and answer ~= DUPLICATE then
        self:attempt(mail, done, self.core.due_late(self.settings.prefix,
            domain))
    else
        done()
    end
end

-- Failures are announced before they are counted, so that nobody who ends in
-- between leaves them to be found tomorrow.  A domain that a .NAME takes may
-- turn out not to be stored.
function store:announce(mail, entry, domain, below, done)
    if not below and entry.report:has_failures(domain) then
        self:make_due(mail, domain, self.core.DUE_SOON, done)
    else
        done()
    end
end

-- How soon a look is due for what was counted; nil: as it was.
function store:look_in(entry, domain, below, answer, look)
    if look or below and answer ~= DUPLICATE
        and entry.report:has_failures(domain)
    then
        return self.core.DUE_SOON
    end

    return (answer == FIRST or answer == DUE) and self.core.DUE_LATER or nil
end


-- The index

-- Puts off the end of the index, where it must be.
function store:keep_index(mail, added, done)
    local now = rspamd_util.get_ticks()

    if not self.core.index_keep_due(tonumber(added) or 0,
        now - self.index_kept)
    then
        done()
        return
    end

    self:run(mail, function()
        self.index_kept = now
        done()
    end, self.core.index_keep(self.settings.prefix, self.settings.retention))
end

-- Puts the entry's domains into the index, if it may lack one.
function store:list_domains(mail, entry, done)
    if not entry.unlisted then
        done()
        return
    end

    self:run(mail, function(added)
        self:keep_index(mail, added, done)
    end, self.core.index_add(self.settings.prefix, entry.domains))
end


-- A domain

-- Counts a domain that only a .NAME takes and that has no data, and goes on if
-- it may be stored.
function store:count_new(mail, entry, below, done)
    local core, prefix = self.core, self.settings.prefix
    local now = math.floor(rspamd_util.get_time())

    entry.new = (entry.new or 0) + 1

    self:run(mail, function(answer)
        local seen = tonumber(answer) or 0

        if not core.newcomer_may(seen, entry.new) then
            self.fail(mail, 'too many new domains below ' .. below)
        elseif core.newcomer_keep_due(seen) then
            self:run(mail, done, core.newcomer_keep(prefix, now))
        else
            done()
        end
    end, core.newcomer_count(prefix, below, now))
end

-- By this host's clock: it says when a report came, and whether its days are
-- past; hosts need not agree on either.
function store:ingest_command(entry, domain, ask_new)
    local text = entry.part:get_content()

    return entry.report:ingest(domain, {
        prefix = self.settings.prefix,
        now = math.floor(rspamd_util.get_time()),
        retention_days = self.settings.retention,
        report_days = self.settings.retention_reports,
        signer = entry.signer and entry.signer.domain,
        original_ptr = text:ptr(),
        original_len = #text,
        ask_new = ask_new,
    })
end

-- Of one that was stored, or had been before.
function store:note(mail, entry, domain, answer)
    if answer == DUE then
        mail.due = mail.due or {}
        mail.due[#mail.due + 1] = domain
    end

    entry.stored = entry.stored or answer ~= DUPLICATE
    entry.unlisted = entry.unlisted or self.core.index_add_due(answer)
end

function store:ingested(mail, entry, domain, below, reply, done)
    local look = reply >= LOOK
    local answer = look and reply - LOOK or reply

    if answer < DUPLICATE or answer > DUE then
        self.fail(mail, 'Redis: unexpected answer of the script')
        return
    end

    self:note(mail, entry, domain, answer)
    self:mark_late(mail, domain, answer, function()
        local delay = self:look_in(entry, domain, below, answer, look)

        if delay then
            self:make_due(mail, domain, delay, done)
        else
            done()
        end
    end)
end

-- below: the .NAME that alone takes the domain; ask_new: whether the script
-- leaves one without data alone.
function store:ingest(mail, entry, domain, below, ask_new, done)
    local function answered(reply)
        reply = tonumber(reply) or -1

        if reply == NEW and ask_new then
            self:count_new(mail, entry, below, function()
                self:ingest(mail, entry, domain, below, false, done)
            end)
        else
            self:ingested(mail, entry, domain, below, reply, done)
        end
    end

    self:run(mail, answered, self:ingest_command(entry, domain, ask_new))
end

function store:store_domain(mail, entry, domain, done)
    local below = self.taken_by(mail, domain)

    self:announce(mail, entry, domain, below, function()
        self:ingest(mail, entry, domain, below, below ~= nil, done)
    end)
end

-- The entry's domains, then the index.
function store:store_entry(mail, entry, done)
    local index = 0

    local function next_domain()
        index = index + 1

        if index > #entry.domains then
            self:list_domains(mail, entry, done)
        else
            self:store_domain(mail, entry, entry.domains[index], next_domain)
        end
    end

    next_domain()
end

-- plugin: core, settings; ask (mail_redis.lua); and functions of tlsrpt.lua:
-- taken_by, fail.  store_entry(mail, entry, done).
return function(plugin)
    plugin.index_kept = -1e9            -- when the index was: long ago

    local self = setmetatable(plugin, store)

    return function(...) self:store_entry(...) end
end
