--[[
Copyright (C) the tlsrpt authors
SPDX-License-Identifier: BSD-2-Clause
]]--

-- Which Redis: that of the plugin's own options, else that of redis.conf.

local lua_redis = require "lua_redis"

local N = 'tlsrpt'

-- Servers of our own that cannot be used must not fall back to others.
local function find_redis(opts)
    local own = opts.redis or opts

    if own.servers or own.server or own.read_servers or own.write_servers then
        return lua_redis.try_load_redis_servers(own, rspamd_config, false, N)
    end

    return lua_redis.parse_redis_server(N)
end

-- What a report's two halves are written to must be one: lua_redis takes the
-- write servers by turns.  Sentinel says which one it is.
local function is_one_server(params)
    return params.sentinels or #params.write_servers:all_upstreams() == 1
end

-- opts: of the plugin.  The parameters of lua_redis, or nil and why there are
-- none.  Read through: Sentinel replaces the servers in it.  Our keys hold no
-- patterns to expand.
return function(opts)
    local ok, params = pcall(find_redis, opts)

    if not ok or not params or not params.write_servers then
        return nil, 'no usable Redis server is configured'
    end

    if not is_one_server(params) then
        return nil, 'several Redis servers to write to: reports would be'
            .. ' spread over them; name one, or Sentinel'
    end

    return setmetatable({
        expand_keys = false,
        timeout = tonumber(params.timeout) or 1.0,
    }, { __index = params })
end
