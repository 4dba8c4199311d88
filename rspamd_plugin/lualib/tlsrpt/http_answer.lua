--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Reads an answer of HTTP/1.1 (RFC 9112) as its bytes come: any server's, so
-- head and body are bounded.
--
--     local answer = require "tlsrpt/http_answer"()
--     answer:feed(bytes)           until answer.done
--     answer:close()               the connection is over: whether that ends it
--     answer.failed                nil; "large", or what is wrong with it
--     answer.status, .headers, .body    names of headers in lower case

local MAX_HEAD = 16384          -- bytes
local MAX_BODY = 65536          -- RFC 8461 3.3: 64 kB

local answer = {}
answer.__index = answer

function answer:fail(reason)
    self.failed, self.done = reason, true
end

function answer:add(bytes)
    self.size = self.size + #bytes

    if self.size > MAX_BODY then return self:fail('large') end

    self.parts[#self.parts + 1] = bytes
end

function answer:finish()
    self.body = table.concat(self.parts)
    self.done = true
end

-- How long it is, by what the head says (RFC 9112 6.3).
function answer:begin_body()
    local coding = self.headers['transfer-encoding']
    local length = self.headers['content-length']

    if self.status == 204 or self.status == 304 then
        self:finish()
    elseif coding then
        if coding:lower():find('chunked%s*$') then self.step = self.chunk_size
        else self.step = self.to_end end
    elseif length then
        self.left = tonumber(length:match('^%s*(%d+)%s*$'))
        self.step = self.counted

        if not self.left then return self:fail('a bad Content-Length') end
        if self.left > MAX_BODY then return self:fail('large') end
        if self.left == 0 then self:finish() end
    else
        self.step = self.to_end
    end
end

function answer:parse_head(head)
    self.status = tonumber(head:match('^HTTP/1%.%d (%d%d%d)%f[%D]'))

    if not self.status then return self:fail('no HTTP/1.1 is spoken') end

    self.headers = {}

    for name, value in head:gmatch('\n([^%s:]+):[ \t]*([^\r\n]*)') do
        name = name:lower()
        self.headers[name] = self.headers[name] or value
    end

    if self.status < 200 then           -- RFC 9110 15.2: another one comes
        self.step = self.head
    else
        self:begin_body()
    end
end

-- The steps: each takes from self.rest what it can; whether it did.

function answer:head()
    local stop, after = self.rest:match('()\r?\n\r?\n()')

    if stop then self.heads = self.heads + 1 end

    if (stop or #self.rest) > MAX_HEAD or self.heads > 64 then
        self:fail('the head of the answer has no end')
    elseif stop then
        local head = self.rest:sub(1, stop - 1)

        self.rest = self.rest:sub(after)
        self:parse_head(head)
    end

    return stop ~= nil
end

function answer:counted()
    local bytes = self.rest:sub(1, self.left)

    self.rest = self.rest:sub(#bytes + 1)
    self.left = self.left - #bytes
    self:add(bytes)

    if self.left == 0 and not self.done then self:finish() end

    return #bytes > 0
end

function answer:to_end()
    local bytes = self.rest

    self.rest = ''
    self:add(bytes)

    return #bytes > 0
end

function answer:chunk_size()
    local line, rest = self.rest:match('^([^\n]*)\n(.*)$')

    if not line then
        if #self.rest > 1024 then self:fail('a bad chunk') end
        return false
    end

    local size = line:match('^(%x+)%s*[;\r]') or line:match('^(%x+)%s*$')

    if not size or #size > 8 then
        self:fail('a bad chunk')
        return false
    end

    self.rest, self.left = rest, tonumber(size, 16)

    -- what may trail the last one does not matter
    if self.left == 0 then self:finish() else self.step = self.chunk end

    return true
end

function answer:chunk()
    local bytes = self.rest:sub(1, self.left)

    self.rest = self.rest:sub(#bytes + 1)
    self.left = self.left - #bytes
    self:add(bytes)

    if self.left == 0 then self.step = self.chunk_end end

    return #bytes > 0
end

function answer:chunk_end()
    local rest = self.rest:match('^\r?\n(.*)$')

    if rest then
        self.rest, self.step = rest, self.chunk_size
    elseif #self.rest > 1 then
        self:fail('a bad chunk')
    end

    return rest ~= nil
end

function answer:feed(bytes)
    self.rest = self.rest .. bytes

    while not self.done and self:step() do end
end

function answer:close()
    if not self.done and self.step == self.to_end then self:finish() end

    return self.done
end

return function()
    local self = setmetatable({
        rest = '', parts = {}, size = 0, heads = 0, body = '', headers = {},
    }, answer)

    self.step = self.head

    return self
end
