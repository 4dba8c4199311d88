--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Servers that rspamd's configuration names as its resolvers; else those of
-- /etc/resolv.conf.

local exports = {}

-- "192.0.2.1", "192.0.2.1:53:10", "[2001:db8::1]:53"; nil: no address.
local function parse(text)
    text = tostring(text):gsub('^[%a-]+:', '')

    local address, port = text:match('^%[([%x:]+)%]:?(%d*)')

    if not address then
        address, port = text:match('^(%d+%.%d+%.%d+%.%d+):?(%d*)')
    end

    if not address and text:find('^[%x:]+$') then address, port = text, '' end
    if not address then return nil end

    return { address = address, port = tonumber(port) or 53 }
end

local function of_system()
    local file = io.open('/etc/resolv.conf')

    if not file then return nil end

    local found

    for line in file:lines() do
        found = found or line:match('^%s*nameserver%s+([%x:.]+)')
    end

    file:close()

    return found and parse(found)
end

-- The first of them; nil: none is known.
function exports.first()
    local options = rspamd_config:get_all_opt('options') or {}
    local named = (options.dns or {}).nameserver or options.nameserver

    if type(named) == 'table' then named = named[1] end

    for text in tostring(named or ''):gmatch('[^,%s]+') do
        local server = parse(text)

        if server then return server end
    end

    return of_system()
end

return exports
