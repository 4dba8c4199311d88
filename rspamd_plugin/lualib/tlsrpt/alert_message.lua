--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- What a delivery says: as text, as HTML, and in the shapes of webhooks.
--
-- Its parts: subject; lead, the sentence a reader sees first; facts, a list of
-- { name, text }; steps, of { text, command }; list, lines; link.  Words of
-- senders are in title and facts: no shape may take markup, a mention or a
-- link from them.

local rspamd_hash = require "rspamd_cryptobox_hash"
local rspamd_util = require "rspamd_util"
local ucl = require "ucl"

local exports = {}

local MAX_TITLE = 200           -- bytes
local MAX_FACT = 400
local MAX_NAMES = 3             -- senders named
local MAX_SLACK = 2900          -- bytes of a block; 3000 characters may be
local MAX_DISCORD = 2000        -- characters, of its content

local headings = {
    ['problem-opened'] = 'New problem',
    ['problem-worsened'] = 'Worse',
    ['problem-resolved'] = 'Resolved',
    ['problem-lapsed'] = 'Not heard of again',
    ['problem-withdrawn'] = 'Withdrawn',
    ['delivery-failed'] = 'Alert not delivered',
    ['sender-new'] = 'New sender',
    ['sender-gone'] = 'Sender gone',
}


-- Parts

-- Not within a character.
local function cut(text, max)
    if #text <= max then return text end

    return text:sub(1, max):gsub('[\192-\255][\128-\191]*$', '') .. '...'
end

-- One line, without controls, bounded.
local function clean(text, max)
    local line = tostring(text):gsub('%c+', ' ')
        :gsub('\194[\128-\159]', ' ')       -- controls of ISO 8859
        :gsub('\226\128[\139-\143\168-\174]', '')   -- marks, directions
        :gsub('\226\129[\160-\175]', '')

    return cut(line, max)
end

local function number(value)
    local text = string.format('%d', tonumber(value) or 0)

    return (text:reverse():gsub('(%d%d%d)', '%1,'):reverse():gsub('^,', ''))
end

local function plural(n, one, many)
    return number(n) .. ' ' .. (tonumber(n) == 1 and one or many)
end

local function parse(raw)
    local parser = ucl.parser()
    local item = raw and parser:parse_string(raw) and parser:get_object() or {}
    local problem = type(item.problem) == 'table' and item.problem or {}

    return item.event or {}, problem
end

local function texts(list)
    local found = {}

    for _, item in ipairs(type(list) == 'table' and list or {}) do
        if type(item) == 'string' then found[#found + 1] = item end
    end

    return found
end

local function since(problem)
    local text = problem['first-day']

    if type(text) ~= 'string' then return nil end

    if problem.ongoing == true then return text .. ', still going on' end

    local last = problem['last-day']

    if problem.ongoing == false and type(last) == 'string' then
        return string.format('%s, seen last on %s', text, last)
    end

    return text .. ', nobody has reported since'
end

local function who(problem)
    local names = texts(problem['organization-names'])
    local shown = {}

    for i = 1, math.min(#names, MAX_NAMES) do
        shown[i] = clean(names[i], 60)
    end

    if #names > MAX_NAMES then
        shown[#shown + 1] = (#names - MAX_NAMES) .. ' more'
    end

    return #shown > 0 and table.concat(shown, ', ') or nil
end

local function how_much(problem)
    local n = tonumber(problem['failed-session-count'])
    local share = tonumber(problem.share)

    if not n then return nil end

    local text = plural(n, 'failed session', 'failed sessions')

    if share and share > 0 and share <= 1 then
        local percent = share * 100

        text = text .. string.format(percent < 1 and ' (%.1f %% of all)'
            or ' (%.0f %% of all)', percent)
    end

    return text
end

local function add_fact(parts, name, text)
    if type(text) == 'string' and text ~= '' then
        parts.facts[#parts.facts + 1] = { name = name,
            text = clean(text, MAX_FACT) }
    end
end

local function add_steps(parts, problem)
    local step = type(problem.steps) == 'table' and problem.steps[1]

    if type(step) ~= 'table' or type(step.text) ~= 'string' then return end

    parts.step = clean(step.text, MAX_FACT)
    parts.command = type(step.command) == 'string'
        and clean(step.command, MAX_FACT) or nil
end

local function new_parts(delivery, conf, link)
    return {
        title = clean(delivery.title, MAX_TITLE),
        facts = {},
        list = {},
        link = conf.dashboard and conf.dashboard .. (link or '') or nil,
    }
end

local function domain_link(domain)
    return '#/domains/' .. domain:gsub('[^%w._-]', '')
end

local function event_parts(delivery, conf)
    local _, problem = parse(delivery.raw)
    local parts = new_parts(delivery, conf, domain_link(delivery.domain))
    local heading = headings[delivery.type] or 'Note'
    local about = delivery.domain
    local ended = delivery.type == 'problem-resolved'
        or delivery.type == 'problem-withdrawn'

    if delivery.count > 1 then
        about = string.format('%s and %s', about,
            plural(delivery.count - 1, 'other domain', 'other domains'))

        for _, one in ipairs(delivery.domains) do
            parts.list[#parts.list + 1] = one.domain
        end

        parts.list_name = plural(delivery.count, 'domain', 'domains')
        parts.more = delivery.count - #delivery.domains
        parts.link = conf.dashboard
    end

    parts.heading = heading
    parts.about = about
    parts.subject = string.format('%s: %s: %s', heading, about, parts.title)

    add_fact(parts, 'Since', since(problem))
    add_fact(parts, 'Who', who(problem))
    add_fact(parts, 'How much', how_much(problem))
    add_fact(parts, 'Mail lost', problem['lost-mail'])

    if not ended then add_steps(parts, problem) end

    return parts
end

local function digest_parts(delivery, conf)
    local parts = new_parts(delivery, conf)

    parts.heading = 'TLS reports'
    parts.about = plural(delivery.count, 'event', 'events')
    parts.title = delivery.title
    parts.subject = string.format('TLS reports, %s: %s', delivery.title,
        parts.about)
    parts.list_name = 'What happened'

    for i, entry in ipairs(delivery.entries) do
        parts.list[i] = clean(string.format('%s  %s: %s: %s',
            tostring(entry.time):sub(1, 10), entry.domain,
            headings[entry.type] or entry.type, entry.title), MAX_FACT)
    end

    parts.more = delivery.count - #delivery.entries

    return parts
end

local function waiting_parts(delivery, conf)
    local parts = new_parts(delivery, conf)

    parts.heading = 'Many alerts'
    parts.about = plural(delivery.count, 'more waits', 'more wait')
    parts.title = '20 were sent within an hour; the others follow, 20 an hour'
    parts.subject = string.format('%s: %s', parts.heading, parts.about)

    return parts
end

local function test_parts(delivery, conf)
    local parts = new_parts(delivery, conf)

    parts.heading = 'Test'
    parts.about = 'alerts of TLS reports'
    parts.subject = 'Test: ' .. parts.title
    add_fact(parts, 'What to do', 'Nothing: somebody wanted to see whether'
        .. ' alerts arrive.')

    return parts
end

-- Of a contact, for its page: it confirms there, and takes that back.
local function contact_link(conf, token)
    return conf.dashboard .. 'contacts/' .. token
end

local function contact_parts(delivery, conf)
    local parts = new_parts(delivery, conf)

    parts.heading = 'Please confirm'
    parts.about = 'alerts about ' .. delivery.domain
    parts.subject = parts.heading .. ': ' .. parts.about
    parts.link = contact_link(conf, delivery.token)
    add_fact(parts, 'Why', 'Who looks after ' .. delivery.domain .. ' wants'
        .. ' alerts about its mail to go to this address.')
    add_fact(parts, 'What to do', 'Confirm it at the address below.  If you'
        .. ' do nothing, nothing more is sent to you.')

    return parts
end

local makers = {
    digest = digest_parts, waiting = waiting_parts, test = test_parts,
    ['contact-asked'] = contact_parts,
}

-- The parts of a delivery.
function exports.parts(delivery, conf)
    return (makers[delivery.type] or event_parts)(delivery, conf)
end


-- Mail: text and HTML

function exports.text(parts)
    local lines = { parts.heading .. ': ' .. parts.about, '', parts.title, '' }

    local function add(...) lines[#lines + 1] = string.format(...) end

    for _, fact in ipairs(parts.facts) do
        add('%s: %s', fact.name, fact.text)
    end

    if parts.step then
        add('')
        add('First step: %s', parts.step)
        if parts.command then add('    %s', parts.command) end
    end

    if #parts.list > 0 then
        add('')
        add('%s:', parts.list_name)
        for _, line in ipairs(parts.list) do add('  %s', line) end
        if parts.more > 0 then add('  and %s more', number(parts.more)) end
    end

    if parts.link then
        add('')
        add('%s', parts.link)
    end

    return table.concat(lines, '\n') .. '\n'
end

local entities = {
    ['&'] = '&amp;', ['<'] = '&lt;', ['>'] = '&gt;', ['"'] = '&quot;',
    ["'"] = '&#39;',
}

local function escape(text)
    return (tostring(text):gsub('[&<>"\']', entities))
end

local function html_facts(parts)
    local rows = {}

    for i, fact in ipairs(parts.facts) do
        rows[i] = string.format('<p style="margin:4px 0"><b>%s:</b> %s</p>',
            escape(fact.name), escape(fact.text))
    end

    return table.concat(rows, '\n')
end

local function html_step(parts)
    if not parts.step then return '' end

    local command = parts.command and string.format('\n<pre style="'
        .. 'white-space:pre-wrap;overflow-wrap:anywhere;background:#f2f2f2;'
        .. 'padding:8px">'
        .. '%s</pre>', escape(parts.command)) or ''

    return string.format('<p style="margin:12px 0 4px"><b>First step:</b>'
        .. ' %s</p>%s', escape(parts.step), command)
end

local function html_list(parts)
    if #parts.list == 0 then return '' end

    local rows = {}

    for i, line in ipairs(parts.list) do
        rows[i] = '<li>' .. escape(line) .. '</li>'
    end

    if parts.more > 0 then
        rows[#rows + 1] = '<li>and ' .. number(parts.more) .. ' more</li>'
    end

    return string.format('<p style="margin:12px 0 4px"><b>%s</b></p>\n'
        .. '<ul style="margin:0;padding-left:20px">\n%s\n</ul>',
        escape(parts.list_name), table.concat(rows, '\n'))
end

-- One column, no pictures, nothing fetched: it is as wide as a phone.
function exports.html(parts)
    local link = parts.link and string.format('<p style="margin:16px 0 0">'
        .. '<a href="%s">Open the dashboard</a></p>', escape(parts.link)) or ''

    return table.concat({
        '<!DOCTYPE html>',
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        '<title>' .. escape(parts.subject) .. '</title></head>',
        '<body style="font:16px/1.4 sans-serif;max-width:36em;margin:0 auto;'
            .. 'padding:12px;overflow-wrap:anywhere">',
        string.format('<p style="margin:0;color:#555">%s: %s</p>',
            escape(parts.heading), escape(parts.about)),
        '<h1 style="font-size:20px;margin:4px 0 12px">' .. escape(parts.title)
            .. '</h1>',
        html_facts(parts),
        html_step(parts),
        html_list(parts),
        link,
        '</body></html>',
    }, '\n') .. '\n'
end


-- Webhooks

local function json(object)
    return (tostring(ucl.to_format(object, 'json-compact')))
end

-- The event and its problem as they came, so that nothing is lost of them.
local function event_json(delivery)
    local body = '{"schema-version":1,' .. delivery.raw:match('^%s*{(.*)$')

    if delivery.count > 1 then
        body = string.format('%s,"domains":%s,"domain-count":%d}',
            body:match('^(.*)}%s*$'), json(delivery.domains), delivery.count)
    end

    return body
end

-- Standard Webhooks 1.0: what is signed is "id.timestamp.body".
local function signature(secret, id, timestamp, body)
    local mac = rspamd_hash.create_specific_keyed(secret, 'sha256')

    mac:update(string.format('%s.%s.%s', id, timestamp, body))

    return 'v1,' .. tostring(rspamd_util.encode_base64(mac:bin()))
end

local shapes = {}

function shapes.json(delivery)
    if delivery.raw then return event_json(delivery) end

    local body = { ['schema-version'] = 1, type = delivery.type }

    body.title = delivery.title
    body.count = delivery.count
    body.events = delivery.entries

    return json(body)
end

-- Slack (Block Kit): what is plain_text is shown as it is, and what stands in
-- "text", for notifications, is escaped.
local function slack_escape(text)
    return (text:gsub('[&<>]', entities))
end

local function slack_text(text)
    return { type = 'section', text = { type = 'plain_text', emoji = false,
        text = text } }
end

function shapes.slack(_, parts)
    local text = exports.text({
        heading = parts.heading, about = parts.about, title = parts.title,
        facts = parts.facts, list = parts.list, list_name = parts.list_name,
        more = parts.more, step = parts.step, command = parts.command,
    })
    local head = clean(parts.heading .. ': ' .. parts.about, MAX_TITLE)
    local blocks = { slack_text(head),
        slack_text(cut(text:match('\n\n(.*)$'), MAX_SLACK)) }

    if parts.link then
        blocks[3] = { type = 'section', text = { type = 'mrkdwn',
            verbatim = true,
            text = '<' .. slack_escape(parts.link)
                .. '|Open the dashboard>' } }
    end

    return json({
        text = slack_escape(parts.heading .. ': ' .. parts.about),
        blocks = blocks,
        unfurl_links = false,
        unfurl_media = false,
    })
end

-- Teams (Workflows): an Adaptive Card.  A TextRun knows no markup, where a
-- TextBlock takes links and more from its text.
local function teams_text(text, bold)
    return { type = 'RichTextBlock', inlines = { { type = 'TextRun',
        text = text, weight = bold and 'Bolder' or 'Default' } } }
end

local function teams_fact(name, text)
    return { type = 'RichTextBlock', spacing = 'Small', inlines = {
        { type = 'TextRun', text = name .. ': ', weight = 'Bolder' },
        { type = 'TextRun', text = text },
    } }
end

function shapes.teams(_, parts)
    local body = { teams_text(parts.heading .. ': ' .. parts.about, true),
        teams_text(parts.title) }

    for _, fact in ipairs(parts.facts) do
        body[#body + 1] = teams_fact(fact.name, fact.text)
    end

    if parts.step then
        body[#body + 1] = teams_fact('First step', parts.step)
    end

    for i, line in ipairs(parts.list) do
        if i > 20 then break end
        body[#body + 1] = teams_text(line)
    end

    local card = {
        ['$schema'] = 'http://adaptivecards.io/schemas/adaptive-card.json',
        type = 'AdaptiveCard',
        version = '1.4',
        body = body,
    }

    if parts.link then
        card.actions = { { type = 'Action.OpenUrl',
            title = 'Open the dashboard', url = parts.link } }
    end

    return json({ type = 'message', attachments = { {
        contentType = 'application/vnd.microsoft.card.adaptive',
        content = card,
    } } })
end

-- Discord: no mention is parsed, markup is escaped, and an address is broken
-- up, which Discord would make a link of.
local function discord_escape(text)
    return (text:gsub('[\\*_~`|<>#%[%]()@:-]', '\\%0')
        :gsub('\\:(/+)', '\\:\226\128\139%1'))
end

local function discord_text(parts)
    local lines = { '**' .. discord_escape(parts.heading .. ': ' .. parts.about)
        .. '**', discord_escape(parts.title) }

    for _, fact in ipairs(parts.facts) do
        lines[#lines + 1] = string.format('%s: %s', fact.name,
            discord_escape(fact.text))
    end

    if parts.step then
        lines[#lines + 1] = 'First step: ' .. discord_escape(parts.step)
    end

    for i, line in ipairs(parts.list) do
        if i > 20 then break end
        lines[#lines + 1] = discord_escape(line)
    end

    return table.concat(lines, '\n')
end

function shapes.discord(_, parts)
    local link = parts.link and '\n<' .. parts.link .. '>' or ''
    local text = discord_text(parts)
    local room = MAX_DISCORD - #link - 4

    return json({
        content = cut(text, room):gsub('\\+$', '') .. link,
        allowed_mentions = { parse = {} },
        flags = 4,
    })
end

-- Body and headers of a POST to a webhook.  timestamp: seconds, of this
-- attempt.
function exports.webhook(delivery, hook, conf, timestamp)
    local body = shapes[hook.format](delivery, exports.parts(delivery, conf))
    local headers = { 'Content-Type: application/json', 'Expect:',
        'User-Agent: tlsrpt' }

    if hook.format == 'json' then
        local time = string.format('%d', timestamp)

        headers[#headers + 1] = 'webhook-id: ' .. delivery.id
        headers[#headers + 1] = 'webhook-timestamp: ' .. time

        if hook.secret then
            headers[#headers + 1] = 'webhook-signature: '
                .. signature(hook.secret, delivery.id, time, body)
        end
    end

    return body, headers
end


-- The mail

-- A header's text in words that need no more than US-ASCII (RFC 2047), folded.
local function header_text(text)
    if text:find('[\128-\255]') then
        text = rspamd_util.mime_header_encode(text)
    end

    local line, lines = '', {}

    for word in text:gmatch('%S+') do
        if line ~= '' and #line + #word > 60 then
            lines[#lines + 1] = line
            line = word
        else
            line = line == '' and word or line .. ' ' .. word
        end
    end

    lines[#lines + 1] = line

    return table.concat(lines, '\r\n ')
end

local function body_part(type, text)
    local lines = text:gsub('\n', '\r\n')

    return table.concat({
        'Content-Type: ' .. type .. '; charset=utf-8',
        'Content-Transfer-Encoding: quoted-printable',
        '',
        tostring(rspamd_util.encode_qp(lines, 76, 'crlf')),
    }, '\r\n')
end

local days = { 'Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat' }
local months = { 'Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep',
    'Oct', 'Nov', 'Dec' }

-- RFC 5322 3.3, whatever the locale.
local function date(time)
    local t = os.date('!*t', time)

    return string.format('%s, %02d %s %d %02d:%02d:%02d +0000', days[t.wday],
        t.day, months[t.month], t.year, t.hour, t.min, t.sec)
end

-- How a contact takes back what it confirmed (RFC 2369 3.2, RFC 8058 3.1).
local function unsubscribe_headers(conf, token)
    if not token then return '' end

    local headers = '\r\nList-Unsubscribe: <' .. contact_link(conf, token)
        .. '>'

    if conf.dashboard:find('^https:') then
        headers = headers
            .. '\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click'
    end

    return headers
end

-- The whole mail to one address.  time: seconds; token: of a contact, or nil.
function exports.mail(delivery, to, conf, time, token)
    local parts = exports.parts(delivery, conf)
    local from = conf.mail.from
    local id = delivery.id:gsub('[^%w_.-]', '_')
    local boundary = 'tlsrpt-' .. rspamd_hash.create(delivery.id):hex()
        :sub(1, 24)

    return table.concat({
        'From: TLS reports <' .. from .. '>',
        'To: <' .. to .. '>',
        'Subject: ' .. header_text(clean(parts.subject, 300)),
        'Date: ' .. date(time),
        'Message-ID: <' .. id .. '.tlsrpt@' .. from:match('@(.+)$') .. '>',
        'Auto-Submitted: auto-generated' .. unsubscribe_headers(conf, token),
        -- RFC 8689 5: it tells that TLS fails, so it goes without, if it must
        'TLS-Required: No',
        'MIME-Version: 1.0',
        'Content-Type: multipart/alternative; boundary="' .. boundary .. '"',
        '',
        '--' .. boundary,
        body_part('text/plain', exports.text(parts)),
        '--' .. boundary,
        body_part('text/html', exports.html(parts)),
        '--' .. boundary .. '--',
        '',
    }, '\r\n')
end

return exports
