/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the core does in steps, for Lua: closing a month (tlsrpt_closing.h),
 * working out the problems of a domain (tlsrpt_reckoning.h), and what the
 * registry needs by itself (tlsrpt_registry_upkeep.h).
 */

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <lua.h>
#include <lauxlib.h>

#include "tlsrpt_collect.h"
#include "tlsrpt_lua_command.h"
#include "tlsrpt_lua_steps.h"
#include "tlsrpt_lua_value.h"
#include "tlsrpt_registry.h"


#define TLSRPT_LUA_STEPS      "tlsrpt{steps}"

#define TLSRPT_LUA_MAX_DEPTH  4             /* of a reply */
#define TLSRPT_LUA_MAX_PARTS  100000        /* of an array */


/* How the steps of a kind are made. */
typedef struct {
    const tlsrpt_command_t  *(*next)(void *object);
    void                     (*add)(void *object, const tlsrpt_reply_t *reply);
    void                     (*destroy)(void *object);
    int                      (*newer)(const void *object);  /* or NULL */
} tlsrpt_lua_kind_t;

typedef struct {
    void                     *object;       /* NULL: they are closed */
    const tlsrpt_lua_kind_t  *kind;
} tlsrpt_lua_steps_t;


/* Pushes steps whose object is made next. */
static tlsrpt_lua_steps_t *
tlsrpt_lua_push_steps(lua_State *L, const tlsrpt_lua_kind_t *kind)
{
    tlsrpt_lua_steps_t  *steps;

    steps = lua_newuserdata(L, sizeof(tlsrpt_lua_steps_t));
    steps->object = NULL;
    steps->kind = kind;
    luaL_getmetatable(L, TLSRPT_LUA_STEPS);
    lua_setmetatable(L, -2);

    return steps;
}


static const tlsrpt_command_t *
tlsrpt_lua_closing_next(void *object)
{
    return tlsrpt_closing_next(object);
}


static void
tlsrpt_lua_closing_add(void *object, const tlsrpt_reply_t *reply)
{
    tlsrpt_closing_add(object, reply);
}


static void
tlsrpt_lua_closing_destroy(void *object)
{
    tlsrpt_closing_destroy(object);
}


static const tlsrpt_lua_kind_t tlsrpt_lua_closing_kind = {
    tlsrpt_lua_closing_next,
    tlsrpt_lua_closing_add,
    tlsrpt_lua_closing_destroy,
    NULL,
};


int
tlsrpt_lua_closing(lua_State *L)
{
    int64_t              now;
    unsigned             days;
    tlsrpt_str_t         prefix, domain;
    tlsrpt_lua_steps_t  *steps;

    prefix = tlsrpt_lua_check_str(L, 1);
    domain = tlsrpt_lua_check_str(L, 2);
    days = (unsigned) tlsrpt_lua_whole(L, 3, "retention_days",
                                       TLSRPT_LUA_MAX_DAYS);
    now = tlsrpt_lua_whole(L, 4, "now", TLSRPT_TIME_END);

    steps = tlsrpt_lua_push_steps(L, &tlsrpt_lua_closing_kind);
    steps->object = tlsrpt_closing_create(prefix, domain, days, now);

    if (steps->object == NULL) {
        return tlsrpt_lua_push_memory_error(L);
    }

    return 1;
}


static const tlsrpt_command_t *
tlsrpt_lua_reckoning_next(void *object)
{
    return tlsrpt_reckoning_next(object);
}


static void
tlsrpt_lua_reckoning_add(void *object, const tlsrpt_reply_t *reply)
{
    tlsrpt_reckoning_add(object, reply);
}


static void
tlsrpt_lua_reckoning_destroy(void *object)
{
    tlsrpt_reckoning_destroy(object);
}


static int
tlsrpt_lua_reckoning_newer(const void *object)
{
    return tlsrpt_reckoning_newer(object);
}


static const tlsrpt_lua_kind_t tlsrpt_lua_reckoning_kind = {
    tlsrpt_lua_reckoning_next,
    tlsrpt_lua_reckoning_add,
    tlsrpt_lua_reckoning_destroy,
    tlsrpt_lua_reckoning_newer,
};


/* rspamd knows no policy that is served. */
int
tlsrpt_lua_reckoning(lua_State *L)
{
    int64_t              now;
    unsigned             days;
    tlsrpt_str_t         prefix, domain, score;
    tlsrpt_lua_steps_t  *steps;

    prefix = tlsrpt_lua_check_str(L, 1);
    domain = tlsrpt_lua_check_str(L, 2);
    days = (unsigned) tlsrpt_lua_whole(L, 3, "retention_days",
                                       TLSRPT_LUA_MAX_DAYS);
    now = tlsrpt_lua_whole(L, 4, "now", TLSRPT_TIME_END);
    score = tlsrpt_lua_check_str(L, 5);

    steps = tlsrpt_lua_push_steps(L, &tlsrpt_lua_reckoning_kind);
    steps->object = tlsrpt_reckoning_create(prefix, domain, NULL, days, now,
                                            score);

    if (steps->object == NULL) {
        return tlsrpt_lua_push_memory_error(L);
    }

    return 1;
}


static const tlsrpt_command_t *
tlsrpt_lua_upkeep_next(void *object)
{
    return tlsrpt_registry_upkeep_next(object);
}


static void
tlsrpt_lua_upkeep_add(void *object, const tlsrpt_reply_t *reply)
{
    tlsrpt_registry_upkeep_add(object, reply);
}


static void
tlsrpt_lua_upkeep_destroy(void *object)
{
    tlsrpt_registry_upkeep_destroy(object);
}


static const tlsrpt_lua_kind_t tlsrpt_lua_upkeep_kind = {
    tlsrpt_lua_upkeep_next,
    tlsrpt_lua_upkeep_add,
    tlsrpt_lua_upkeep_destroy,
    NULL,
};


int
tlsrpt_lua_upkeep(lua_State *L)
{
    int64_t              now;
    unsigned             days;
    tlsrpt_str_t         prefix;
    unsigned char        random[TLSRPT_TOKEN_BYTES];
    tlsrpt_lua_steps_t  *steps;

    prefix = tlsrpt_lua_check_str(L, 1);
    now = tlsrpt_lua_whole(L, 2, "now", TLSRPT_TIME_END);
    days = (unsigned) tlsrpt_lua_whole(L, 3, "retention_days",
                                       TLSRPT_LUA_MAX_DAYS);

    if (getrandom(random, sizeof(random), 0) != (ssize_t) sizeof(random)) {
        return luaL_error(L, "no random bytes");
    }

    steps = tlsrpt_lua_push_steps(L, &tlsrpt_lua_upkeep_kind);
    steps->object = tlsrpt_registry_upkeep_create(prefix, now, days, random);

    if (steps->object == NULL) {
        return tlsrpt_lua_push_memory_error(L);
    }

    return 1;
}


static int
tlsrpt_lua_steps_next(lua_State *L)
{
    tlsrpt_lua_steps_t      *steps;
    const tlsrpt_command_t  *command;

    steps = luaL_checkudata(L, 1, TLSRPT_LUA_STEPS);
    command = steps->object ? steps->kind->next(steps->object) : NULL;

    if (command == NULL) {
        lua_pushnil(L);
        return 1;
    }

    return tlsrpt_lua_push_command(L, command);
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
tlsrpt_lua_steps_add(lua_State *L)
{
    tlsrpt_reply_t      *reply;
    tlsrpt_lua_steps_t  *steps;

    steps = luaL_checkudata(L, 1, TLSRPT_LUA_STEPS);
    luaL_checkany(L, 2);
    luaL_checkstack(L, TLSRPT_LUA_MAX_DEPTH + 4, "steps");
    lua_settop(L, 2);

    reply = steps->object ? tlsrpt_lua_reply(L, TLSRPT_LUA_MAX_DEPTH) : NULL;

    if (reply == NULL) {
        return tlsrpt_lua_push_memory_error(L);
    }

    steps->kind->add(steps->object, reply);
    tlsrpt_lua_reply_free(reply);
    lua_pushboolean(L, 1);

    return 1;
}


static int
tlsrpt_lua_steps_newer(lua_State *L)
{
    tlsrpt_lua_steps_t  *steps;

    steps = luaL_checkudata(L, 1, TLSRPT_LUA_STEPS);

    lua_pushboolean(L, steps->object && steps->kind->newer
                       && steps->kind->newer(steps->object));

    return 1;
}


static int
tlsrpt_lua_steps_gc(lua_State *L)
{
    tlsrpt_lua_steps_t  *steps;

    steps = luaL_checkudata(L, 1, TLSRPT_LUA_STEPS);

    if (steps->object) {
        steps->kind->destroy(steps->object);
        steps->object = NULL;
    }

    return 0;
}


static const luaL_Reg tlsrpt_lua_steps_methods[] = {
    { "next",   tlsrpt_lua_steps_next },
    { "add",    tlsrpt_lua_steps_add },
    { "newer",  tlsrpt_lua_steps_newer },
    { "close",  tlsrpt_lua_steps_gc },
    { "__gc",   tlsrpt_lua_steps_gc },
    { NULL,     NULL }
};


void
tlsrpt_lua_steps_class(lua_State *L)
{
    tlsrpt_lua_class(L, TLSRPT_LUA_STEPS, tlsrpt_lua_steps_methods);
}
