--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Names and texts as others show them.

local rspamd_util = require "rspamd_util"

local MAX_SHOWN = 32            -- names of a certificate

local exports = {}

-- RFC 9525 6.3: "*" is all of the first label, and stands for one.
local function match_one(presented, name)
    if presented == name then return true end

    local rest = presented:match('^%*(%.[^*]+)$')

    return rest ~= nil and rest == name:match('^[^.]+(%..+)$')
end

function exports.match(list, name)
    for _, presented in ipairs(list or {}) do
        if match_one(presented, name) then return true end
    end

    return false
end

-- Leaves so many names as are kept, those that match first.
function exports.shorten(seen, name)
    local first, others = {}, {}

    for _, presented in ipairs(seen.names or {}) do
        local list = match_one(presented, name) and first or others

        list[#list + 1] = presented
    end

    for _, presented in ipairs(others) do first[#first + 1] = presented end
    for i = #first, MAX_SHOWN + 1, -1 do first[i] = nil end

    if seen.names then seen.names = first end
end

-- As JSON can have it.
function exports.text(text)
    text = text:gsub('%z', '?')

    if not rspamd_util.is_valid_utf8(text) then
        text = text:gsub('[\128-\255]', '?')
    end

    return text
end

return exports
