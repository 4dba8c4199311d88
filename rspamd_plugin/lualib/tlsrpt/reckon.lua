--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Works out the problems of domains that are due (tlsrpt_due.h), where no nginx
-- does: that knows the policies it serves.
--
-- Each domain is done in steps, each a command and its reply
-- (tlsrpt_reckoning.h), and the loop has its turn between them.  What is given
-- up on the way is due again when its hold is over.

local BATCH = 16                -- domains that are held at once
local HOLD = 60                 -- seconds

local reckon = {}
reckon.__index = reckon

function reckon:drive(steps)
    local command, args = steps:next()

    while command and self.may() do
        steps:add(self.ask(command, args))
        command, args = steps:next()
    end

    if steps:newer() and not self.told_newer then
        self.told_newer = true
        self.log('the problems of some domains are those of a newer version,'
            .. ' and are left to it')
    end
end

-- One that cannot be worked out must not keep the others from it.
function reckon:work_out(domain, score)
    local steps, err = self.core.reckoning(self.prefix, domain,
        self.retention, self.now(), score)

    if not steps then error(err.text, 0) end

    local ok, failure = pcall(self.drive, self, steps)

    steps:close()

    if ok or not self.may() then return end

    failure = string.format('problems of %s: %s', domain, tostring(failure))

    if self.failure ~= failure then
        self.failure = failure
        self.log('%s', failure)
    end
end

-- Does all that is due now.
function reckon:run()
    while self.may() and self.ask('EXISTS', { self.lease }) == 0 do
        local due = self.ask(self.core.due_claim(self.prefix, BATCH, HOLD))

        if #due == 0 then return end

        for i = 1, #due, 2 do
            if not self.may() then return end

            self:work_out(due[i], due[i + 1])
        end
    end
end

-- host: core, prefix, retention (days), ask(command, args), which gives Redis's
-- answer as rspamd does and raises an error where there is none; may(), whether
-- to go on; now(), Redis's seconds; log(format, ...).
return function(host)
    host.lease = host.prefix .. ':lease:problems'

    return setmetatable(host, reckon)
end
