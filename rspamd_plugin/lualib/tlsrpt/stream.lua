--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- A connection to an address, plain at first, with TLS by a probe of the core
-- (tlsrpt_tls_probe.h) later: rspamd's own TLS tells too little, and rspamd 3.4
-- crashes where it fails.
--
-- To be used in coroutines (await.lua).  Nothing else may be awaited while one
-- is open: rspamd ends a connection of which nobody wants anything.  The other
-- side is a stranger: time and bytes are bounded, each line, too.
--
-- What fails gives nil and why: "refused" (no connection), "timeout" (no
-- connection in time), "slow", "closed", "large", or "tls" with the reason.

local await = require "tlsrpt/await".await
local rspamd_tcp = require "rspamd_tcp"
local rspamd_util = require "rspamd_util"

local WAIT = 10.0               -- seconds: for the next bytes
local MAX_BYTES = 262144        -- of a connection
local MAX_LINE = 2048           -- RFC 5321 4.5.3.1.5: 512

local stream = {}
stream.__index = stream

local function now() return rspamd_util.get_ticks() end

-- Why an operation failed, by what rspamd says of it.
function stream:reason(err)
    local late = tostring(err):find('timeout', 1, true)

    if not self.connected then return late and 'timeout' or 'refused' end

    return late and 'slow' or 'closed'
end

function stream:fail(reason, detail)
    self.failed = self.failed or reason

    return nil, self.failed, detail
end

-- Takes what a callback of rspamd gives.  One with an error is the last: the
-- connection is closed by then, and must not be closed again.
function stream:take(err, data)
    if err then
        self.conn = nil

        return self:fail(self:reason(err), tostring(err))
    end

    self.connected = true

    local bytes = tostring(data or '')

    self.bytes = self.bytes + #bytes

    if self.bytes > MAX_BYTES then return self:fail('large') end
    if now() > self.deadline then return self:fail('slow') end

    return bytes
end

-- The next bytes as they come.
function stream:receive()
    if self.failed then return nil, self.failed end
    if now() > self.deadline then return self:fail('slow') end

    return self:take(await(function(done)
        self.conn:add_read(function(err, data) done(err, data) end)
    end))
end

function stream:send(bytes)
    if self.failed then return nil, self.failed end
    if bytes == '' then return true end

    local err = await(function(done)
        self.conn:add_write(function(err) done(err) end, bytes)
    end)

    if err then return self:take(err) end

    return true
end

-- Text, of whichever kind the connection is now.
function stream:write(text)
    return self:send(self.probe and self.probe:write(text) or text)
end

function stream:read()
    if not self.probe then return self:receive() end

    while true do
        local text, closed = self.probe:read()

        if text ~= '' then return text end
        if closed then return self:fail('closed') end

        local bytes, reason, detail = self:receive()

        if not bytes then return nil, reason, detail end

        self.probe:feed(bytes)
    end
end

-- Without its end, CRLF or LF.
function stream:line()
    while true do
        local line, rest = self.rest:match('^([^\n]*)\n(.*)$')

        if line then
            self.rest = rest

            return (line:gsub('\r$', ''))
        end

        if #self.rest > MAX_LINE then return self:fail('large') end

        local text, reason, detail = self:read()

        if not text then return nil, reason, detail end

        self.rest = self.rest .. text
    end
end

-- Makes it one of TLS, as a client that wants name.  bytes: those that the
-- server sent after hello.
function stream:handshake(probe, bytes)
    local out, state, detail = probe:feed(bytes or '')

    self.rest = ''

    while true do
        local sent, reason, why = self:send(out)

        if not sent then return nil, reason, why end
        if state == 'failed' then return self:fail('tls', detail) end

        if state == 'done' then
            self.probe = probe

            return true
        end

        bytes, reason, why = self:receive()

        if not bytes then return nil, reason, why end

        out, state, detail = probe:feed(bytes)
    end
end

function stream:close()
    local conn = self.conn

    self.conn = nil
    self.failed = self.failed or 'closed'

    if conn then conn:close() end
end

-- Connects, says hello where that is given, and waits for the first bytes.
-- host: ev_base, session (rspamadm's, else nil), timeout, seconds for all.
-- The stream, its first bytes; or nil and why not.
local function open(host, address, port, hello)
    local self = setmetatable({
        bytes = 0,
        connected = false,
        deadline = now() + host.timeout,
        rest = '',
    }, stream)

    local bytes, reason, detail = self:take(await(function(done)
        local started = rspamd_tcp.request({
            ev_base = host.ev_base,
            session = host.session,
            config = rspamd_config,
            host = address,
            port = port,
            data = hello,
            timeout = math.min(WAIT, host.timeout),
            on_connect = function(conn)
                self.conn = conn
                self.connected = true
            end,
            callback = function(err, data, conn)
                self.conn = conn
                done(err, data)
            end,
        })

        if not started then done('cannot connect') end
    end))

    if not bytes then return nil, reason, detail end

    return self, bytes
end

return open
