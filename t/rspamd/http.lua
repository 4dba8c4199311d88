--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Run by http.t in rspamadm's Lua: what is read of an answer of HTTP, whole and
-- byte by byte; and which names of a certificate match.

local new = require "tlsrpt/http_answer"
local names = require "tlsrpt/names"

local tap = dofile(arg[2])(arg[1])
local is = tap.is

local function read(bytes, step)
    local answer = new()

    for i = 1, #bytes, step do
        if not answer.done then answer:feed(bytes:sub(i, i + step - 1)) end
    end

    answer:close()

    if answer.failed then return 'failed: ' .. answer.failed end
    if not answer.done then return 'cut' end

    return answer.status .. ' ' .. answer.body
end

local function check(name, bytes, expected)
    is(read(bytes, #bytes + 1), expected, name)
    is(read(bytes, 1), expected, name .. ', byte by byte')
end

local ok = 'HTTP/1.1 200 OK\r\n'
local chunked = ok .. 'Transfer-Encoding: chunked\r\n\r\n'

check('a length', ok .. 'Content-Length: 3\r\n\r\nabcd', '200 abc')
check('no body', ok .. 'content-length:0\r\n\r\n', '200 ')
check('to the end', ok .. '\r\nabc', '200 abc')
check('line feeds alone', 'HTTP/1.0 404 no\n\nabc', '404 abc')
check('chunks', chunked .. '3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n',
    '200 abcde')
check('after another', 'HTTP/1.1 103 Early\r\nA: b\r\n\r\n' .. ok
    .. 'Content-Length: 1\r\n\r\nx', '200 x')
check('cut', ok .. 'Content-Length: 3\r\n\r\nab', 'cut')
check('a chunk cut', chunked .. '3\r\nab', 'cut')
check('a head cut', ok .. 'Content-', 'cut')
check('a bad length', ok .. 'Content-Length: -1\r\n\r\n',
    'failed: a bad Content-Length')
check('a bad chunk', chunked .. 'x\r\n', 'failed: a bad chunk')
check('a huge chunk', chunked .. 'fffffffff\r\n', 'failed: a bad chunk')
check('a chunk without end', chunked .. '1\r\nabc', 'failed: a bad chunk')
check('no HTTP', '220 smtp.example\r\n\r\n\r\n',
    'failed: no HTTP/1.1 is spoken')
is(read(ok .. 'Content-Length: 65537\r\n\r\n', 99999), 'failed: large',
    'more than 64 kB by its length')
is(read(ok .. '\r\n' .. ('x'):rep(65537), 1000), 'failed: large',
    'by what comes')
is(read(chunked .. '10001\r\n' .. ('x'):rep(65537), 1000),
    'failed: large', 'by chunks')
is(#read(ok .. '\r\n' .. ('x'):rep(65536), 1000), 65540, '64 kB are read')
is(read(ok .. ('A: b\r\n'):rep(5000), 1000),
    'failed: the head of the answer has no end', 'a head without end')
is(read(('HTTP/1.1 100 x\r\n\r\n'):rep(100), 1000),
    'failed: the head of the answer has no end', 'heads without end')

local function matches(presented, name)
    return tostring(names.match({ presented }, name))
end

is(matches('mx.a.example', 'mx.a.example'), 'true', 'a name')
is(matches('*.a.example', 'mx.a.example'), 'true', 'a wildcard')
is(matches('*.a.example', 'a.example'), 'false', 'not for no label')
is(matches('*.a.example', 'x.mx.a.example'), 'false', 'nor for two')
is(matches('m*.a.example', 'mx.a.example'), 'false', 'nor for a part')
is(matches('*.*.example', 'mx.a.example'), 'false', 'nor twice')
is(matches('mxaexample', 'mx.a.example'), 'false', 'another')

tap.done()
