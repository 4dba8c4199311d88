--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- rspamadm tlsrpt check FILE
-- rspamadm tlsrpt import DIR|MBOX [--unsigned]
-- rspamadm tlsrpt memory [DOMAIN]
-- rspamadm tlsrpt test-alert NAME
-- rspamadm tlsrpt look DOMAIN
--
-- Mails are handed to the controller of the running rspamd, which judges
-- them as it does those that come in: rspamadm itself can verify no DKIM
-- signature.  The controller asks for its enable_password, unless one comes by
-- a unix socket or from its secure_ip; no mail can get there by SMTP.

local argparse = require "argparse"
local lua_tcp_sync = require "lua_tcp_sync"
local rspamd_util = require "rspamd_util"
local ucl = require "ucl"

local MAX_MAIL = 50 * 1024 * 1024       -- bytes
local MAX_FAILED = 10                   -- one after the other: gives up
local MAX_REASONS = 50                  -- told at the end
local TIMEOUT = 60                      -- seconds, for the answer on a mail
local MAX_ALERT = 90                    -- seconds, for that on an alert
local PROGRESS = 0.2                    -- seconds

local parser = argparse()
    :name "rspamadm tlsrpt"
    :description "TLS reports (RFC 8460) that came by mail"
    :require_command(true)
    :command_target "command"

parser:option "-c --config"
    :description "The configuration of the running rspamd"
    :argname "<cfg>"
    :default(rspamd_paths["CONFDIR"] .. "/rspamd.conf")
parser:option "-P --password-file"
    :description "A file with the controller's enable_password, if it asks"
    :argname "<file>"

parser:command "check"
    :description "Tells what would be counted of a mail, or why not"
    :argument "mail"
        :description "A file with one mail"
        :argname "<file>"

local import = parser:command "import"
    :description("Counts the reports in a mailbox; those that were counted"
        .. " before are not counted again")
import:argument "mailbox"
    :description "A Maildir, a folder of .eml files, or an mbox"
    :argname "<dir|mbox>"
import:flag "--unsigned"
    :description("Counts reports without a look at signatures, whose keys may"
        .. " be gone")

parser:command "memory"
    :description("Tells what it takes in Redis, by kind and month; goes through"
        .. " all keys of Redis, a few at a time")
    :argument "domain"
        :description "Of one domain alone"
        :argname "<domain>"
        :args "?"

parser:command "test-alert"
    :description "Sends a test by one section of alerts, and tells the answer"
    :argument "name"
        :description '"mail", or the name of a webhook'
        :argname "<name>"

parser:command "look"
    :description("Looks at the DNS, the policy host and the mail servers of a"
        .. " domain, which need not be configured")
    :argument "domain"
        :description "A domain"
        :argname "<domain>"

local function fail(...)
    io.stderr:write('rspamadm tlsrpt: ', string.format(...), '\n')
    os.exit(1)
end


-- The controller

local function load_config(path)
    local ok, err = rspamd_config:load_ucl(path)

    if not ok then fail('cannot parse %s: %s', path, err) end

    ok, err = rspamd_config:parse_rcl({ 'logging', 'worker' })

    if not ok then fail('cannot process %s: %s', path, err) end
end

-- bind_socket of each controller in the section.
local function find_sockets(section, sockets)
    for name, value in pairs(section) do
        if name == 'controller' and type(value) == 'table' then
            local bound = value.bind_socket or value[1] or 'localhost:11334'

            if type(bound) ~= 'table' then bound = { bound } end

            for _, text in ipairs(bound) do
                if type(text) == 'table' then text = text.bind_socket end
                sockets[#sockets + 1] = text
            end
        elseif type(value) == 'table' then
            find_sockets(value, sockets)
        end
    end

    return sockets
end

local here = {
    ['*'] = '127.0.0.1', ['*v4'] = '127.0.0.1', ['0.0.0.0'] = '127.0.0.1',
    ['localhost'] = '127.0.0.1', ['*v6'] = '::1', ['::'] = '::1',
}

-- Of a bind_socket; nil where it cannot be told.
local function parse_address(text)
    text = text:match('^%s*(%S*)')

    if text:find('^/') then return { host = text, port = 0, name = text } end
    if text:find('^systemd:') then return nil end

    local host, port = text:match('^%[(.+)%]:?(%d*)$')

    if not host then host, port = text:match('^([^:]+):?(%d*)$') end
    if not host then host, port = text, '' end

    return {
        host = here[host] or host,
        port = tonumber(port) or 11334,
        name = text,
    }
end

local function find_controller(path)
    load_config(path)

    local sockets = find_sockets(rspamd_config:get_all_opt('worker') or {}, {})

    for _, text in ipairs(sockets) do
        local address = parse_address(text)

        if address then return address end
    end

    fail('%s has no worker "controller", which is needed', path)
end

local function read_password(path)
    if not path then return nil end

    local file, err = io.open(path)

    if not file then fail('%s', err) end

    local password = file:read('*l') or ''

    file:close()

    return password:gsub('%c', '')
end

local function request(controller, action, mail)
    local password = controller.password

    return table.concat({
        'POST /plugins/tlsrpt/' .. action .. ' HTTP/1.1\r\n',
        'Host: localhost\r\n',
        'Connection: close\r\n',
        password and 'Password: ' .. password .. '\r\n' or '',
        'Content-Length: ' .. #mail .. '\r\n\r\n',
        mail,
    })
end

-- The status and the body of the answer; nil and why there is none.
local function exchange(controller, text)
    local ok, connection = lua_tcp_sync.connect({
        config = rspamd_config,
        ev_base = rspamadm_ev_base,
        session = rspamadm_session,
        host = controller.host,
        port = controller.port,
        timeout = TIMEOUT,
    })

    if not ok then return nil, connection end

    local err, head, body

    ok, err = connection:write(text)
    if ok then ok, head = connection:read_until('\r\n\r\n') end

    if ok then
        local length = head:lower():match('\r\ncontent%-length:%s*(%d+)')

        ok, body = connection:read_bytes(tonumber(length) or 0)
    end

    connection:close()

    if not ok then return nil, body or head or err end

    return tonumber(head:match('^HTTP/%d%.%d (%d+)')), body
end

local statuses = {
    [401] = 'it asks for its enable_password: --password-file',
    [403] = 'it asks for its enable_password: --password-file',
    [404] = 'it does not know of TLS reports: is the plugin configured, and'
        .. ' rspamd restarted since?',
}

-- What became of a mail: { results = { { status, text }, ... } }, or
-- { failed = reason }.
local function ask(controller, action, mail)
    if #mail == 0 then return { results = {} } end

    local status, body = exchange(controller, request(controller, action,
        mail))

    if not status then
        fail('no answer of the controller at %s: %s: is rspamd running?',
            controller.name, body)
    end

    if statuses[status] then
        fail('the controller at %s: %s', controller.name, statuses[status])
    end

    local json = ucl.parser()
    local ok = json:parse_string(body)
    local answer = ok and json:get_object()

    if type(answer) ~= 'table' then answer = {} end

    if status ~= 200 or not answer.results and not answer.failed then
        return { failed = answer.error or 'HTTP status ' .. status }
    end

    return answer
end


-- Mails: functions that give a name and a text at each call, and how far they
-- are, until there is none left

local function read_file(path)
    local file, err = io.open(path, 'rb')

    if not file then return nil, err end

    local text
    text, err = file:read(MAX_MAIL + 1)
    file:close()

    if err then return nil, path .. ': ' .. err end

    return text or ''
end

-- Of glob().
local function quote(path)
    return (path:gsub('[%[%]*?\\]', '\\%0'))
end

local function file_type(path)
    local err, stat = rspamd_util.stat(path)

    return not err and stat.type or nil, err
end

local function list_files(dir)
    local files = {}

    if file_type(dir .. '/cur') == 'directory' then
        for _, sub in ipairs({ '/new/*', '/cur/*' }) do
            for _, path in ipairs(rspamd_util.glob(quote(dir) .. sub)) do
                files[#files + 1] = path
            end
        end
    else
        files = rspamd_util.glob(quote(dir) .. '/*.eml')
    end

    table.sort(files)

    return files
end

local function files_of(dir)
    local files = list_files(dir)
    local i = 0

    if #files == 0 then
        fail('%s: neither a Maildir nor a folder with .eml files', dir)
    end

    return function()
        i = i + 1

        if not files[i] then return nil end

        local text, err = read_file(files[i])

        return files[i]:sub(#dir + 2), text, err, i .. ' of ' .. #files
    end
end

local function open_mbox(path)
    local file, err = io.open(path, 'rb')

    if not file then fail('%s', err) end

    local size = file:seek('end')

    file:seek('set')

    local first = file:read('*l')

    if not first or not first:find('^From ') then
        fail('%s: not an mbox: it does not begin with "From "', path)
    end

    return file, size
end

-- The lines up to the next mail, and whether there is one (RFC 4155: it begins
-- with "From " after an empty line; ">From " was "From ").  Of a mail that is
-- too long, some more than may be.
local function read_lines(file)
    local lines, length, blank = {}, 0, false

    for line in file:lines() do
        if blank and line:find('^From ') then
            -- the empty line before it is none of the mail
            lines[#lines] = ''
            return lines, true
        end

        blank = line == '' or line == '\r'
        length = length + #line + 1

        if length <= 2 * MAX_MAIL then
            lines[#lines + 1] = line:gsub('^>(>*From )', '%1')
        end
    end

    lines[#lines + 1] = ''

    return lines, false
end

local function mails_of(path)
    local file, size = open_mbox(path)
    local n, more = 0, true

    return function()
        local lines

        if not more then return nil end

        n = n + 1
        lines, more = read_lines(file)

        return 'mail ' .. n, table.concat(lines, '\n'), nil,
            string.format('%d%%', 100 * file:seek() / size)
    end
end

local function mails(path)
    local kind, err = file_type(path)

    if not kind then fail('%s: %s', path, err) end

    path = path:gsub('(.)/+$', '%1')

    return kind == 'directory' and files_of(path) or mails_of(path)
end


-- What is told

local function count(n, singular, plural)
    return string.format('%d %s', n, n == 1 and singular or plural)
end

local function progress(sum, far)
    local now = rspamd_util.get_ticks()

    if not sum.terminal or now - sum.shown < PROGRESS then return end

    sum.shown = now
    io.stderr:write(string.format('\r%s: %s, %d counted\27[K', far,
        count(sum.mails, 'mail', 'mails'), sum.stored))
    io.stderr:flush()
end

-- How often each reason was, and where first.
local function add_reason(sum, reason, name)
    local seen = sum.reasons[reason]

    if not seen then
        seen = { reason = reason, n = 0, name = name }
        sum.reasons[reason] = seen
        sum.reasons[#sum.reasons + 1] = seen
    end

    seen.n = seen.n + 1
end

local function add_answer(sum, answer, name)
    sum.mails = sum.mails + 1

    if answer.failed then
        sum.failed = sum.failed + 1
        sum.in_a_row = sum.in_a_row + 1
        add_reason(sum, 'failed: ' .. answer.failed, name)
        return
    end

    sum.in_a_row = 0

    if #answer.results == 0 then sum.none = sum.none + 1 end

    for _, result in ipairs(answer.results) do
        if result.status == 'stored' or result.status == 'duplicate' then
            sum[result.status] = sum[result.status] + 1
        else
            sum.refused = sum.refused + 1
            add_reason(sum, result.status .. ': ' .. result.text, name)
        end
    end
end

local function print_reasons(reasons)
    local left = 0

    table.sort(reasons, function(a, b)
        if a.n ~= b.n then return a.n > b.n end
        return a.reason < b.reason
    end)

    for i, seen in ipairs(reasons) do
        if i <= MAX_REASONS then
            print(string.format('%7d  %s (%s%s)', seen.n, seen.reason,
                seen.n > 1 and 'first: ' or '', seen.name))
        else
            left = left + seen.n
        end
    end

    if left > 0 then print(string.format('%7d  others', left)) end
end

local function print_sum(sum)
    if sum.terminal then io.stderr:write('\r\27[K') end

    print(string.format('%s: %s counted, %d counted before, %d refused, %s' ..
        ' without a report', count(sum.mails, 'mail', 'mails'),
        count(sum.stored, 'report', 'reports'), sum.duplicate, sum.refused,
        count(sum.none, 'mail', 'mails')))

    if sum.failed > 0 then
        print(string.format('%s could not be judged or stored now:' ..
            ' run it again, what was counted is not counted twice',
            count(sum.failed, 'mail', 'mails')))
    end

    print_reasons(sum.reasons)
end


-- The commands

local commands = {}

function commands.check(args, controller)
    local text, err = read_file(args.mail)

    if not text then fail('%s', err) end

    local answer = ask(controller, 'check', text)
    local counted = false

    if answer.failed then fail('cannot be judged now: %s', answer.failed) end

    if #answer.results == 0 then print('no report in it') end

    for _, result in ipairs(answer.results) do
        if result.status == 'stored' then
            counted = true
            print('would be counted, if it was not before: ' .. result.text)
        else
            print(string.format('would not be counted: %s: %s', result.status,
                result.text))
        end
    end

    if not counted then os.exit(1) end
end

function commands.import(args, controller)
    local action = args.unsigned and 'import?unsigned=1' or 'import'
    local sum = {
        mails = 0, none = 0, stored = 0, duplicate = 0, refused = 0,
        failed = 0, in_a_row = 0, reasons = {}, shown = 0,
        terminal = rspamd_util.isatty(),
    }

    for name, text, err, far in mails(args.mailbox) do
        local answer

        if not text then
            answer = { failed = err }
        elseif #text > MAX_MAIL then
            answer = { results = { { status = 'invalid',
                text = 'a mail of more than 50 MB' } } }
        else
            answer = ask(controller, action, text)
        end

        add_answer(sum, answer, name)
        progress(sum, far)

        if sum.in_a_row >= MAX_FAILED then break end
    end

    print_sum(sum)

    if sum.failed > 0 then os.exit(1) end
end

-- By rspamadm itself, whether or not rspamd runs.
local function load_alerts(path)
    load_config(path)

    local section = (rspamd_config:get_all_opt('tlsrpt') or {}).alerts

    if section == nil then fail('%s has no section alerts', path) end

    local conf, reasons = require("tlsrpt/alert_options").parse(section,
        function() return false end)

    if not conf then fail('%s', table.concat(reasons, '\n')) end

    return conf
end

local function alert_recipients(conf, name)
    local recipients = {}

    if conf.webhooks[name] then return { 'webhook:' .. name } end

    if name ~= 'mail' or not conf.mail then
        fail('alerts has no section mail, and no webhook, called "%s"', name)
    end

    for i, address in ipairs(conf.mail.to) do
        recipients[i] = 'mail:' .. address
    end

    if #recipients == 0 then fail('alerts.mail names nobody in "to"') end

    return recipients
end

local outcomes = {
    sent = 'sent',
    failed = 'not sent',
    refused = 'refused, as an alert it would not be tried again',
    gone = 'gone, no more alerts would be sent there',
}

-- What became of the test, and what was said.
local function send_test(conf, recipient)
    local alert_send = require "tlsrpt/alert_send"
    local delivery = {
        id = 'test-' .. rspamd_util.random_hex(16),
        type = 'test',
        title = 'this is a test, nothing is wrong',
        domain = 'test',
        count = 1,
    }
    local started, reason = alert_send.submit(recipient, recipient, delivery,
        conf, math.floor(rspamd_util.get_time()))

    if not started then return 'failed', reason end

    local result = alert_send.result(MAX_ALERT)

    if not result then return 'failed', 'no answer in time' end

    return alert_send.verdict(recipient, result)
end

commands['test-alert'] = function(args)
    local conf = load_alerts(args.config)
    local all_sent = true

    for _, recipient in ipairs(alert_recipients(conf, args.name)) do
        local verdict, said = send_test(conf, recipient)

        all_sent = all_sent and verdict == 'sent'
        print(string.format('%s: %s: %s', recipient, outcomes[verdict], said))
    end

    if not all_sent then os.exit(1) end
end

function commands.memory(args)
    load_config(args.config)
    require "tlsrpt/memory" (args.domain, fail)
end

function commands.look(args)
    load_config(args.config)
    require "tlsrpt/look_command" (args.domain,
        rspamd_config:get_all_opt('tlsrpt') or {},
        { ev_base = rspamadm_ev_base, session = rspamadm_session }, fail)
end

-- For those that hand mails to it.
local function of_controller(command)
    return function(args)
        local controller = find_controller(args.config)

        controller.password = read_password(args.password_file)
        command(args, controller)
    end
end

commands.check = of_controller(commands.check)
commands.import = of_controller(commands.import)

local function handler(argv)
    local args = parser:parse(argv)

    commands[args.command](args)
end

return {
    name = 'tlsrpt',
    description = parser._description,
    handler = handler,
}
