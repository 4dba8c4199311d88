/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The Lua C module in a LuaJIT of its own, under the sanitizers: what it
 * answers, that it refuses bad arguments, and that it leaks nothing whichever
 * allocation of Lua's fails.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lua.h>
#include <lauxlib.h>
#include <luajit.h>
#include <lualib.h>


int luaopen_tlsrpt_lua(lua_State *L);


static const char report_text[] =
    "{\"organization-name\":\"Example Sender\",\"date-range\":{"
    "\"start-datetime\":\"2026-11-20T00:00:00Z\","
    "\"end-datetime\":\"2026-11-20T23:59:59Z\"},"
    "\"contact-info\":\"tlsrpt@sender.example\",\"report-id\":\"1\","
    "\"policies\":["
    "{\"policy\":{\"policy-type\":\"no-policy-found\"},\"summary\":{"
    "\"total-successful-session-count\":\"5\","
    "\"total-failure-session-count\":0}},"
    "{\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":\"example.net\"},"
    "\"summary\":{\"total-successful-session-count\":5,"
    "\"total-failure-session-count\":1},\"failure-details\":[{"
    "\"result-type\":\"certificate-expired\",\"sending-mta-ip\":\"192.0.2.1\","
    "\"failed-session-count\":1}]}]}";

static const char script[] =
    "local core, ptr, len = ...\n"
    "local report = assert(core.parse(ptr, len,\n"
    "    { max_size = 10000, domain = 'Example.COM.' }))\n"
    "local domains = report:domains()\n"
    "assert(#domains == 2)\n"
    "assert(domains[1] == 'example.com' and domains[2] == 'example.net')\n"
    "assert(report:organization_name() == 'Example Sender')\n"
    "assert(report:contact_info() == 'tlsrpt@sender.example')\n"
    "assert(report:report_id() == '1')\n"
    "assert(report:day() == '2026-11-20')\n"
    "local warnings, beyond = report:warnings()\n"
    "assert(#warnings > 0 and beyond == 0)\n"
    "assert(warnings[1].path ~= '' and warnings[1].section:find('^RFC'))\n"
    "assert(report:check_range(1795310000, 400) == true)\n"
    "local no, err = report:check_range(1895310000, 400)\n"
    "assert(no == nil and err.code == 'RANGE')\n"
    "local options = { prefix = 'p', now = 1795310000,\n"
    "    retention_days = 400, report_days = 30, signer = 'sender.example',\n"
    "    original_ptr = ptr, original_len = len }\n"
    "local name, args = assert(report:ingest('example.net', options))\n"
    "assert(name == 'EVAL' and args[1]:find('redis.call', 1, true))\n"
    "local nkeys = tonumber(args[2])\n"
    "for i = 3, nkeys + 2 do\n"
    "    assert(args[i]:find('^p:{example%.net}'))\n"
    "end\n"
    "for i = 1, #args do assert(type(args[i]) == 'string') end\n"
    "assert(report:has_failures('example.net'))\n"
    "assert(not report:has_failures('example.com'))\n"
    "options.signer = nil\n"
    "assert(report:ingest('example.com', options))\n"
    "report:close()\n"
    "report:close()\n"
    "name, args = core.index_add('p', { 'a.example', 'b.example' })\n"
    "assert(name == 'ZADD' and table.concat(args, ' ')\n"
    "    == 'p:domains 0 a.example 0 b.example')\n"
    "name, args = core.index_keep('p', 400)\n"
    "assert(name == 'EXPIRE' and table.concat(args, ' ')\n"
    "    == 'p:domains 34646400')\n"
    "name, args = core.due_add('p', 'a.example', core.DUE_SOON)\n"
    "assert(name == 'EVAL' and args[2] == '1' and args[3] == 'p:due')\n"
    "assert(args[4] == 'a.example' and args[5] == '5')\n"
    "name, args = core.due_late('p', 'a.example')\n"
    "assert(name == 'HINCRBY' and args[1] == 'p:{a.example}')\n"
    "name, args = core.due_claim('p', 16)\n"
    "assert(name == 'EVAL' and args[5] == '16' and args[6] == '60')\n"
    "local closing = core.closing('p', 'a.example', 400, 1795310000)\n"
    "name, args = closing:next()\n"
    "assert(name == 'HGETALL' and args[1] == 'p:{a.example}')\n"
    "assert(closing:add({ 'all', 'x', 'o:2026-01', '1' }))\n"
    "name, args = closing:next()\n"
    "assert(name == 'EVAL' and args[1]:find('STRLEN', 1, true))\n"
    "assert(args[2] == '38' and args[3] == 'p:{a.example}:2026-01:closed')\n"
    "assert(closing:add({ '', '', '', { '7', ('x'):rep(28) },\n"
    "    { 7, 3, '\\2ab' }, { { '-5', '17' }, {}, {}, {}, {} } }))\n"
    "name, args = closing:next()\n"
    "assert(name == 'EVAL' and args[1]:find('SREM', 1, true))\n"
    "assert(args[2] == '39' and args[42] == '')\n"
    "assert(closing:add(2))\n"
    "assert(closing:next() == 'HGETALL')\n"
    "assert(closing:add({}))\n"
    "assert(closing:next() == nil)\n"
    "closing:close()\n"
    "assert(closing:next() == nil)\n"
    "local deep = {}; for _ = 1, 50 do deep = { deep } end\n"
    "assert(not closing:newer())\n"
    "local reckoning = core.reckoning('p', 'a.example', 400, 1795310000,\n"
    "    '1795310060.000001')\n"
    "name, args = reckoning:next()\n"
    "assert(type(name) == 'string' and #args >= 1)\n"
    "assert(reckoning:add({}) and not reckoning:newer())\n"
    "reckoning:close()\n"
    "assert(reckoning:next() == nil and not reckoning:newer())\n"
    "name, args = core.event_index('p', 'a.example', 1795310000)\n"
    "assert(name and table.concat(args, ' '):find('p:events', 1, true))\n"
    "name, args = core.event_add('p', 'a.example', 'id', '{}', 86400)\n"
    "assert(name == 'EVAL' and table.concat(args, ' ', 2)\n"
    "    :find('p:{a.example}:events', 1, true))\n"
    "closing = core.closing('p', 'a.example', 400, 1795310000)\n"
    "assert(closing:add(deep) and closing:next() == nil)\n"
    "assert(core.index_add_due(0) and core.index_add_due(2))\n"
    "assert(not core.index_add_due(1))\n"
    "assert(core.index_keep_due(1, 0) and core.index_keep_due(0, 1e9))\n"
    "assert(not core.index_keep_due(0, 60))\n"
    "assert(core.normalize(' B\xc3\xbc" "cher.Example. ')\n"
    "    == 'xn--bcher-kva.example')\n"
    "assert(core.normalize('a b') == nil and core.normalize('') == nil)\n"
    "for n = 0, len - 1, 7 do\n"
    "    local no, err = core.parse(ptr, n, { max_size = 10000 })\n"
    "    assert(no == nil and err.code and err.text ~= '')\n"
    "end\n"
    "local no, err, size = core.parse(ptr, len, { max_size = 100 })\n"
    "assert(no == nil and err.code == 'TOO_LARGE' and size == 100)\n"
    "local _, _, size = core.parse(ptr, len, { max_size = 10000,\n"
    "    domain = 'example.com' })\n"
    "assert(size == len)\n"
    "assert(core.begins_report(ptr, len))\n"
    "assert(not core.begins_report(ptr, 0))\n"
    "assert(core.key_bits(\n"
    "    'MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDeMNdiD14tdZ2UJzWw'\n"
    "    .. 'cXYFxBu41GBlAg8C+Lp/wVmOmlI//CFUPL3FEIbIkW4Wp0e3SLVIdvQx'\n"
    "    .. '2kJ6VTLhzGWpR3fJiCobwosjSNm5AtNweqCRFu6jdZpVxhWGG0iNCQjj'\n"
    "    .. 'x4fBhyPb3cecvIryNkVrBRz0/oBw6QB0QR4cqI+RbwIDAQAB'\n"
    "    ) == 1024)\n"
    "assert(core.key_bits(\n"
    "    'MEgCQQDn2c9OdU47HpEjC2q9VtohSKqns61e+lceF4wl1bGmHF7PU/K4'\n"
    "    .. 'Ntfw0WPJHvJ2ajrV6mdgCeJHXi7GcbpQlzSFAgMBAAE='\n"
    "    ) == 512)\n"
    "assert(core.key_bits('') == nil and core.key_bits('AAAA') == nil)\n"
    "assert(core.key_bits(('A'):rep(5000)) == nil)\n"
    "local ask = core.dns_question('_smtp._tls.a.example', 16, 0x1234)\n"
    "local body = '\\5_smtp\\4_tls\\1a\\7example\\0\\0\\16\\0\\1'\n"
    "assert(ask == '\\18\\52\\0\\0\\0\\1\\0\\0\\0\\0\\0\\0' .. body)\n"
    "assert(core.dns_question(('a'):rep(64), 16, 1) == nil)\n"
    "assert(core.dns_question(('a.'):rep(150) .. 'b', 16, 1) == nil)\n"
    "assert(core.dns_question('a..b', 16, 1) == nil)\n"
    "local function head(flags, n)\n"
    "    return '\\18\\52' .. flags .. '\\0\\1\\0' .. string.char(n)\n"
    "        .. '\\0\\0\\0\\0' .. body\n"
    "end\n"
    "local txt = '\\192\\12\\0\\16\\0\\1\\0\\0\\0\\60\\0\\6\\2v=\\2T1'\n"
    "local function read(bytes)\n"
    "    return core.dns_answer(bytes, '_SMTP._tls.a.example', 16, 0x1234)\n"
    "end\n"
    "local got = read(head('\\132\\0', 2) .. txt .. txt)\n"
    "assert(got.authoritative and not got.cut and got.rcode == 0)\n"
    "assert(#got.records == 2 and got.records[1] == 'v=T1' and not got.cname)\n"
    "assert(#read(head('\\132\\0', 70) .. txt:rep(70)).records == 64)\n"
    "got = read(head('\\134\\3', 0))\n"
    "assert(got.cut and got.rcode == 3 and #got.records == 0)\n"
    "assert(not read(head('\\128\\0', 0)).authoritative)\n"
    "local alias = '\\192\\12\\0\\5\\0\\1\\0\\0\\0\\60\\0\\4\\1b\\192\\25'\n"
    "local other = '\\1b\\192\\25\\0\\16\\0\\1\\0\\0\\0\\60\\0\\2\\1x'\n"
    "got = read(head('\\132\\0', 2) .. alias .. other)\n"
    "assert(got.cname == 'b.example' and #got.records == 0)\n"
    "local loop = '\\192\\12\\0\\5\\0\\1\\0\\0\\0\\60\\0\\2\\192\\52'\n"
    "assert(read(head('\\132\\0', 1) .. loop) == nil)\n"
    "local long = '\\192\\12\\0\\16\\0\\1\\0\\0\\0\\60\\0\\3\\9ab'\n"
    "assert(read(head('\\132\\0', 1) .. long).records[1] == 'ab')\n"
    "assert(core.dns_answer(head('\\132\\0', 1) .. txt:sub(1, 12) .. 'xyz',\n"
    "    '_smtp._tls.a.example', 16, 0x1234) == nil)\n"
    "assert(read('\\18\\53' .. head('\\132\\0', 0):sub(3)) == nil)\n"
    "assert(read(ask) == nil and read('') == nil)\n"
    "assert(read(head('\\132\\0', 1)) == nil)\n"
    "local answer = head('\\132\\0', 1) .. txt\n"
    "assert(core.dns_answer(answer, 'b.example', 16, 0x1234) == nil)\n"
    "assert(core.dns_answer(answer, '_smtp._tls.a.example', 1, 0x1234)\n"
    "    == nil)\n"
    "for n = 0, #answer - 1 do assert(read(answer:sub(1, n)) == nil) end\n"
    "assert(core.dns_question('a.example', 52, 1, 'resolver'):sub(3, 4)\n"
    "    == '\\1\\32')\n"
    "assert(core.dns_question('a.example', 52, 1, 'unchecked'):sub(3, 4)\n"
    "    == '\\1\\16')\n"
    "assert(core.dns_question('a.example', 52, 1):sub(3, 4) == '\\0\\0')\n"
    "assert(read(head('\\129\\160', 0)).authentic)\n"
    "assert(not read(head('\\129\\128', 0)).authentic)\n"
    "local probe = assert(core.tls_probe('mx.a.example'))\n"
    "local out, state, why = probe:feed('')\n"
    "assert(state == 'more' and why == '' and out:byte(1) == 22)\n"
    "assert(out:find('mx.a.example', 1, true))\n"
    "assert(probe:write('early') == '')\n"
    "local text, closed = probe:read()\n"
    "assert(text == '' and closed)\n"
    "out, state, why = probe:feed('220 this is no TLS, but a banner\\r\\n')\n"
    "assert(state == 'failed' and why ~= '')\n"
    "assert(#probe:peer().chain == 0 and #probe:peer().names == 0)\n"
    "assert(select(2, probe:feed('more')) == 'failed')\n"
    "probe:close()\n"
    "assert(not pcall(probe.feed, probe, '') and probe:close() == nil)\n"
    "assert(core.tls_probe('unfinished'):feed('\\22\\3\\3') ~= '')\n"
    "local upkeep = core.upkeep('p', 1795310000, 400)\n"
    "name, args = upkeep:next()\n"
    "assert(name and args[1]:find('p:{registry}', 1, true))\n"
    "upkeep:close()\n"
    "assert(core.token():find('^[a-z2-7]+$') and #core.token() == 26)\n"
    "assert(core.token() ~= core.token())\n"
    "local t1, t2 = ('a'):rep(26), ('b'):rep(26)\n"
    "local function enrolment(owner, token, more)\n"
    "    return ('{\"owner\":\"%s\",\"token\":\"%s\",\"value\":\"%s\",'\n"
    "        .. '\"since\":1795300000%s}'):format(owner, token,\n"
    "        ('c'):rep(26), more or '')\n"
    "end\n"
    "local waits = '7 {\"v\":1,\"pending\":[' .. enrolment('o', t1) .. ']}'\n"
    "local held = '8 {\"v\":1,\"holder\":' .. enrolment('h', t1,\n"
    "    ',\"state\":\"active\",\"same-as\":\"b.example\",'\n"
    "    .. '\"contact\":[\"x@y.example\"]')\n"
    "    .. ',\"pending\":[' .. enrolment('o', t2) .. ']}'\n"
    "local function state(...)\n"
    "    local what, mine = core.enrolled(...)\n"
    "    return what .. (mine and ' mine' or '')\n"
    "end\n"
    "assert(state('') == 'none' and state('x') == 'unknown')\n"
    "assert(state('9 {\"v\":99}', { t1 }) == 'unknown')\n"
    "assert(state(waits, { t2 }) == 'pending')\n"
    "assert(state(waits, { t2, t1 }) == 'pending mine')\n"
    "assert(state(held, { t1 }) == 'held mine')\n"
    "assert(state(held, { t2 }) == 'held')\n"
    "local record = assert(core.registry_record(held))\n"
    "local holder = record:holder()\n"
    "assert(holder.owner == 'h' and holder.token == t1)\n"
    "assert(holder.same_as == 'b.example' and holder.state == 'active')\n"
    "assert(holder.contacts[1] == 'x@y.example')\n"
    "assert(core.registry_record('x') == nil)\n"
    "assert(core.registry_record():holder() == nil)\n"
    "record = core.registry_record(waits)\n"
    "local seen = record:looked('p', 'a.example', 1795310000, {}, nil)\n"
    "assert(seen.status == 'nothing' and not seen.command)\n"
    "assert(seen.look > 1795310000)\n"
    "seen = record:looked('p', 'a.example', 1795310000,\n"
    "    { 'other', ('c'):rep(26) }, {}, core.registry_record())\n"
    "assert(seen.status == 'ok' and seen.command == 'EVAL')\n"
    "assert(table.concat(seen.args, ' '):find('domain-verified', 1, true))\n"
    "record:close()\n"
    "record = core.registry_record(waits)\n"
    "seen = record:expired('p', 'a.example', 1797310000)\n"
    "assert(seen.status == 'ok')\n"
    "name, args = core.registry_look('p', 'a.example', 1795310000)\n"
    "assert(name == 'ZADD' and args[2] == 'XX' and args[4] == 'a.example')\n"
    "for address in ('8.8.8.8 193.0.0.1 2a00:1450::1 64:ff9b::808:808'\n"
    "    .. ' 2002:808:808::1'):gmatch('%S+')\n"
    "do\n"
    "    assert(core.is_public(address), address)\n"
    "end\n"
    "for address in ('0.0.0.0 10.255.0.1 100.127.0.1 127.0.0.53 169.254.1.1'\n"
    "    .. ' 172.31.0.1 192.0.0.8 192.168.3.4 198.19.0.1 224.0.0.251'\n"
    "    .. ' 255.255.255.255 192.0.2.1 :: ::1 ::ffff:8.8.8.8 fe80::1'\n"
    "    .. ' fec0::1 fd00::1 ff02::1 2001:db8::1 2001::1 64:ff9b::7f00:1'\n"
    "    .. ' 2002:7f00:1::1 ::7f00:1 localhost 127.1 1.2.3'):gmatch('%S+')\n"
    "do\n"
    "    assert(not core.is_public(address), address)\n"
    "end\n";

/* Each has to raise an error, not to crash. */
static const char *const bad[] = {
    "core.parse()",
    "core.parse('text', 4, { max_size = 1 })",
    "core.parse(ptr, -1, { max_size = 1000 })",
    "core.parse(ptr, 0/0, { max_size = 1000 })",
    "core.parse(ptr, 1e300, { max_size = 1000 })",
    "core.parse(ptr, len)",
    "core.parse(ptr, len, {})",
    "core.parse(ptr, len, { max_size = 'x' })",
    "core.parse(ptr, len, { max_size = 1000, domain = {} })",
    "core.normalize({})",
    "core.tls_probe()",
    "core.tls_probe('x'):feed()",
    "core.begins_report()",
    "core.begins_report('text', 4)",
    "core.begins_report(ptr, -1)",
    "core.index_add()",
    "core.index_add('p', {})",
    "core.index_add('p', { {} })",
    "local t = {}; for i = 1, 65 do t[i] = 'a' end core.index_add('p', t)",
    "core.index_keep('p', 1e9)",
    "core.index_add_due(-1)",
    "core.due_add('p', 'a.example', -1)",
    "core.due_late('p')",
    "core.due_claim('p', 1e9)",
    "report:has_failures('other.example')",
    "core.event_index('p', 'a.example', -1)",
    "core.event_add('p', 'a.example', 'id', '{}')",
    "core.reckoning('p', 'a.example', 400, 1)",
    "core.reckoning('p', 'a.example', -1, 1, '1')",
    "core.closing()",
    "core.closing('p', 'a.example', -1, 0)",
    "core.closing('p', 'a.example', 1, 0/0)",
    "core.closing('p', 'a.example', 1, 1):add()",
    "core.index_keep_due(0)",
    "core.key_bits()",
    "core.dns_question()",
    "core.dns_question('a.example', 65536, 1)",
    "core.dns_question('a.example', 16, -1)",
    "core.dns_question('a.example', 16, 1, 'none')",
    "core.dns_answer('x', 'a.example', 16)",
    "core.dns_answer({}, 'a.example', 16, 1)",
    "core.is_public()",
    "core.upkeep('p', -1, 400)",
    "core.enrolled()",
    "core.enrolled('', 'x')",
    "core.enrolled('', { 1 })",
    "core.registry_record({})",
    "core.registry_look('p', 'a.example', 1e300)",
    "core.registry_record().holder(report)",
    "local r = core.registry_record(); r:close(); r:holder()",
    "core.registry_record():looked('p', 'a.example', -1)",
    "core.registry_record():looked('p', 'a.example', 1, { {} })",
    "core.registry_record():looked('p', 'a.example', 1, {}, {}, {})",
    "core.registry_record():expired('p', 'a.example', 1, 'x')",
    "core.key_bits({})",
    "report.domains()",
    "report.domains({})",
    "report.domains(io.stdout)",
    "report.ingest(core, 'example.com', {})",
    "report:ingest('example.com')",
    "report:ingest('example.com', {})",
    "report:ingest('example.org', { prefix = 'p', now = 1,"
    "    retention_days = 1, report_days = 1, original_ptr = ptr,"
    "    original_len = 1 })",
    "report:ingest('example.com', { prefix = 'p', now = -1,"
    "    retention_days = 1, report_days = 1, original_ptr = ptr,"
    "    original_len = 1 })",
    "report:ingest('example.com', { prefix = 'p', now = 1,"
    "    retention_days = 1e9, report_days = 1, original_ptr = ptr,"
    "    original_len = 1 })",
    "report:ingest('example.com', { prefix = 'p', now = 1,"
    "    retention_days = 1, report_days = 1, original_ptr = 'x',"
    "    original_len = 1 })",
    "report:check_range()",
    "report:check_range(1e30, 1)",
    "report:close(); report:domains()",
    "report:close(); report:day()",
    "report:__gc(); report:report_id()",
};


typedef struct {
    long  left;                             /* allocations until one fails */
} budget_t;

static int  failed, number;


static void
ok(int good, const char *name)
{
    printf("%sok %d - %s\n", good ? "" : "not ", ++number, name);
    failed |= !good;
}


static void *
allocate(void *ctx, void *old, size_t old_size, size_t size)
{
    budget_t  *budget = ctx;

    if (size == 0) {
        free(old);
        return NULL;
    }

    /* Shrinking never fails. */
    if (old != NULL && size <= old_size) {
        return realloc(old, size);
    }

    if (budget->left > 0 && --budget->left == 0) {
        return NULL;
    }

    return realloc(old, size);
}


/* The text with the module, a pointer and a length, under lua_cpcall(). */
static int
protected(lua_State *L)
{
    const char  *text;

    text = lua_touserdata(L, 1);

    if (luaL_loadstring(L, text) != 0) {
        return lua_error(L);
    }

    lua_pushcfunction(L, luaopen_tlsrpt_lua);
    lua_call(L, 0, 1);
    lua_pushlightuserdata(L, (void *) report_text);
    lua_pushinteger(L, (lua_Integer) sizeof(report_text) - 1);
    lua_call(L, 3, 0);

    return 0;
}


/* Runs the text; "" or the error.  budget_left 0: no allocation fails. */
static const char *
run(const char *text, long budget_left, int *exhausted)
{
    int            rc;
    budget_t       budget = { 0 };
    lua_State     *L;
    static char    message[512];

    L = lua_newstate(allocate, &budget);

    if (L == NULL) {
        return "no state";
    }

    luaL_openlibs(L);
    /* Its compiler does not survive the end of memory. */
    luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);

    budget.left = budget_left;
    rc = lua_cpcall(L, protected, (void *) text);
    *exhausted = budget_left != 0 && budget.left == 0;
    budget.left = 0;

    snprintf(message, sizeof(message), "%s",
             rc == 0 ? "" : lua_tostring(L, -1));
    lua_close(L);

    return message;
}


static void
test_bad(void)
{
    int          exhausted;
    char         text[2048], name[160];
    size_t       i;
    const char  *message;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(text, sizeof(text),
                 "local core, ptr, len = ...\n"
                 "local report = assert(core.parse(ptr, len,\n"
                 "    { max_size = 10000, domain = 'example.com' }))\n"
                 "assert(not pcall(function() %s end), 'no error')\n", bad[i]);
        message = run(text, 0, &exhausted);
        snprintf(name, sizeof(name), "refused: %.*s %s",
                 (int) strcspn(bad[i], "\n"), bad[i], message);
        ok(message[0] == '\0', name);
    }
}


/* LuaJIT does without some of them. */
static void
test_allocations(void)
{
    int          exhausted;
    long         n, noticed;
    const char  *message;

    noticed = 0;

    for (n = 1; n < 100000; n++) {
        message = run(script, n, &exhausted);

        if (!exhausted) {
            break;
        }

        noticed += message[0] != '\0';
    }

    printf("# %ld allocations, %ld of them raised an error\n", n - 1, noticed);
    ok(noticed > 100 && message[0] == '\0', "each allocation failed once");
}


int
main(void)
{
    int          exhausted;
    const char  *message;

    message = run(script, 0, &exhausted);
    ok(message[0] == '\0', message[0] ? message : "the module works");

    test_bad();
    test_allocations();

    printf("1..%d\n", number);

    return failed;
}
