--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Which mails may be taken out of the mail flow: nothing but signed reports,
-- each of them stored, now or before.

local function is_blank(part)
    return not tostring(part:get_content()):find('%S')
end

-- Counts the texts that are not empty; the alternatives of one as one.
local function text_counter()
    local alternatives, n = {}, 0

    return function(part)
        local parent = part:get_parent()
        local id

        if parent and select(2, parent:get_type()) == 'alternative' then
            id = parent:get_id()
        end

        if not is_blank(part) and not (id and alternatives[id]) then
            n = n + 1
            if id then alternatives[id] = true end
        end

        return n
    end
end

-- Is a mail, but for the reports in it, at most one text (RFC 8460 5.3)?
local function is_nothing_else(mail, is_tlsrpt_multipart)
    local is_report, count_text = {}, text_counter()

    for _, entry in ipairs(mail.entries) do is_report[entry.index] = true end

    for index, part in ipairs(mail.task:get_parts()) do
        local type, subtype, params = part:get_type_full()

        if type == 'multipart' then
            if index == 1 and not is_tlsrpt_multipart(subtype, params)
                or index > 1 and subtype ~= 'alternative'
            then
                return false
            end
        elseif not is_report[index] then
            if type ~= 'text' or part:get_filename() or count_text(part) > 1
            then
                return false
            end
        end
    end

    return true
end

local function is_all_signed(mail)
    for _, result in ipairs(mail.results) do
        if not result.entry or not result.entry.signer then return false end
    end

    return #mail.results == #mail.entries
end

-- mail: of tlsrpt.lua, settled; is_tlsrpt_multipart: likewise.
return function(mail, is_tlsrpt_multipart)
    return is_all_signed(mail) and is_nothing_else(mail, is_tlsrpt_multipart)
end
