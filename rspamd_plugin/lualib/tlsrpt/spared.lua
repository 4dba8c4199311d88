--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Which policy hosts are to be left alone: many domains may name one address,
-- whose owner may have nothing to do with them.  Where no connection is made,
-- that is so for all names, for an hour; where so many names have found no
-- policy host of theirs, and none has, no more names are tried that day.
-- People who wait for it have it asked all the same, a few times a day, whoever
-- they are.  A clock that is put back makes it forget.

local MAX_ADDRESSES = 4096      -- that are remembered
local MAX_FAILED = 32           -- names
local SHARED = 3600             -- seconds
local DAY = 86400
local AGAIN = 60                -- seconds: so soon for people who ask,
local MAX_AGAIN = 4             -- so often a day

local of_address = { ['connect-failed'] = true, timeout = true }
local of_name = {
    ['tls-failed'] = true, ['wrong-name'] = true, ['not-trusted'] = true,
    ['too-slow'] = true, ['too-large'] = true,
}

local spared = {}
spared.__index = spared

local function kept(known, now)
    if known.facts and now < known.shared + SHARED then
        return { result = known.facts.result, detail = known.facts.detail }
    elseif not known.ok and known.failed >= MAX_FAILED then
        return { result = 'unknown',
            detail = 'too many names of this address have no policy there' }
    end

    return nil
end

local function may_again(known, now)
    return now >= known.shared + AGAIN and known.again < MAX_AGAIN
end

-- What is known without asking; nil: it is to be asked.  is_asked: people wait
-- for it.
function spared:get(address, is_asked)
    local known = self.addresses[address]
    local now = os.time()

    if not known then return nil end

    if now > known.began + DAY or now < known.shared then
        self.addresses[address] = nil
        self.n = self.n - 1

        return nil
    end

    local facts = kept(known, now)

    if facts and is_asked and may_again(known, now) then
        known.again = known.again + 1
        known.shared = now

        return nil
    end

    return facts
end

function spared:add(address)
    if self.n >= MAX_ADDRESSES then self.addresses, self.n = {}, 0 end

    self.n = self.n + 1
    self.addresses[address] = { failed = 0, again = 0, ok = false,
        began = os.time(), shared = os.time() }

    return self.addresses[address]
end

function spared:put(address, facts)
    local known = self.addresses[address] or self:add(address)

    known.facts = of_address[facts.result] and facts or nil
    known.shared = os.time()
    known.ok = known.ok or facts.result == 'ok'

    if of_name[facts.result] then known.failed = known.failed + 1 end
end

return function()
    return setmetatable({ addresses = {}, n = 0 }, spared)
end
