/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <string.h>

#include <lua.h>
#include <lauxlib.h>

#include "tlsrpt_lua_probe.h"
#include "tlsrpt_lua_value.h"
#include "tlsrpt_tls_probe.h"


#define TLSRPT_LUA_PROBE  "tlsrpt{probe}"


typedef struct {
    tlsrpt_tls_probe_t  *probe;         /* NULL: closed */
} tlsrpt_lua_probe_t;


static const char *const tlsrpt_lua_probe_states[] = {
    "more", "done", "failed"
};


static tlsrpt_tls_probe_t *
tlsrpt_lua_check_probe(lua_State *L)
{
    tlsrpt_lua_probe_t  *lp;

    lp = luaL_checkudata(L, 1, TLSRPT_LUA_PROBE);

    if (lp->probe == NULL) {
        luaL_error(L, "the probe is closed");
    }

    return lp->probe;
}


static int
tlsrpt_lua_tls_probe(lua_State *L)
{
    const char          *name;
    tlsrpt_lua_probe_t  *lp;

    name = luaL_checkstring(L, 1);

    lp = lua_newuserdata(L, sizeof(tlsrpt_lua_probe_t));
    lp->probe = NULL;
    luaL_getmetatable(L, TLSRPT_LUA_PROBE);
    lua_setmetatable(L, -2);

    lp->probe = tlsrpt_tls_probe_create(name);

    if (lp->probe == NULL) {
        return tlsrpt_lua_push_memory_error(L);
    }

    return 1;
}


static int
tlsrpt_lua_probe_close(lua_State *L)
{
    tlsrpt_lua_probe_t  *lp;

    lp = luaL_checkudata(L, 1, TLSRPT_LUA_PROBE);

    if (lp->probe != NULL) {
        tlsrpt_tls_probe_destroy(lp->probe);
        lp->probe = NULL;
    }

    return 0;
}


static void
tlsrpt_lua_probe_push_output(lua_State *L, tlsrpt_tls_probe_t *probe)
{
    size_t       len;
    const char  *bytes;

    len = tlsrpt_tls_probe_output(probe, &bytes);
    lua_pushlstring(L, len > 0 ? bytes : "", len);
    tlsrpt_tls_probe_sent(probe);
}


static int
tlsrpt_lua_probe_feed(lua_State *L)
{
    tlsrpt_str_t         bytes;
    tlsrpt_tls_probe_t  *probe;
    tlsrpt_tls_state_t   state;

    probe = tlsrpt_lua_check_probe(L);
    bytes = tlsrpt_lua_check_str(L, 2);

    state = tlsrpt_tls_probe_feed(probe, bytes.data, bytes.len);
    tlsrpt_lua_probe_push_output(L, probe);
    lua_pushstring(L, tlsrpt_lua_probe_states[state]);
    lua_pushstring(L, tlsrpt_tls_probe_error(probe));

    return 3;
}


static int
tlsrpt_lua_probe_read(lua_State *L)
{
    int                  closed;
    char                 buf[TLSRPT_TLS_MAX_READ];
    size_t               len;
    tlsrpt_tls_probe_t  *probe;

    probe = tlsrpt_lua_check_probe(L);
    len = tlsrpt_tls_probe_read(probe, buf, &closed);
    lua_pushlstring(L, buf, len);
    lua_pushboolean(L, closed);

    return 2;
}


static int
tlsrpt_lua_probe_write(lua_State *L)
{
    tlsrpt_str_t         text;
    tlsrpt_tls_probe_t  *probe;

    probe = tlsrpt_lua_check_probe(L);
    text = tlsrpt_lua_check_str(L, 2);
    tlsrpt_tls_probe_write(probe, text.data, text.len);
    tlsrpt_lua_probe_push_output(L, probe);

    return 1;
}


static void
tlsrpt_lua_probe_push_certificate(lua_State *L,
    const tlsrpt_tls_certificate_t *cert)
{
    lua_createtable(L, 0, 5);
    tlsrpt_lua_set_text(L, "subject", cert->subject);
    tlsrpt_lua_set_text(L, "issuer", cert->issuer);
    lua_pushnumber(L, (lua_Number) cert->not_before);
    lua_setfield(L, -2, "not-before");
    lua_pushnumber(L, (lua_Number) cert->not_after);
    lua_setfield(L, -2, "not-after");
    tlsrpt_lua_set_text(L, "sha256", cert->whole.sha256);
}


static void
tlsrpt_lua_probe_push_digests(lua_State *L,
    const tlsrpt_tls_certificate_t *cert)
{
    lua_createtable(L, 0, 5);
    tlsrpt_lua_set_text(L, "sha256", cert->whole.sha256);
    tlsrpt_lua_set_text(L, "sha512", cert->whole.sha512);
    tlsrpt_lua_set_text(L, "key-sha256", cert->key.sha256);
    tlsrpt_lua_set_text(L, "key-sha512", cert->key.sha512);
    lua_pushboolean(L, cert->issued);
    lua_setfield(L, -2, "issued");
}


/* Fields "chain" and "digests" of the table on top. */
static void
tlsrpt_lua_probe_set_chain(lua_State *L, const tlsrpt_tls_probe_t *probe)
{
    size_t                    i, n;
    tlsrpt_tls_certificate_t  chain[TLSRPT_TLS_MAX_CHAIN];

    n = tlsrpt_tls_probe_chain(probe, chain);

    lua_createtable(L, (int) n, 0);
    lua_createtable(L, (int) n, 0);

    for (i = 0; i < n; i++) {
        tlsrpt_lua_probe_push_certificate(L, &chain[i]);
        lua_rawseti(L, -3, (int) i + 1);
        tlsrpt_lua_probe_push_digests(L, &chain[i]);
        lua_rawseti(L, -2, (int) i + 1);
    }

    lua_setfield(L, -3, "digests");
    lua_setfield(L, -2, "chain");
}


static void
tlsrpt_lua_probe_set_names(lua_State *L, const tlsrpt_tls_probe_t *probe)
{
    int     n = 0;
    char    name[TLSRPT_TLS_MAX_NAME + 1];
    size_t  at = 0;

    lua_newtable(L);

    while (n < TLSRPT_TLS_MAX_NAMES
           && tlsrpt_tls_probe_name(probe, &at, name))
    {
        lua_pushstring(L, name);
        lua_rawseti(L, -2, ++n);
    }

    lua_setfield(L, -2, "names");
}


static int
tlsrpt_lua_probe_peer(lua_State *L)
{
    long                 verified;
    tlsrpt_tls_probe_t  *probe;

    probe = tlsrpt_lua_check_probe(L);
    verified = tlsrpt_tls_probe_verified(probe);

    lua_createtable(L, 0, 6);
    tlsrpt_lua_set_text(L, "tls", tlsrpt_tls_probe_version(probe));
    lua_pushnumber(L, (lua_Number) verified);
    lua_setfield(L, -2, "verify");
    tlsrpt_lua_set_text(L, "verify-text", tlsrpt_tls_verify_text(verified));
    tlsrpt_lua_probe_set_chain(L, probe);
    tlsrpt_lua_probe_set_names(L, probe);

    return 1;
}


static const luaL_Reg tlsrpt_lua_probe_methods[] = {
    { "feed",       tlsrpt_lua_probe_feed },
    { "read",       tlsrpt_lua_probe_read },
    { "write",      tlsrpt_lua_probe_write },
    { "peer",       tlsrpt_lua_probe_peer },
    { "close",      tlsrpt_lua_probe_close },
    { "__gc",       tlsrpt_lua_probe_close },
    { NULL,         NULL }
};

static const luaL_Reg tlsrpt_lua_probe_table[] = {
    { "tls_probe",  tlsrpt_lua_tls_probe },
    { NULL,         NULL }
};


void
tlsrpt_lua_probe_class(lua_State *L)
{
    tlsrpt_lua_class(L, TLSRPT_LUA_PROBE, tlsrpt_lua_probe_methods);
}


void
tlsrpt_lua_probe_functions(lua_State *L)
{
    luaL_register(L, NULL, tlsrpt_lua_probe_table);
}
