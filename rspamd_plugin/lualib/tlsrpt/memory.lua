--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- What is kept takes in Redis, by kind and month, as MEMORY USAGE tells of each
-- key: nothing is estimated.  All keys of Redis are gone through, a few hundred
-- at a time, so that it does not stand still for others.

local lua_redis = require "lua_redis"

local N = 'tlsrpt'
local SCANNED = 500             -- keys of one SCAN, about
local ASKED = 50                -- of which so many are asked for at a time

-- What follows the domain in a key, the first that matches; see tlsrpt_key.h.
local kinds = {
    { name = 'domains',   pattern = '^()$' },
    { name = 'totals',    pattern = '^:(%d%d%d%d%-%d%d)$' },
    { name = 'closed',    pattern = '^:(%d%d%d%d%-%d%d):closed$' },
    { name = 'day logs',  pattern = '^:(%d%d%d%d%-%d%d)%-%d%d$' },
    { name = 'digests',   pattern = '^:(%d%d%d%d%-%d%d)%-%d%d:seen$' },
    { name = 'originals', pattern = '^:(%d%d%d%d%-%d%d)%-%d%d:' },
    { name = 'problems',  pattern = '^:problems()$' },
    { name = 'events',    pattern = '^:events()$' },
    { name = 'events',    pattern = '^:acts()$' },
    { name = 'events',    pattern = '^:untold()$' },
    { name = 'others',    pattern = '()' },
}

-- kind and month ('' where it is of none).
local function kind_of(rest)
    for _, kind in ipairs(kinds) do
        local month = rest:match(kind.pattern)

        if month then
            return kind.name, type(month) == 'string' and month or ''
        end
    end
end

local function redis_params_of(opts, fail)
    local own = opts.redis or opts
    local params

    if own.servers or own.server or own.read_servers or own.write_servers then
        params = lua_redis.try_load_redis_servers(own, rspamd_config, false, N)
    else
        params = lua_redis.parse_redis_server(N)
    end

    if type(params) ~= 'table' then
        fail('no usable Redis server is configured')
    end

    return params
end

-- The results of the commands, in order.
local function run(connection, commands, fail)
    for _, command in ipairs(commands) do
        connection:add_cmd(command[1], command[2])
    end

    local answers = { connection:exec() }
    local results = {}

    for i = 1, #commands do
        if not answers[2 * i - 1] then
            fail('Redis, %s: %s', commands[i][1], tostring(answers[2 * i]))
        end

        results[i] = answers[2 * i]
    end

    return results
end

local function add(sums, month, kind, bytes)
    local sum = sums[month]

    if not sum then
        sum = { all = 0, keys = 0 }
        sums[month] = sum
        sums[#sums + 1] = month
    end

    sum[kind] = (sum[kind] or 0) + bytes
    sum.all = sum.all + bytes
    sum.keys = sum.keys + 1
end

-- Asks for some of the keys; those that are gone meanwhile take nothing.
local function measure(connection, keys, first, add_key, fail)
    local commands = {}
    local last = math.min(first + ASKED - 1, #keys)

    for i = first, last do
        commands[#commands + 1] = { 'MEMORY', { 'USAGE', keys[i] } }
    end

    for i, bytes in ipairs(run(connection, commands, fail)) do
        add_key(keys[first + i - 1], tonumber(bytes))
    end

    return last + 1
end

-- Every key once, though SCAN may name one twice.
local function scan(connection, pattern, add_key, fail)
    local seen = {}
    local cursor = '0'

    repeat
        local answer = run(connection, { { 'SCAN', { cursor, 'MATCH', pattern,
            'COUNT', tostring(SCANNED) } } }, fail)[1]
        local keys, first = {}, 1

        cursor = answer[1]

        for _, key in ipairs(answer[2]) do
            if not seen[key] then
                seen[key] = true
                keys[#keys + 1] = key
            end
        end

        while first <= #keys do
            first = measure(connection, keys, first, add_key, fail)
        end
    until cursor == '0'
end

local function quote(text)
    return (text:gsub('[%[%]*?\\^-]', '\\%0'))
end

local function print_table(sums, ndomains)
    local columns = {}

    for _, kind in ipairs(kinds) do
        if kind.name ~= columns[#columns] then
            columns[#columns + 1] = kind.name
        end
    end

    local function line(name, sum)
        local text = string.format('%-8s', name)

        for _, column in ipairs(columns) do
            text = text .. string.format(' %12s', sum[column] or '-')
        end

        print(text .. string.format(' %14s %10s', sum.all, sum.keys))
    end

    local head = { all = 'all', keys = 'keys' }
    local whole = { all = 0, keys = 0 }

    for _, column in ipairs(columns) do head[column] = column end

    line('month', head)
    table.sort(sums)

    for _, month in ipairs(sums) do
        line(month == '' and '-' or month, sums[month])

        for name, n in pairs(sums[month]) do
            whole[name] = (whole[name] or 0) + n
        end
    end

    line('all', whole)
    print(string.format('bytes of %d domain%s', ndomains,
        ndomains == 1 and '' or 's'))
end

-- domain: nil: all of them.
return function(domain, fail)
    local opts = rspamd_config:get_all_opt(N) or {}
    local prefix = tostring(opts.prefix or 'tlsrpt')
    local ok, connection = lua_redis.redis_connect_sync(
        redis_params_of(opts, fail), true)

    if not ok then fail('cannot connect to Redis') end

    local begins = prefix .. ':'
    local sums, ndomains = {}, 0

    local function add_key(key, bytes)
        if not bytes or key:sub(1, #begins) ~= begins then return end

        local of, rest = key:sub(#begins + 1):match('^{([^}]*)}(.*)$')
        local kind, month = 'others', ''

        if of then kind, month = kind_of(rest) end
        if kind == 'domains' then ndomains = ndomains + 1 end

        add(sums, month, kind, bytes)
    end

    scan(connection, quote(begins)
        .. (domain and '{' .. quote(domain:lower()) .. '}*' or '*'), add_key,
        fail)

    if #sums == 0 then
        fail('nothing is kept%s', domain and ' of ' .. domain or '')
    end

    print_table(sums, ndomains)
end
