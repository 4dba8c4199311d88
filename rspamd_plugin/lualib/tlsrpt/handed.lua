--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Mails that rspamadm tlsrpt hands to the controller, to be checked or
-- imported: the answer tells what becomes of the reports in them.

-- plugin: functions of tlsrpt.lua: find_reports, open_mail, attempt,
-- process_mail, finish, outcome, describe_report, store_entries, printable,
-- status(kind).  A handler each of "check" and "import", as webui of
-- rspamd_plugins wants them.
return function(plugin)
    local handed = {}

    function handed.fail(mail, reason)
        mail.connection:send_ucl({ failed = plugin.printable(reason, 512) })
    end

    function handed.finish(mail)
        local results = {}

        for i, result in ipairs(mail.results) do
            results[i] = {
                status = plugin.status(result.kind),
                text = result.text,
            }
        end

        mail.connection:send_ucl({ results = results })
    end

    local imported = {
        fail = handed.fail,
        finish = handed.finish,
        store = plugin.store_entries,
    }

    local checked = {
        fail = handed.fail,
        finish = handed.finish,
        store = function(mail, entries)
            for _, entry in ipairs(entries) do
                plugin.outcome(mail, 'report', plugin.describe_report(entry))
            end

            plugin.finish(mail)
        end,
    }

    local function take(task, connection, host, options)
        if not task:process_message() then
            connection:send_error(400, 'this is no mail')
            return
        end

        local found, nested = plugin.find_reports(task)

        if not found then
            connection:send_ucl({ results = {} })
            return
        end

        local mail = plugin.open_mail(task, host)

        mail.connection = connection

        for name, value in pairs(options) do mail[name] = value end

        plugin.attempt(mail, plugin.process_mail, mail, found, nested)
    end

    local function check(task, connection)
        take(task, connection, checked, { dry = true })
    end

    local function import(task, connection, args)
        local options = { past = true }

        if args.unsigned then
            options.trusted, options.require_dkim = true, false
        end

        take(task, connection, imported, options)
    end

    return {
        check = { handler = check, enable = true, need_task = true },
        import = { handler = import, enable = true, need_task = true },
    }
end
