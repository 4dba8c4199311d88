/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The core as a Lua 5.1 module, for rspamd's LuaJIT:
 *
 *     local core = require "tlsrpt_lua"
 *
 *     report, err, size = core.parse(ptr, len, { max_size = N, domain = D,
 *                                                hint = H })
 *     err = { code, text, path, detail, offset, line, column }
 *     size: of the text that was read, decompressed
 *     report:domains()                 -> { "example.com", ... }
 *     report:organization_name(), :report_id(), :contact_info()
 *                                      -> string or nil
 *     report:day()                     -> "YYYY-MM-DD"
 *     report:warnings()                -> { { path, section, message }, ... },
 *                                         how many more there were
 *     report:has_failures(domain)      -> whether it says that sessions failed
 *     report:check_range(now, retention_days)
 *                                      -> true, or nil, err
 *     report:ingest(domain, { prefix, now, retention_days, report_days,
 *                             signer, original_ptr, original_len, ask_new })
 *                                      -> a command and its arguments, or nil,
 *                                         err; all commands are given so
 *     report:close()                   frees the report before the collector
 *     core.index_add_due(answer)       -> whether the index may lack the domain
 *                                         that the script gave this answer for
 *     core.index_add(prefix, { domain, ... })
 *     core.index_keep(prefix, retention_days)
 *     core.index_keep_due(added, since)
 *                                      -> whether index_keep must follow, see
 *                                         tlsrpt_index.h
 *     core.newcomer_count(prefix, name, now), core.newcomer_keep(prefix, now)
 *     core.newcomer_keep_due(count)    -> whether newcomer_keep must follow
 *     core.newcomer_may(count, nth)    -> whether the nth new domain of a
 *                                         report may be stored, see
 *                                         tlsrpt_newcomer.h
 *     core.due_add(prefix, domain, delay)
 *     core.due_late(prefix, domain)
 *     core.due_claim(prefix, n)        see tlsrpt_due.h
 *     core.event_index(prefix, domain, milliseconds)
 *     core.event_add(prefix, domain, id, event, keep)
 *                                      see tlsrpt_commit.h
 *     core.DUE_SOON, core.DUE_LATER    delays
 *     core.closing(prefix, domain, retention_days, now)
 *                                      -> steps, see tlsrpt_closing.h
 *     core.upkeep(prefix, now, retention_days)
 *                                      -> steps, see tlsrpt_registry_upkeep.h
 *     core.reckoning(prefix, domain, retention_days, now, score)
 *                                      -> steps, see tlsrpt_reckoning.h
 *     steps:next()                     -> a command and its arguments; nil:
 *                                         that was all
 *     steps:add(reply)                 takes the reply to it, as lua_redis
 *                                         gives it; true, or nil, err
 *     steps:newer()                    -> whether a later version is to do it
 *     steps:close()                    frees them before the collector
 *     core.enrolled(text, tokens)      -> of what the registry has of a domain
 *                                         ("": nothing): "held", "pending",
 *                                         "none", "unknown" (by a newer
 *                                         version); whether one of the tokens
 *                                         is of the holder, or of one that
 *                                         waits where there is none
 *     core.token()                     -> a new one
 *     core.registry_look(prefix, domain, second)
 *     core.registry_record(text)       -> a record, or nil and why not
 *     record:holder()                  -> { owner, state, token, same_as,
 *                                           contacts }, or nil
 *     record:looked(prefix, domain, now, verify, reporting, other)
 *     record:expired(prefix, domain, now, pointing)
 *                                      -> { status, text, look, passed,
 *                                           command, args }, see
 *                                         tlsrpt_registry_change.h; status:
 *                                         "ok", "nothing", "newer", ...; or
 *                                         nil, err
 *     core.dns_question(name, type, id, whom)
 *                                      -> its bytes, or nil where the name
 *                                         cannot be asked for; whom: "zone",
 *                                         "resolver" or "unchecked", see
 *                                         tlsrpt_dns_query.h
 *     core.dns_answer(bytes, name, type, id)
 *                                      -> { rcode, authoritative, cut,
 *                                         authentic, cname, records }, or nil:
 *                                         it is no answer to that.  Records:
 *                                         texts of TXT, bytes of others.  See
 *                                         tlsrpt_dns_query.h
 *     core.tls_probe(name)             -> a probe that wants name, or nil, err;
 *                                         see tlsrpt_tls_probe.h
 *     probe:feed(bytes)                -> bytes for the server; "more", "done"
 *                                         or "failed"; and why that
 *     probe:write(text)                -> bytes for the server
 *     probe:read()                     -> text, whether nothing more will come
 *     probe:peer()                     -> { tls, verify, verify-text, chain,
 *                                           digests, names }
 *     probe:close()                    frees it before the collector
 *     core.findings(domain, check, now)
 *                                      -> what is wrong by what was seen, both
 *                                         as JSON, see tlsrpt_finding.h; or nil
 *     core.is_public(address)          -> whether it is of the public Internet
 *     core.normalize(name)             -> normalized domain or nil
 *     core.begins_report(ptr, len)     -> whether the text, decompressed where
 *                                         it is gzip, begins as an object does
 *     core.key_bits(p)                 -> bits of the RSA key in a DKIM record,
 *                                         or nil
 *
 * A Lua error unwinds by longjmp, so whatever the core allocates belongs to a
 * userdata with a __gc before the next call that may raise one.
 */

#include <string.h>

#include <lua.h>
#include <lauxlib.h>

#include "tlsrpt_collect.h"
#include "tlsrpt_lua_check.h"
#include "tlsrpt_lua_command.h"
#include "tlsrpt_lua_dns.h"
#include "tlsrpt_lua_probe.h"
#include "tlsrpt_lua_registry.h"
#include "tlsrpt_lua_steps.h"
#include "tlsrpt_lua_value.h"
#include "tlsrpt_peek.h"
#include "tlsrpt_time.h"
#include "tlsrpt_version.h"


#define TLSRPT_LUA_REPORT  "tlsrpt{report}"


typedef struct {
    tlsrpt_reader_t        *reader;
    const tlsrpt_report_t  *report;         /* the reader's; NULL: closed */
} tlsrpt_lua_report_t;


__attribute__((visibility("default")))
int luaopen_tlsrpt_lua(lua_State *L);


static tlsrpt_lua_report_t *
tlsrpt_lua_check_report(lua_State *L)
{
    tlsrpt_lua_report_t  *lr;

    lr = luaL_checkudata(L, 1, TLSRPT_LUA_REPORT);

    if (lr->report == NULL) {
        luaL_error(L, "the report is closed");
    }

    return lr;
}


static int
tlsrpt_lua_parse(lua_State *L)
{
    int                    rc;
    size_t                 len;
    const void            *bytes;
    tlsrpt_lua_report_t   *lr;
    tlsrpt_reader_conf_t   conf;

    luaL_checktype(L, 1, LUA_TLIGHTUSERDATA);
    luaL_checktype(L, 3, LUA_TTABLE);

    bytes = lua_touserdata(L, 1);
    len = (size_t) tlsrpt_lua_whole(L, 2, "len", TLSRPT_MAX_COUNT);
    memset(&conf, 0, sizeof(tlsrpt_reader_conf_t));
    conf.keep_text = 1;
    conf.max_size = (size_t) tlsrpt_lua_field_whole(L, 3, "max_size",
                                                    TLSRPT_MAX_COUNT);
    conf.domain = tlsrpt_lua_field_str(L, 3, "domain");
    conf.hint = tlsrpt_lua_field_str(L, 3, "hint");

    lr = lua_newuserdata(L, sizeof(tlsrpt_lua_report_t));
    memset(lr, 0, sizeof(tlsrpt_lua_report_t));
    luaL_getmetatable(L, TLSRPT_LUA_REPORT);
    lua_setmetatable(L, -2);

    lr->reader = tlsrpt_reader_create();

    if (lr->reader == NULL) {
        tlsrpt_lua_push_memory_error(L);
        lua_pushnumber(L, 0);
        return 3;
    }

    tlsrpt_reader_reset(lr->reader, &conf);

    rc = tlsrpt_reader_feed(lr->reader, bytes, len);

    if (rc == TLSRPT_OK) {
        rc = tlsrpt_reader_finish(lr->reader, &lr->report);
    }

    if (rc != TLSRPT_OK) {
        lr->report = NULL;
        tlsrpt_lua_push_error(L, tlsrpt_reader_error(lr->reader));

    } else {
        lua_pushnil(L);
    }

    lua_pushnumber(L, (lua_Number) tlsrpt_reader_text_size(lr->reader));

    return 3;
}


static int
tlsrpt_lua_close(lua_State *L)
{
    tlsrpt_lua_report_t  *lr;

    lr = luaL_checkudata(L, 1, TLSRPT_LUA_REPORT);

    lr->report = NULL;

    if (lr->reader != NULL) {
        tlsrpt_reader_destroy(lr->reader);
        lr->reader = NULL;
    }

    return 0;
}


static int
tlsrpt_lua_domains(lua_State *L)
{
    size_t                  i;
    const tlsrpt_report_t  *report;

    report = tlsrpt_lua_check_report(L)->report;

    lua_createtable(L, (int) report->ndomains, 0);

    for (i = 0; i < report->ndomains; i++) {
        tlsrpt_lua_push_str(L, report->domains[i]);
        lua_rawseti(L, -2, (int) i + 1);
    }

    return 1;
}


static int
tlsrpt_lua_organization_name(lua_State *L)
{
    tlsrpt_lua_push_str(L,
                        tlsrpt_lua_check_report(L)->report->organization_name);
    return 1;
}


static int
tlsrpt_lua_report_id(lua_State *L)
{
    tlsrpt_lua_push_str(L, tlsrpt_lua_check_report(L)->report->report_id);
    return 1;
}


static int
tlsrpt_lua_contact_info(lua_State *L)
{
    tlsrpt_lua_push_str(L, tlsrpt_lua_check_report(L)->report->contact_info);
    return 1;
}


static int
tlsrpt_lua_day(lua_State *L)
{
    char  text[TLSRPT_DAY_TEXT_LEN + 1];

    tlsrpt_day_text(tlsrpt_lua_check_report(L)->report->day, text);
    lua_pushlstring(L, text, TLSRPT_DAY_TEXT_LEN);

    return 1;
}


static int
tlsrpt_lua_warnings(lua_State *L)
{
    size_t                   i;
    const tlsrpt_report_t   *report;
    const tlsrpt_warning_t  *warning;

    report = tlsrpt_lua_check_report(L)->report;

    lua_createtable(L, (int) report->nwarnings, 0);

    for (i = 0; i < report->nwarnings; i++) {
        warning = &report->warnings[i];

        lua_createtable(L, 0, 3);
        tlsrpt_lua_set_text(L, "path", warning->path);
        tlsrpt_lua_set_text(L, "section", warning->section);
        tlsrpt_lua_set_text(L, "message", warning->message);
        lua_rawseti(L, -2, (int) i + 1);
    }

    lua_pushnumber(L, (lua_Number) report->nwarnings_overflow);

    return 2;
}


static int
tlsrpt_lua_check_range(lua_State *L)
{
    int64_t                 now;
    unsigned                retention_days;
    tlsrpt_error_t          error;
    const tlsrpt_report_t  *report;

    report = tlsrpt_lua_check_report(L)->report;
    now = tlsrpt_lua_whole(L, 2, "now", TLSRPT_MAX_COUNT);
    retention_days = (unsigned) tlsrpt_lua_whole(L, 3, "retention_days",
                                                 TLSRPT_LUA_MAX_DAYS);

    memset(&error, 0, sizeof(error));

    if (tlsrpt_report_check_range(report, now, retention_days, &error)
        != TLSRPT_OK)
    {
        return tlsrpt_lua_push_error(L, &error);
    }

    lua_pushboolean(L, 1);

    return 1;
}


/* Index of the domain named by argument 2. */
static unsigned
tlsrpt_lua_check_domain(lua_State *L, const tlsrpt_report_t *report)
{
    size_t       i, len;
    const char  *name;

    name = luaL_checklstring(L, 2, &len);

    for (i = 0; i < report->ndomains; i++) {
        if (report->domains[i].len == len
            && memcmp(report->domains[i].data, name, len) == 0)
        {
            return (unsigned) i;
        }
    }

    return (unsigned) luaL_argerror(L, 2, "no policy domain of the report");
}


static int
tlsrpt_lua_has_failures(lua_State *L)
{
    const tlsrpt_report_t  *report;

    report = tlsrpt_lua_check_report(L)->report;
    lua_pushboolean(L, tlsrpt_report_has_failures(report,
                           tlsrpt_lua_check_domain(L, report)));

    return 1;
}


/* The options of ingest() in the table that is argument 3. */
static void
tlsrpt_lua_check_ingest(lua_State *L, tlsrpt_ingest_t *ingest)
{
    luaL_checktype(L, 3, LUA_TTABLE);
    luaL_checkstack(L, 16, "ingest");

    memset(ingest, 0, sizeof(tlsrpt_ingest_t));

    ingest->via = TLSRPT_VIA_MAIL;
    ingest->prefix = tlsrpt_lua_field_str(L, 3, "prefix");
    ingest->signer = tlsrpt_lua_field_str(L, 3, "signer");
    ingest->now = tlsrpt_lua_field_whole(L, 3, "now", TLSRPT_MAX_COUNT);
    ingest->retention_days = (unsigned)
        tlsrpt_lua_field_whole(L, 3, "retention_days", TLSRPT_LUA_MAX_DAYS);
    ingest->report_days = (unsigned)
        tlsrpt_lua_field_whole(L, 3, "report_days", TLSRPT_LUA_MAX_DAYS);

    lua_getfield(L, 3, "ask_new");
    ingest->ask_new = lua_toboolean(L, -1);
    lua_pop(L, 1);

    lua_getfield(L, 3, "original_ptr");
    luaL_checktype(L, -1, LUA_TLIGHTUSERDATA);
    ingest->original.data = lua_touserdata(L, -1);
    ingest->original.len = (size_t)
        tlsrpt_lua_field_whole(L, 3, "original_len", TLSRPT_MAX_COUNT);
}


static int
tlsrpt_lua_ingest(lua_State *L)
{
    unsigned                domain;
    tlsrpt_ingest_t         ingest;
    tlsrpt_command_t      **command;
    const tlsrpt_report_t  *report;

    report = tlsrpt_lua_check_report(L)->report;
    domain = tlsrpt_lua_check_domain(L, report);
    tlsrpt_lua_check_ingest(L, &ingest);

    command = tlsrpt_lua_push_owner(L);
    *command = tlsrpt_ingest_command(report, domain, &ingest);

    return tlsrpt_lua_push_owned(L, command);
}


static int
tlsrpt_lua_normalize(lua_State *L)
{
    char         buf[TLSRPT_DOMAIN_LEN + 1];
    size_t       len;
    const char  *name;

    name = luaL_checklstring(L, 1, &len);
    len = tlsrpt_domain_normalize(name, len, buf);

    if (len == 0) {
        lua_pushnil(L);
        return 1;
    }

    lua_pushlstring(L, buf, len);

    return 1;
}


static int
tlsrpt_lua_begins_report(lua_State *L)
{
    size_t       len;
    const void  *p;

    luaL_checktype(L, 1, LUA_TLIGHTUSERDATA);

    p = lua_touserdata(L, 1);
    len = (size_t) tlsrpt_lua_whole(L, 2, "len", TLSRPT_MAX_COUNT);

    lua_pushboolean(L, tlsrpt_peek_begins_report(p, len));

    return 1;
}


static int
tlsrpt_lua_key_bits(lua_State *L)
{
    int           bits;
    tlsrpt_str_t  text;

    text = tlsrpt_lua_check_str(L, 1);
    bits = tlsrpt_peek_key_bits(text.data, text.len);

    if (bits == 0) {
        lua_pushnil(L);
        return 1;
    }

    lua_pushnumber(L, bits);

    return 1;
}


static const luaL_Reg tlsrpt_lua_report_methods[] = {
    { "domains",            tlsrpt_lua_domains },
    { "organization_name",  tlsrpt_lua_organization_name },
    { "report_id",          tlsrpt_lua_report_id },
    { "contact_info",       tlsrpt_lua_contact_info },
    { "day",                tlsrpt_lua_day },
    { "warnings",           tlsrpt_lua_warnings },
    { "has_failures",       tlsrpt_lua_has_failures },
    { "check_range",        tlsrpt_lua_check_range },
    { "ingest",             tlsrpt_lua_ingest },
    { "close",              tlsrpt_lua_close },
    { "__gc",               tlsrpt_lua_close },
    { NULL,                 NULL }
};

static const luaL_Reg tlsrpt_lua_functions[] = {
    { "parse",              tlsrpt_lua_parse },
    { "normalize",          tlsrpt_lua_normalize },
    { "begins_report",      tlsrpt_lua_begins_report },
    { "key_bits",           tlsrpt_lua_key_bits },
    { "closing",            tlsrpt_lua_closing },
    { "reckoning",          tlsrpt_lua_reckoning },
    { "upkeep",             tlsrpt_lua_upkeep },
    { NULL,                 NULL }
};


int
luaopen_tlsrpt_lua(lua_State *L)
{
    tlsrpt_lua_class(L, TLSRPT_LUA_REPORT, tlsrpt_lua_report_methods);
    tlsrpt_lua_command_class(L);
    tlsrpt_lua_steps_class(L);
    tlsrpt_lua_registry_class(L);
    tlsrpt_lua_probe_class(L);

    lua_createtable(L, 0, 32);
    luaL_register(L, NULL, tlsrpt_lua_functions);
    tlsrpt_lua_command_functions(L);
    tlsrpt_lua_dns_functions(L);
    tlsrpt_lua_probe_functions(L);
    tlsrpt_lua_check_functions(L);
    tlsrpt_lua_registry_functions(L);

    lua_pushstring(L, tlsrpt_release);
    lua_setfield(L, -2, "version");

    lua_pushnumber(L, TLSRPT_DUE_SOON);
    lua_setfield(L, -2, "DUE_SOON");
    lua_pushnumber(L, TLSRPT_DUE_LATER);
    lua_setfield(L, -2, "DUE_LATER");

    return 1;
}
