--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Reads a report in a part of a mail.

local rspamd_logger = require "rspamd_logger"
local rspamd_util = require "rspamd_util"

local MAX_WARNINGS = 5          -- logged of one report

local reader = {}
reader.__index = reader

function reader:describe(err)
    local text = err.text

    if err.path ~= '' then text = err.path .. ': ' .. text end
    if err.detail ~= '' then text = text .. ': ' .. err.detail end

    if err.line > 0 then
        text = string.format('%s (line %d, column %d)', text, err.line,
            err.column)
    elseif err.offset > 0 then
        text = string.format('%s (byte %d)', text, err.offset)
    end

    return self.printable(text, 512)
end

-- For policies that name no domain: what the mail says, where that is signed.
-- A file name within a multipart is signed with the body.
function reader:hinted_domain(mail, entry)
    local task, signers = mail.task, self.signers

    if signers.covered(mail, 'TLS-Report-Domain') then
        return task:get_header('TLS-Report-Domain')
    end

    local domain = signers.covered(mail, 'Subject')
        and self.subject_domain(task)

    if domain then return domain end

    local name = entry.index > 1 and self.file_name(entry.part)

    return name and self.report_file_domain(name)
end

function reader:log_warnings(task, report)
    local warnings, beyond = report:warnings()

    for i = 1, math.min(#warnings, MAX_WARNINGS) do
        local warning = warnings[i]
        rspamd_logger.infox(task, 'tlsrpt: %s: %s (%s)',
            self.printable(warning.path), self.printable(warning.message, 512),
            warning.section)
    end

    beyond = beyond + #warnings - MAX_WARNINGS

    if beyond > 0 then
        rspamd_logger.infox(task, 'tlsrpt: %s more warnings', beyond)
    end
end

-- Did what was said to be a report perhaps turn out to be none?
local function is_none(entry, err)
    return entry.perhaps and (err.code == 'NOT_REPORT' or err.line == 0)
end

-- True: entry.report is it.  Else the kind of what it is, "fail" or "invalid",
-- and why; nil: there is none in it.
function reader:read(mail, entry)
    local text = entry.part:get_content()
    local report, err, size = self.core.parse(text:ptr(), #text, {
        max_size = mail.size_left,
        domain = mail.named,
        hint = self:hinted_domain(mail, entry) or nil,
    })

    mail.size_left = mail.size_left - size

    if report then
        entry.report = report
        report, err = report:check_range(math.floor(rspamd_util.get_time()),
            self.settings.retention)
    end

    if report then
        self:log_warnings(mail.task, entry.report)
        return true
    end

    if err.code == 'MEMORY' then return false, 'fail', err.text end
    if is_none(entry, err) then return false end

    return false, 'invalid', self:describe(err)
end

-- plugin: core, settings, signers; functions of tlsrpt.lua: printable,
-- file_name, subject_domain, report_file_domain.
return function(plugin)
    return setmetatable(plugin, reader)
end
