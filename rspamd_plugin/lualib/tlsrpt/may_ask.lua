--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- may_ask(address, ip): whether an address that a stranger named may be asked:
-- it is public, or of networks, a map of rspamd's, or nil.

return function(core, networks)
    return function(address, ip)
        -- a map gives false, not nil, for what is not in it
        return core.is_public(address)
            or networks ~= nil and (networks:get_key(ip) or false) ~= false
    end
end
