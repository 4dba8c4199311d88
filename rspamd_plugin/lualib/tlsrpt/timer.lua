--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- timer(ev_base, seconds, fn): calls fn in so many seconds, and again as long
-- as it returns a number of seconds.
--
-- rspamd 3.4 has add_periodic() alone, which keeps 200 bytes of each timer
-- until rspamd is reloaded: none is begun that can be done without.

return function(ev_base, seconds, fn)
    if not ev_base.add_timer then
        rspamd_config:add_periodic(ev_base, seconds, function()
            return fn() or false
        end, false)
        return
    end

    local function expired()
        local again = fn()

        if again then ev_base:add_timer(again, expired) end
    end

    ev_base:add_timer(seconds, expired)
end
