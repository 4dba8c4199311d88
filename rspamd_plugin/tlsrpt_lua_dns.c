/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <lua.h>
#include <lauxlib.h>

#include "tlsrpt_address.h"
#include "tlsrpt_dns_query.h"
#include "tlsrpt_lua_dns.h"
#include "tlsrpt_lua_value.h"


#define TLSRPT_LUA_DNS_TXT  16          /* RFC 1035 3.2.2 */


static int
tlsrpt_lua_dns_question(lua_State *L)
{
    size_t         len;
    unsigned       type, id;
    const char    *name;
    static const char *const  whom[] = { "zone", "resolver", "unchecked",
                                         NULL };
    unsigned char  buf[TLSRPT_DNS_MAX_QUESTION];

    name = luaL_checkstring(L, 1);
    type = (unsigned) tlsrpt_lua_whole(L, 2, "type", 65535);
    id = (unsigned) tlsrpt_lua_whole(L, 3, "id", 65535);
    len = tlsrpt_dns_question(name, type, id,
              (tlsrpt_dns_whom_t) luaL_checkoption(L, 4, "zone", whom), buf);

    if (len == 0) {
        lua_pushnil(L);
        return 1;
    }

    lua_pushlstring(L, (const char *) buf, len);

    return 1;
}


/* Of a TXT record its text, of others its bytes. */
static void
tlsrpt_lua_dns_push_record(lua_State *L, const tlsrpt_dns_rdata_t *rdata,
    unsigned type)
{
    char    *buf;
    size_t   len;

    if (type != TLSRPT_LUA_DNS_TXT) {
        lua_pushlstring(L, (const char *) rdata->data, rdata->len);
        return;
    }

    buf = lua_newuserdata(L, rdata->len + 1);
    len = tlsrpt_dns_text(rdata, buf);
    lua_pushlstring(L, buf, len);
    lua_remove(L, -2);
}


static void
tlsrpt_lua_dns_push_answer(lua_State *L, const tlsrpt_dns_answer_t *answer,
    unsigned type)
{
    size_t  i;

    lua_createtable(L, 0, 6);

    lua_pushinteger(L, (lua_Integer) answer->rcode);
    lua_setfield(L, -2, "rcode");
    lua_pushboolean(L, answer->authoritative);
    lua_setfield(L, -2, "authoritative");
    lua_pushboolean(L, answer->cut);
    lua_setfield(L, -2, "cut");
    lua_pushboolean(L, answer->authentic);
    lua_setfield(L, -2, "authentic");

    if (answer->cname[0] != '\0') {
        lua_pushstring(L, answer->cname);
        lua_setfield(L, -2, "cname");
    }

    lua_createtable(L, (int) answer->nrecords, 0);

    for (i = 0; i < answer->nrecords; i++) {
        tlsrpt_lua_dns_push_record(L, &answer->records[i], type);
        lua_rawseti(L, -2, (int) i + 1);
    }

    lua_setfield(L, -2, "records");
}


static int
tlsrpt_lua_dns_answer(lua_State *L)
{
    unsigned              type, id;
    const char           *name;
    tlsrpt_str_t          bytes;
    tlsrpt_dns_answer_t   answer;

    bytes = tlsrpt_lua_check_str(L, 1);
    name = luaL_checkstring(L, 2);
    type = (unsigned) tlsrpt_lua_whole(L, 3, "type", 65535);
    id = (unsigned) tlsrpt_lua_whole(L, 4, "id", 65535);

    if (!tlsrpt_dns_answer(&answer, (const unsigned char *) bytes.data,
                           bytes.len, name, type, id))
    {
        lua_pushnil(L);
        return 1;
    }

    tlsrpt_lua_dns_push_answer(L, &answer, type);

    return 1;
}


static int
tlsrpt_lua_is_public(lua_State *L)
{
    lua_pushboolean(L, tlsrpt_address_is_public(luaL_checkstring(L, 1)));

    return 1;
}


static const luaL_Reg tlsrpt_lua_dns[] = {
    { "dns_question",  tlsrpt_lua_dns_question },
    { "dns_answer",    tlsrpt_lua_dns_answer },
    { "is_public",     tlsrpt_lua_is_public },
    { NULL,            NULL }
};


void
tlsrpt_lua_dns_functions(lua_State *L)
{
    luaL_register(L, NULL, tlsrpt_lua_dns);
}
