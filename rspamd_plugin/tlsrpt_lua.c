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
 *     report:check_range(now, retention_days)
 *                                      -> true, or nil, err
 *     report:ingest(domain, { prefix, now, retention_days, report_days,
 *                             signer, original_ptr, original_len })
 *                                      -> the arguments of EVAL
 *     report:close()                   frees the report before the collector
 *     core.normalize(name)             -> normalized domain or nil
 *     core.begins_report(ptr, len)     -> whether the text, decompressed where
 *                                         it is gzip, begins as an object does
 *     core.key_bits(p)                 -> bits of the RSA key in a DKIM record,
 *                                         or nil
 *
 * A Lua error unwinds by longjmp, so whatever the core allocates belongs to a
 * userdata with a __gc before the next call that may raise one.
 */

#include <limits.h>
#include <string.h>

#include <lua.h>
#include <lauxlib.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <zlib.h>

#include "tlsrpt_collect.h"
#include "tlsrpt_time.h"
#include "tlsrpt_version.h"


#define TLSRPT_LUA_REPORT    "tlsrpt{report}"
#define TLSRPT_LUA_COMMAND   "tlsrpt{command}"

#define TLSRPT_LUA_MAX_DAYS  100000
#define TLSRPT_LUA_HEAD      64             /* bytes looked at of a text */
#define TLSRPT_LUA_MAX_KEY   4096           /* of a key in base64 */


typedef struct {
    tlsrpt_reader_t        *reader;
    const tlsrpt_report_t  *report;         /* the reader's; NULL: closed */
} tlsrpt_lua_report_t;

typedef struct {
    tlsrpt_command_t       *command;
} tlsrpt_lua_command_t;


__attribute__((visibility("default")))
int luaopen_tlsrpt_lua(lua_State *L);


static const char *const tlsrpt_lua_codes[] = {
    "OK",
#define XX(name, status, text) #name,
    TLSRPT_ERROR_MAP(XX)
#undef XX
};


static void
tlsrpt_lua_push_str(lua_State *L, tlsrpt_str_t s)
{
    if (s.data == NULL) {
        lua_pushnil(L);
        return;
    }

    lua_pushlstring(L, s.data, s.len);
}


static void
tlsrpt_lua_set_size(lua_State *L, const char *name, size_t value)
{
    lua_pushnumber(L, (lua_Number) value);
    lua_setfield(L, -2, name);
}


static void
tlsrpt_lua_set_text(lua_State *L, const char *name, const char *value)
{
    lua_pushstring(L, value);
    lua_setfield(L, -2, name);
}


/* Leaves nil and the error's table. */
static int
tlsrpt_lua_push_error(lua_State *L, const tlsrpt_error_t *error)
{
    lua_pushnil(L);
    lua_createtable(L, 0, 7);

    tlsrpt_lua_set_text(L, "code", tlsrpt_lua_codes[error->code]);
    tlsrpt_lua_set_text(L, "text", tlsrpt_error_text(error->code));
    tlsrpt_lua_set_text(L, "path", error->path);
    tlsrpt_lua_set_text(L, "detail", error->detail);
    tlsrpt_lua_set_size(L, "offset", error->offset);
    tlsrpt_lua_set_size(L, "line", error->line);
    tlsrpt_lua_set_size(L, "column", error->column);

    return 2;
}


static int
tlsrpt_lua_push_memory_error(lua_State *L)
{
    tlsrpt_error_t  error;

    memset(&error, 0, sizeof(error));
    error.code = TLSRPT_ERR_MEMORY;

    return tlsrpt_lua_push_error(L, &error);
}


/* The fields of a table argument: each is left on the stack, which keeps what
   it points to alive. */

static tlsrpt_str_t
tlsrpt_lua_field_str(lua_State *L, int table, const char *name)
{
    tlsrpt_str_t  s;

    lua_getfield(L, table, name);

    s.len = 0;
    s.data = lua_isnil(L, -1) ? NULL : luaL_checklstring(L, -1, &s.len);

    return s;
}


/* A whole number from 0 to max. */
static int64_t
tlsrpt_lua_whole(lua_State *L, int index, const char *name, double max)
{
    lua_Number  value;

    value = luaL_checknumber(L, index);

    if (!(value >= 0 && value <= max)) {
        luaL_error(L, "%s is out of range", name);
    }

    return (int64_t) value;
}


static int64_t
tlsrpt_lua_field_whole(lua_State *L, int table, const char *name, double max)
{
    lua_getfield(L, table, name);

    return tlsrpt_lua_whole(L, -1, name, max);
}


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

    lua_pushnumber(L, (lua_Number) report->nwarnings_beyond);

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

    lua_getfield(L, 3, "original_ptr");
    luaL_checktype(L, -1, LUA_TLIGHTUSERDATA);
    ingest->original.data = lua_touserdata(L, -1);
    ingest->original.len = (size_t)
        tlsrpt_lua_field_whole(L, 3, "original_len", TLSRPT_MAX_COUNT);
}


/*
 * Pushes what follows the word EVAL: the text of the script in place of its
 * digest, and what follows that.  The table is made with its final size:
 * rspamd takes the arguments in lua_next() order, which is that of the indexes
 * only within a table's array part.
 */
static void
tlsrpt_lua_push_command(lua_State *L, const tlsrpt_command_t *command)
{
    size_t  i;

    lua_createtable(L, (int) command->argc - 1, 0);

    lua_pushlstring(L, tlsrpt_ingest_script, tlsrpt_ingest_script_len);
    lua_rawseti(L, -2, 1);

    for (i = 2; i < command->argc; i++) {
        lua_pushlstring(L, command->argv[i], command->argvlen[i]);
        lua_rawseti(L, -2, (int) i);
    }
}


static int
tlsrpt_lua_command_gc(lua_State *L)
{
    tlsrpt_lua_command_t  *lc;

    lc = luaL_checkudata(L, 1, TLSRPT_LUA_COMMAND);

    if (lc->command != NULL) {
        tlsrpt_command_destroy(lc->command);
        lc->command = NULL;
    }

    return 0;
}


static int
tlsrpt_lua_ingest(lua_State *L)
{
    unsigned                domain;
    tlsrpt_ingest_t         ingest;
    tlsrpt_lua_command_t   *lc;
    const tlsrpt_report_t  *report;

    report = tlsrpt_lua_check_report(L)->report;
    domain = tlsrpt_lua_check_domain(L, report);
    tlsrpt_lua_check_ingest(L, &ingest);

    lc = lua_newuserdata(L, sizeof(tlsrpt_lua_command_t));
    lc->command = NULL;
    luaL_getmetatable(L, TLSRPT_LUA_COMMAND);
    lua_setmetatable(L, -2);

    lc->command = tlsrpt_ingest_command(report, domain, &ingest);

    if (lc->command == NULL) {
        return tlsrpt_lua_push_memory_error(L);
    }

    tlsrpt_lua_push_command(L, lc->command);

    tlsrpt_command_destroy(lc->command);
    lc->command = NULL;

    return 1;
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


/* The first bytes of what is compressed; the number of them, 0 where it cannot
   be read.  Room for TLSRPT_LUA_HEAD bytes. */
static size_t
tlsrpt_lua_inflate_head(const void *bytes, size_t len, unsigned char *head)
{
    size_t    n;
    z_stream  zs;

    memset(&zs, 0, sizeof(zs));

    if (inflateInit2(&zs, 15 + 16) != Z_OK) {
        return 0;
    }

    zs.next_in = (Bytef *) bytes;
    zs.avail_in = len > UINT_MAX ? UINT_MAX : (uInt) len;
    zs.next_out = head;
    zs.avail_out = TLSRPT_LUA_HEAD;

    (void) inflate(&zs, Z_SYNC_FLUSH);

    n = TLSRPT_LUA_HEAD - zs.avail_out;
    inflateEnd(&zs);

    return n;
}


static int
tlsrpt_lua_is_gzip(const unsigned char *bytes, size_t len)
{
    return len >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}


/* Compressed twice happens (RFC 8460 5.2 does not speak of it): what comes out
   compressed is taken for a report. */
static int
tlsrpt_lua_begins_report(lua_State *L)
{
    size_t                len, i;
    unsigned char         head[TLSRPT_LUA_HEAD];
    const unsigned char  *p;

    luaL_checktype(L, 1, LUA_TLIGHTUSERDATA);

    p = lua_touserdata(L, 1);
    len = (size_t) tlsrpt_lua_whole(L, 2, "len", TLSRPT_MAX_COUNT);

    if (tlsrpt_lua_is_gzip(p, len)) {
        len = tlsrpt_lua_inflate_head(p, len, head);
        p = head;
    }

    i = len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    while (i < len && i < TLSRPT_LUA_HEAD && strchr(" \t\r\n", p[i]) != NULL
           && p[i] != '\0')
    {
        i++;
    }

    lua_pushboolean(L, tlsrpt_lua_is_gzip(p, len) || (i < len && p[i] == '{'));

    return 1;
}


/* The RSA key in DER, as SubjectPublicKeyInfo or, as some have it, as
   RSAPublicKey (RFC 6376 3.6.1, RFC 8301); its bits, 0 where it is none. */
static int
tlsrpt_lua_rsa_bits(const unsigned char *der, size_t len)
{
    int                   bits;
    EVP_PKEY             *key;
    const unsigned char  *p = der;

    key = d2i_PUBKEY(NULL, &p, (long) len);

    if (key == NULL) {
        p = der;
        key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long) len);
    }

    if (key == NULL) {
        ERR_clear_error();
        return 0;
    }

    bits = EVP_PKEY_bits(key);
    EVP_PKEY_free(key);

    return bits;
}


static int
tlsrpt_lua_key_bits(lua_State *L)
{
    int             n, bits;
    size_t          len;
    const char     *text;
    unsigned char   der[TLSRPT_LUA_MAX_KEY];

    text = luaL_checklstring(L, 1, &len);
    bits = 0;

    if (len > 0 && len <= TLSRPT_LUA_MAX_KEY) {
        n = EVP_DecodeBlock(der, (const unsigned char *) text, (int) len);
        bits = n > 0 ? tlsrpt_lua_rsa_bits(der, (size_t) n) : 0;
    }

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
    { "check_range",        tlsrpt_lua_check_range },
    { "ingest",             tlsrpt_lua_ingest },
    { "close",              tlsrpt_lua_close },
    { "__gc",               tlsrpt_lua_close },
    { NULL,                 NULL }
};

static const luaL_Reg tlsrpt_lua_command_methods[] = {
    { "__gc",               tlsrpt_lua_command_gc },
    { NULL,                 NULL }
};

static const luaL_Reg tlsrpt_lua_functions[] = {
    { "parse",              tlsrpt_lua_parse },
    { "normalize",          tlsrpt_lua_normalize },
    { "begins_report",      tlsrpt_lua_begins_report },
    { "key_bits",           tlsrpt_lua_key_bits },
    { NULL,                 NULL }
};


static void
tlsrpt_lua_class(lua_State *L, const char *name, const luaL_Reg *methods)
{
    luaL_newmetatable(L, name);
    luaL_register(L, NULL, methods);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}


int
luaopen_tlsrpt_lua(lua_State *L)
{
    tlsrpt_lua_class(L, TLSRPT_LUA_REPORT, tlsrpt_lua_report_methods);
    tlsrpt_lua_class(L, TLSRPT_LUA_COMMAND, tlsrpt_lua_command_methods);

    lua_createtable(L, 0, 4);
    luaL_register(L, NULL, tlsrpt_lua_functions);

    lua_pushstring(L, tlsrpt_release);
    lua_setfield(L, -2, "version");

    return 1;
}
