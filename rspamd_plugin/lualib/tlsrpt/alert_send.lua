--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- A delivery becomes what tlsrpt_send takes; what came back becomes a verdict.

local message = require "tlsrpt/alert_message"
local rspamd_util = require "rspamd_util"
local send = require "tlsrpt_send"

local exports = {}

local TIMEOUT = 30              -- seconds, for one attempt
local MAX_IN_FLIGHT = 48

-- libcurl's codes where a server of SMTP said no to the mail itself:
-- CURLE_WEIRD_SERVER_REPLY, CURLE_SEND_ERROR, CURLE_RECV_ERROR.  Others are of
-- the connection, its certificate, the password.
local refusals = { [8] = true, [55] = true, [56] = true }

-- name: an address, or "TOKEN:ADDRESS" of a contact.
local function mail_request(delivery, name, conf, time)
    local token, address = name:match('^(%w+):(.+)$')
    local mail = conf.mail
    local host = mail.host or 'localhost'

    address = address or name

    if host:find(':', 1, true) then host = '[' .. host .. ']' end

    return {
        url = string.format('smtp://%s:%d/%s', host, mail.port or 25,
            rspamd_util.get_hostname()),
        socket = mail.socket,
        mail_from = mail.from,
        rcpt = address,
        user = mail.user,
        password = mail.password,
        tls = mail.tls,
        body = message.mail(delivery, address, conf, time, token),
    }
end

local function webhook_request(delivery, name, conf, time)
    local hook = conf.webhooks[name]
    local body, headers = message.webhook(delivery, hook, conf, time)

    return { url = hook.url, body = body, headers = headers }
end

-- Begins to send; true, or nil and why not.  id: what its result has; time:
-- seconds.
function exports.submit(id, recipient, delivery, conf, time)
    local kind, name = recipient:match('^(%a+):(.+)$')
    local make = kind == 'webhook' and webhook_request or mail_request
    local request = make(delivery, name, conf, time)

    request.id = id
    request.timeout = TIMEOUT

    return send.submit(request)
end

function exports.has_room()
    return send.count() < MAX_IN_FLIGHT
end

exports.result = send.result
exports.count = send.count


local function answer_line(result)
    return result.answer:gsub('%c+', ' '):gsub('[\128-\255]', '?')
        :match('^%s*(.-)%s*$'):sub(1, 160)
end

local function mail_verdict(result)
    local answer = answer_line(result)

    if not result.error then return 'sent', answer end

    -- what the server said is more than what libcurl makes of it
    local said = result.status >= 400 and answer ~= '' and answer
        or result.error

    if result.status >= 500 and refusals[result.code] then
        return 'refused', said
    end

    return 'failed', said
end

local function webhook_verdict(result)
    if result.error then return 'failed', result.error end

    local said = string.format('HTTP %d %s', result.status,
        answer_line(result)):gsub(' +$', '')

    if result.status >= 200 and result.status < 300 then return 'sent', said end
    if result.status == 410 then return 'gone', said end

    return 'failed', said
end

-- "sent"; "failed": again later; "refused": not this one again; "gone": nothing
-- more to it.  And what the other side said.
function exports.verdict(recipient, result)
    if recipient:find('^webhook:') then return webhook_verdict(result) end

    return mail_verdict(result)
end

return exports
