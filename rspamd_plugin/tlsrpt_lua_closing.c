/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Closing months (tlsrpt_closing.h), for Lua.
 */

#include <stdlib.h>
#include <string.h>

#include <lua.h>
#include <lauxlib.h>

#include "tlsrpt_collect.h"
#include "tlsrpt_lua_closing.h"
#include "tlsrpt_lua_value.h"


#define TLSRPT_LUA_CLOSING    "tlsrpt{closing}"

#define TLSRPT_LUA_MAX_DAYS   100000
#define TLSRPT_LUA_MAX_DEPTH  4             /* of a reply */
#define TLSRPT_LUA_MAX_PARTS  100000        /* of an array */


typedef struct {
    tlsrpt_closing_t  *closing;
} tlsrpt_lua_closing_t;


int
tlsrpt_lua_closing(lua_State *L)
{
    int64_t                now;
    unsigned               days;
    tlsrpt_str_t           prefix, domain;
    tlsrpt_lua_closing_t  *lc;

    prefix = tlsrpt_lua_check_str(L, 1);
    domain = tlsrpt_lua_check_str(L, 2);
    days = (unsigned) tlsrpt_lua_whole(L, 3, "retention_days",
                                       TLSRPT_LUA_MAX_DAYS);
    now = tlsrpt_lua_whole(L, 4, "now", TLSRPT_TIME_END);

    lc = lua_newuserdata(L, sizeof(tlsrpt_lua_closing_t));
    memset(lc, 0, sizeof(tlsrpt_lua_closing_t));
    luaL_getmetatable(L, TLSRPT_LUA_CLOSING);
    lua_setmetatable(L, -2);

    lc->closing = tlsrpt_closing_create(prefix, domain, days, now);

    if (lc->closing == NULL) {
        return tlsrpt_lua_push_memory_error(L);
    }

    return 1;
}


/* Pushes the command's name and its arguments, or nil: that was all.  A script
   goes as its text. */
static int
tlsrpt_lua_closing_next(lua_State *L)
{
    size_t                   i;
    tlsrpt_lua_closing_t    *lc;
    const tlsrpt_command_t  *command;

    lc = luaL_checkudata(L, 1, TLSRPT_LUA_CLOSING);
    command = lc->closing ? tlsrpt_closing_next(lc->closing) : NULL;

    if (command == NULL) {
        lua_pushnil(L);
        return 1;
    }

    lua_pushstring(L, command->script ? "EVAL" : command->argv[0]);
    lua_createtable(L, (int) command->argc - 1, 0);

    for (i = 1; i < command->argc; i++) {
        lua_pushlstring(L, command->argv[i], command->argvlen[i]);
        lua_rawseti(L, -2, (int) i);
    }

    if (command->script) {
        lua_pushlstring(L, command->script->text, command->script->len);
        lua_rawseti(L, -2, 1);
    }

    return 2;
}


static void
tlsrpt_lua_reply_free(tlsrpt_reply_t *reply)
{
    size_t  i;

    if (reply == NULL) {
        return;
    }

    for (i = 0; i < reply->nelements; i++) {
        tlsrpt_lua_reply_free(reply->elements[i]);
    }

    free(reply->elements);
    free(reply);
}


/* Of the value on top; its strings are Lua's.  NULL: no memory.  Raises no
   error. */
static tlsrpt_reply_t *
tlsrpt_lua_reply(lua_State *L, int depth)
{
    size_t           i, n;
    tlsrpt_reply_t  *reply;

    reply = calloc(1, sizeof(tlsrpt_reply_t));

    if (reply == NULL) {
        return NULL;
    }

    switch (lua_type(L, -1)) {

    case LUA_TSTRING:
        reply->type = TLSRPT_REPLY_STRING;
        reply->str = lua_tolstring(L, -1, &reply->len);
        return reply;

    case LUA_TNUMBER:
        reply->type = TLSRPT_REPLY_INTEGER;
        reply->integer = (long long) lua_tonumber(L, -1);
        return reply;

    case LUA_TTABLE:
        break;

    default:
        return reply;
    }

    n = lua_objlen(L, -1);

    if (depth == 0 || n > TLSRPT_LUA_MAX_PARTS) {
        return reply;
    }

    reply->type = TLSRPT_REPLY_ARRAY;
    reply->elements = calloc(n + 1, sizeof(tlsrpt_reply_t *));

    for (i = 0; reply->elements != NULL && i < n; i++) {
        lua_rawgeti(L, -1, (int) i + 1);
        reply->elements[i] = tlsrpt_lua_reply(L, depth - 1);
        lua_pop(L, 1);

        if (reply->elements[i] == NULL) {
            break;
        }

        reply->nelements++;
    }

    if (reply->nelements < n || reply->elements == NULL) {
        tlsrpt_lua_reply_free(reply);
        return NULL;
    }

    return reply;
}


static int
tlsrpt_lua_closing_add(lua_State *L)
{
    tlsrpt_reply_t        *reply;
    tlsrpt_lua_closing_t  *lc;

    lc = luaL_checkudata(L, 1, TLSRPT_LUA_CLOSING);
    luaL_checkany(L, 2);
    luaL_checkstack(L, TLSRPT_LUA_MAX_DEPTH + 4, "closing");
    lua_settop(L, 2);

    reply = lc->closing ? tlsrpt_lua_reply(L, TLSRPT_LUA_MAX_DEPTH) : NULL;

    if (reply == NULL) {
        return tlsrpt_lua_push_memory_error(L);
    }

    tlsrpt_closing_add(lc->closing, reply);
    tlsrpt_lua_reply_free(reply);
    lua_pushboolean(L, 1);

    return 1;
}


static int
tlsrpt_lua_closing_gc(lua_State *L)
{
    tlsrpt_lua_closing_t  *lc;

    lc = luaL_checkudata(L, 1, TLSRPT_LUA_CLOSING);

    tlsrpt_closing_destroy(lc->closing);
    lc->closing = NULL;

    return 0;
}


static const luaL_Reg tlsrpt_lua_closing_methods[] = {
    { "next",   tlsrpt_lua_closing_next },
    { "add",    tlsrpt_lua_closing_add },
    { "close",  tlsrpt_lua_closing_gc },
    { "__gc",   tlsrpt_lua_closing_gc },
    { NULL,     NULL }
};


void
tlsrpt_lua_closing_class(lua_State *L)
{
    luaL_newmetatable(L, TLSRPT_LUA_CLOSING);
    luaL_register(L, NULL, tlsrpt_lua_closing_methods);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
