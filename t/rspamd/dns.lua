--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Run by the rspamd of dns.t: asks for the names in the file QUESTIONS, all at
-- once, and logs what came; TRIES times where no answer comes in time, as on a
-- busy machine.

local questions = os.getenv('QUESTIONS')
local allowed = os.getenv('ALLOWED')
local tries = tonumber(os.getenv('TRIES') or 1)

rspamd_config:add_on_load(function(cfg, ev_base, worker)
    if worker:get_type() ~= 'normal' or worker:get_index() ~= 0 then return end

    local logger = require "rspamd_logger"
    local core = require "tlsrpt_lua"
    local dns = require "tlsrpt/dns" ({
        core = core,
        ev_base = ev_base,
        resolver = cfg:get_resolver(),
        may_ask = function(address)
            return address == allowed or core.is_public(address)
        end,
    })

    local function ask(name)
        local ok, records, more

        for _ = 1, tries do
            ok, records, more = pcall(dns.records, dns, name, 'txt')
            if records or not tostring(more):find('timeout') then break end
        end

        if not ok then
            logger.errx(cfg, 'DNS %s broke: %s', name, records)
        elseif records then
            table.sort(records)
            logger.infox(cfg, 'DNS %s: %s[%s] %s', name,
                more and 'alias ' or '', #records,
                table.concat(records, '|'):sub(1, 300))
        else
            logger.infox(cfg, 'DNS %s: not known: %s', name, more)
        end
    end

    for name in io.lines(questions) do
        require "tlsrpt/await".spawn(ask, name)
    end

    rspamd_config:add_periodic(ev_base, 0.2, function()
        dns:sweep()
        return true
    end, false)
end)
