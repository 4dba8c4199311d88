-- What is served for a domain: one node tells it, and it becomes part of the
-- history of the domain's policies.
--
-- KEYS  1 served  string  JSON, see tlsrpt_serving.h
--       2 acts    list    events, the newest first
--       3 untold  list    events on their way to alerts, the oldest first
-- ARGV  1 node    2 id of its policy, empty: none
--       3 the policy: JSON, "mode", "max-age", "mx", "from"
--       4 what is known of the domain besides: members of JSON, may be empty
--       5 seconds to keep it
--       6 1: a change is an event     7 its id, empty: it is not made yet
--       8 its JSON     9 the same as it is told to alerts
--
-- Returns 0: it is written, or was so; else the time in seconds: there is a
-- change to be told, nothing is written, and the event is to be made.
--
-- Several nodes may serve different policies, of their own configuration or
-- while a change is on its way: the newest one is that which a node changed to
-- last.  Telling the same again changes nothing but the last time.

local VERSIONS = 32
local SIZE = 65536
local NODES = 16
local DAY = 86400
local GONE = 2 * DAY            -- seconds: nobody has told it for so long
local KEPT = 1000               -- events
local WAITING = 64
local NEWS = 604800

local call = redis.call
local node, id, told = ARGV[1], ARGV[2], ARGV[6] == '1'
local now = tonumber(call('TIME')[1])

local function read()
    local text = call('GET', KEYS[1])
    local ok, served = pcall(cjson.decode, text or '')
    if not ok or type(served) ~= 'table'
       or ((tonumber(served.v) or 1) == 1
           and type(served.versions) ~= 'table') then
        return { v = 1, versions = {}, nodes = {} }
    end
    if type(served.nodes) ~= 'table' then
        served.nodes = {}
    end
    return served
end

local served = read()

if (tonumber(served.v) or 1) > 1 then
    return 0
end

local versions = served.versions
local newest = versions[1]

local function version_of(wanted)
    for _, version in ipairs(versions) do
        if version.id == wanted then
            return version
        end
    end
end

-- Takes this node from the list, and those that are gone.
local function take_node()
    local mine
    for i = #served.nodes, 1, -1 do
        local other = served.nodes[i]
        if other.node == node then
            mine = other
        end
        if other.node == node or other.last < now - GONE then
            table.remove(served.nodes, i)
        end
    end
    return mine
end

-- A node serves what it told until it tells something else: once a day it
-- tells the same.
local function served_until_now(mine)
    local version = mine and mine.id ~= id and version_of(mine.id)
    if version then
        version.last = math.max(version.last,
                                math.min(now, version.last + DAY + 3600))
    end
end

local mine = take_node()
local version = id ~= '' and version_of(id)

local function is_changed()
    if id == '' or version == newest then
        return id ~= '' and newest == nil
    end
    return not version or (mine and mine.id ~= id)
           or version.last < now - GONE or newest.last < now - GONE
end

local changed = is_changed()
local ended = id == '' and newest and not newest.ended and #served.nodes == 0
local event = told and newest and (changed or ended)

if event and ARGV[7] == '' then
    return now
end

served_until_now(mine)

if changed then
    version = cjson.decode(ARGV[3])
    version.id, version.first = id, now
    table.insert(versions, 1, version)
end

if id ~= '' then
    version.last, version.ended = now, nil
    table.insert(served.nodes, 1, { node = node, id = id, last = now })
    served.nodes[NODES + 1] = nil

elseif ended then
    newest.ended = true
end

-- cjson makes {} of an empty list, and 1e+09 of a number.
local function list(values, text)
    local texts = {}
    for i, value in ipairs(values) do
        texts[i] = text(value)
    end
    return '[' .. table.concat(texts, ',') .. ']'
end

local function version_text(v)
    return string.format('{"id":%s,"mode":%s,"max-age":%.0f,"mx":%s,'
                         .. '"first":%.0f,"last":%.0f,"from":%s%s}',
                         cjson.encode(v.id), cjson.encode(v.mode),
                         v['max-age'], list(v.mx, cjson.encode), v.first,
                         v.last, cjson.encode(v.from),
                         v.ended and ',"ended":true' or '')
end

local function node_text(n)
    return string.format('{"node":%s,"id":%s,"last":%.0f}',
                         cjson.encode(n.node), cjson.encode(n.id), n.last)
end

local function text()
    return '{"v":1' .. (ARGV[4] ~= '' and ',' .. ARGV[4] or '')
           .. ',"versions":' .. list(versions, version_text)
           .. ',"nodes":' .. list(served.nodes, node_text) .. '}'
end

-- The oldest that no sender can hold any more, else the oldest.
local function drop()
    for i = #versions, 2, -1 do
        if versions[i].last + versions[i]['max-age'] < now then
            return table.remove(versions, i)
        end
    end
    table.remove(versions)
end

while #versions > VERSIONS do
    drop()
end

local json = text()

while #json > SIZE and #versions > 1 do
    drop()
    json = text()
end

local keep = math.max(tonumber(ARGV[5]), call('TTL', KEYS[1]))

local function expire(key, seconds)
    if call('TTL', key) < seconds then
        call('EXPIRE', key, seconds)
    end
end

if event then
    call('LLEN', KEYS[2])
    call('RPUSH', KEYS[3], ARGV[9])
    call('LTRIM', KEYS[3], -WAITING, -1)
    expire(KEYS[3], math.min(keep, NEWS))
    call('LPUSH', KEYS[2], ARGV[8])
    call('LTRIM', KEYS[2], 0, KEPT - 1)
    expire(KEYS[2], keep)
end

call('SET', KEYS[1], json, 'EX', keep)

return 0
