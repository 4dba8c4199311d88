/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Sending, as a Lua 5.1 module for rspamd's LuaJIT:
 *
 *     local send = require "tlsrpt_send"
 *
 *     send.submit({ id, url, body, timeout, socket,
 *                   headers = { "Name: value", ... },          -- HTTP POST
 *                   mail_from, rcpt, user, password, tls })    -- SMTP
 *                         -> true, or nil and why it is not taken.  tls: "off",
 *                            "try" or "check"
 *     send.result(wait)   -> { id, status, retry_after, answer, error, code },
 *                            or nil where none is there, after so many seconds
 *                            of waiting for one.  error: nil if the server took
 *                            it, or answered by HTTP; else why not, and
 *                            libcurl's code
 *     send.count()        -> how many are in flight
 *     send.stop()         ends the thread
 *
 * It is a module of its own, so that only who has alerts needs libcurl.
 */

#define _DEFAULT_SOURCE         /* strdup() */

#include <stdlib.h>
#include <string.h>

#include <lua.h>
#include <lauxlib.h>

#include "tlsrpt_send.h"


#define TLSRPT_SEND_LUA     "tlsrpt{send}"
#define TLSRPT_SEND_TIMEOUT 60


/* The message being made, so that the collector frees it where an error
   unwinds. */
typedef struct {
    tlsrpt_send_t  *send;
} tlsrpt_send_lua_t;


__attribute__((visibility("default")))
int luaopen_tlsrpt_send(lua_State *L);


static int
tlsrpt_send_lua_gc(lua_State *L)
{
    tlsrpt_send_lua_t  *ls;

    ls = luaL_checkudata(L, 1, TLSRPT_SEND_LUA);
    tlsrpt_send_free(ls->send);
    ls->send = NULL;

    return 0;
}


/* A copy of a field of the table, or NULL where it is nil.  libcurl reads up to
   a NUL, so there may be none. */
static char *
tlsrpt_send_lua_copy(lua_State *L, const char *name)
{
    char        *copy;
    size_t       len;
    const char  *s;

    lua_getfield(L, 1, name);

    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return NULL;
    }

    s = luaL_checklstring(L, -1, &len);

    if (strlen(s) != len) {
        luaL_error(L, "%s: a NUL byte in it", name);
    }

    copy = strdup(s);

    if (copy == NULL) {
        luaL_error(L, "no memory");
    }

    lua_pop(L, 1);

    return copy;
}


static void
tlsrpt_send_lua_body(lua_State *L, tlsrpt_send_t *send)
{
    const char  *s;

    lua_getfield(L, 1, "body");
    s = lua_tolstring(L, -1, &send->body_len);

    if (s == NULL) {
        luaL_error(L, "body is missing");
    }

    send->body = malloc(send->body_len + 1);

    if (send->body == NULL) {
        luaL_error(L, "no memory");
    }

    memcpy(send->body, s, send->body_len + 1);
    lua_pop(L, 1);
}


static void
tlsrpt_send_lua_headers(lua_State *L, tlsrpt_send_t *send)
{
    struct curl_slist  *headers;

    lua_getfield(L, 1, "headers");

    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return;
    }

    luaL_checktype(L, -1, LUA_TTABLE);

    for (int i = 1; i <= (int) lua_objlen(L, -1); i++) {
        lua_rawgeti(L, -1, i);
        headers = curl_slist_append(send->headers, luaL_checkstring(L, -1));

        if (headers == NULL) {
            luaL_error(L, "no memory");
        }

        send->headers = headers;
        lua_pop(L, 1);
    }

    lua_pop(L, 1);
}


static void
tlsrpt_send_lua_tls(lua_State *L, tlsrpt_send_t *send)
{
    static const char *const  words[] = { "off", "try", "check", NULL };

    lua_getfield(L, 1, "tls");
    send->tls = (tlsrpt_send_tls_e) luaL_checkoption(L, -1, "check", words);
    lua_pop(L, 1);
}


static void
tlsrpt_send_lua_fill(lua_State *L, tlsrpt_send_t *send)
{
    send->id = tlsrpt_send_lua_copy(L, "id");
    send->url = tlsrpt_send_lua_copy(L, "url");
    send->socket = tlsrpt_send_lua_copy(L, "socket");
    send->mail_from = tlsrpt_send_lua_copy(L, "mail_from");
    send->rcpt = tlsrpt_send_lua_copy(L, "rcpt");
    send->user = tlsrpt_send_lua_copy(L, "user");
    send->password = tlsrpt_send_lua_copy(L, "password");
    tlsrpt_send_lua_body(L, send);
    tlsrpt_send_lua_headers(L, send);
    tlsrpt_send_lua_tls(L, send);

    lua_getfield(L, 1, "timeout");
    send->timeout = luaL_optlong(L, -1, TLSRPT_SEND_TIMEOUT);
    lua_pop(L, 1);

    if (send->id == NULL || send->url == NULL || send->timeout <= 0
        || (send->mail_from != NULL && send->rcpt == NULL))
    {
        luaL_error(L, "id, url or rcpt is missing, or timeout is not above 0");
    }
}


static int
tlsrpt_send_lua_submit(lua_State *L)
{
    const char         *reason;
    tlsrpt_send_lua_t  *ls;

    luaL_checktype(L, 1, LUA_TTABLE);

    ls = lua_newuserdata(L, sizeof(tlsrpt_send_lua_t));
    ls->send = NULL;
    luaL_getmetatable(L, TLSRPT_SEND_LUA);
    lua_setmetatable(L, -2);

    ls->send = tlsrpt_send_create();

    if (ls->send == NULL) {
        return luaL_error(L, "no memory");
    }

    tlsrpt_send_lua_fill(L, ls->send);
    reason = tlsrpt_send_submit(ls->send);

    if (reason != NULL) {
        lua_pushnil(L);
        lua_pushstring(L, reason);
        return 2;
    }

    ls->send = NULL;
    lua_pushboolean(L, 1);

    return 1;
}


static void
tlsrpt_send_lua_push(lua_State *L, const tlsrpt_send_t *send)
{
    lua_createtable(L, 0, 6);

    lua_pushstring(L, send->id);
    lua_setfield(L, -2, "id");
    lua_pushnumber(L, (lua_Number) send->status);
    lua_setfield(L, -2, "status");
    lua_pushnumber(L, (lua_Number) send->retry_after);
    lua_setfield(L, -2, "retry_after");
    lua_pushlstring(L, send->answer, send->answer_len);
    lua_setfield(L, -2, "answer");

    if (send->code != CURLE_OK) {
        lua_pushnumber(L, (lua_Number) send->code);
        lua_setfield(L, -2, "code");
        lua_pushstring(L, send->error);
        lua_setfield(L, -2, "error");
    }
}


static int
tlsrpt_send_lua_result(lua_State *L)
{
    lua_Number          wait;
    tlsrpt_send_lua_t  *ls;

    wait = luaL_optnumber(L, 1, 0);
    luaL_argcheck(L, wait >= 0 && wait <= 3600, 1, "out of range");

    ls = lua_newuserdata(L, sizeof(tlsrpt_send_lua_t));
    ls->send = NULL;
    luaL_getmetatable(L, TLSRPT_SEND_LUA);
    lua_setmetatable(L, -2);

    ls->send = tlsrpt_send_result((long) (wait * 1000));

    if (ls->send == NULL) {
        lua_pushnil(L);
        return 1;
    }

    tlsrpt_send_lua_push(L, ls->send);
    tlsrpt_send_free(ls->send);
    ls->send = NULL;

    return 1;
}


static int
tlsrpt_send_lua_count(lua_State *L)
{
    lua_pushnumber(L, (lua_Number) tlsrpt_send_count());

    return 1;
}


static int
tlsrpt_send_lua_stop(lua_State *L)
{
    (void) L;

    tlsrpt_send_stop();

    return 0;
}


static const luaL_Reg tlsrpt_send_lua_functions[] = {
    { "submit",  tlsrpt_send_lua_submit },
    { "result",  tlsrpt_send_lua_result },
    { "count",   tlsrpt_send_lua_count },
    { "stop",    tlsrpt_send_lua_stop },
    { NULL,      NULL }
};


int
luaopen_tlsrpt_send(lua_State *L)
{
    luaL_newmetatable(L, TLSRPT_SEND_LUA);
    lua_pushcfunction(L, tlsrpt_send_lua_gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);

    /* The thread ends before this code goes, and before what libcurl uses does:
       run at exit() and where the module is unloaded, whichever comes first. */
    if (atexit(tlsrpt_send_stop) != 0) {
        return luaL_error(L, "no memory");
    }

    lua_createtable(L, 0, 4);
    luaL_register(L, NULL, tlsrpt_send_lua_functions);

    return 1;
}
