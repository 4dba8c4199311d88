/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <lua.h>
#include <lauxlib.h>

#include "tlsrpt_lua_command.h"
#include "tlsrpt_lua_registry.h"
#include "tlsrpt_lua_value.h"
#include "tlsrpt_registry.h"
#include "tlsrpt_time.h"


#define TLSRPT_LUA_RECORD       "tlsrpt{record}"
#define TLSRPT_LUA_CHANGE       "tlsrpt{change}"

#define TLSRPT_LUA_MAX_TOKENS   64
#define TLSRPT_LUA_MAX_SHOWN    64          /* TXT records of a name */


typedef struct {
    tlsrpt_registry_record_t  *record;      /* NULL: closed */
} tlsrpt_lua_record_t;

/* What a change is made with, and the change: so that all of it is freed where
   Lua raises an error on the way. */
typedef struct {
    tlsrpt_change_t      change;
    tlsrpt_change_how_t  how;
    tlsrpt_command_t    *command;
} tlsrpt_lua_change_t;


static const char *
tlsrpt_lua_change_status(int status)
{
    switch (status) {

    case TLSRPT_CHANGE_OK:
        return "ok";

    case TLSRPT_CHANGE_NOTHING:
        return "nothing";

    case TLSRPT_CHANGE_NEWER:
        return "newer";

    case TLSRPT_CHANGE_MEMORY:
        return "memory";

    default:
        return "refused";
    }
}


/*
 * Records
 */

static tlsrpt_registry_record_t *
tlsrpt_lua_check_record(lua_State *L, int index)
{
    tlsrpt_lua_record_t  *lr;

    lr = luaL_checkudata(L, index, TLSRPT_LUA_RECORD);

    if (lr->record == NULL) {
        luaL_error(L, "the record is closed");
    }

    return lr->record;
}


static int
tlsrpt_lua_record(lua_State *L)
{
    int                   broken;
    tlsrpt_str_t          text = { NULL, 0 };
    tlsrpt_lua_record_t  *lr;

    if (!lua_isnoneornil(L, 1)) {
        text = tlsrpt_lua_check_str(L, 1);
    }

    lr = lua_newuserdata(L, sizeof(tlsrpt_lua_record_t));
    lr->record = NULL;
    luaL_getmetatable(L, TLSRPT_LUA_RECORD);
    lua_setmetatable(L, -2);

    lr->record = tlsrpt_registry_record_read(text.data, text.len, &broken);

    if (lr->record == NULL) {
        lua_pushnil(L);
        lua_pushstring(L, broken ? "it cannot be read" : "no memory");
        return 2;
    }

    return 1;
}


static int
tlsrpt_lua_record_close(lua_State *L)
{
    tlsrpt_lua_record_t  *lr;

    lr = luaL_checkudata(L, 1, TLSRPT_LUA_RECORD);

    tlsrpt_registry_record_destroy(lr->record);
    lr->record = NULL;

    return 0;
}


static void
tlsrpt_lua_push_enrolment(lua_State *L, const tlsrpt_enrolment_t *e)
{
    size_t  i;

    lua_createtable(L, 0, 6);

    tlsrpt_lua_push_str(L, e->owner);
    lua_setfield(L, -2, "owner");
    tlsrpt_lua_push_str(L, e->token);
    lua_setfield(L, -2, "token");
    tlsrpt_lua_push_str(L, e->same_as);
    lua_setfield(L, -2, "same_as");
    tlsrpt_lua_set_text(L, "state", tlsrpt_enrolment_state_name(e->state));

    lua_createtable(L, (int) e->ncontact, 0);

    for (i = 0; i < e->ncontact; i++) {
        tlsrpt_lua_push_str(L, e->contact[i]);
        lua_rawseti(L, -2, (int) i + 1);
    }

    lua_setfield(L, -2, "contacts");
}


static int
tlsrpt_lua_record_holder(lua_State *L)
{
    tlsrpt_registry_record_t  *record;

    record = tlsrpt_lua_check_record(L, 1);

    if (record->holder == NULL) {
        lua_pushnil(L);
        return 1;
    }

    tlsrpt_lua_push_enrolment(L, record->holder);

    return 1;
}


/*
 * Changes
 */

static int
tlsrpt_lua_change_gc(lua_State *L)
{
    tlsrpt_lua_change_t  *lc;

    lc = luaL_checkudata(L, 1, TLSRPT_LUA_CHANGE);

    tlsrpt_change_free(&lc->change);
    tlsrpt_command_destroy(lc->command);
    lc->command = NULL;

    return 0;
}


/* Pushes one; of domain and time, which are arguments. */
static tlsrpt_lua_change_t *
tlsrpt_lua_push_change(lua_State *L, int domain, int now)
{
    tlsrpt_lua_change_t  *lc;

    lc = lua_newuserdata(L, sizeof(tlsrpt_lua_change_t));
    memset(lc, 0, sizeof(tlsrpt_lua_change_t));
    luaL_getmetatable(L, TLSRPT_LUA_CHANGE);
    lua_setmetatable(L, -2);

    lc->how.domain = tlsrpt_lua_check_str(L, domain);
    lc->how.now = tlsrpt_lua_whole(L, now, "now", TLSRPT_TIME_END);

    if (getrandom(lc->how.random, sizeof(lc->how.random), 0)
        != (ssize_t) sizeof(lc->how.random))
    {
        luaL_error(L, "no random bytes");
    }

    return lc;
}


/* { status, text, look, passed, command, args }, and the command where there is
   something to write. */
static int
tlsrpt_lua_change_result(lua_State *L, tlsrpt_lua_change_t *lc,
    tlsrpt_str_t prefix)
{
    const tlsrpt_change_t  *change = &lc->change;

    if (change->status == TLSRPT_CHANGE_OK) {
        lc->command = tlsrpt_registry_put_command(prefix, change);

        if (lc->command == NULL) {
            return tlsrpt_lua_push_memory_error(L);
        }
    }

    lua_createtable(L, 0, 6);
    tlsrpt_lua_set_text(L, "status", tlsrpt_lua_change_status(change->status));
    tlsrpt_lua_set_text(L, "text", change->text);
    lua_pushnumber(L, (lua_Number) change->look);
    lua_setfield(L, -2, "look");
    lua_pushboolean(L, change->passed);
    lua_setfield(L, -2, "passed");

    if (lc->command) {
        tlsrpt_lua_push_command(L, lc->command);
        lua_setfield(L, -3, "args");
        lua_setfield(L, -2, "command");
    }

    return 1;
}


/* The strings of a list that is an argument, which keeps them alive; how many,
   -1: it is nil. */
static int
tlsrpt_lua_list(lua_State *L, int index, tlsrpt_str_t *list, size_t max)
{
    size_t  i, n;

    if (lua_isnoneornil(L, index)) {
        return -1;
    }

    luaL_checktype(L, index, LUA_TTABLE);
    luaL_checkstack(L, 8, "list");
    n = lua_objlen(L, index);

    if (n > max) {
        n = max;
    }

    for (i = 0; i < n; i++) {
        lua_rawgeti(L, index, (int) i + 1);

        /* not a number, whose text nobody would keep */
        if (lua_type(L, -1) != LUA_TSTRING) {
            return luaL_argerror(L, index, "not a list of strings");
        }

        list[i] = tlsrpt_lua_check_str(L, -1);
        lua_pop(L, 1);
    }

    return (int) n;
}


/* record:looked(prefix, domain, now, verify, reporting, other) */
static int
tlsrpt_lua_record_looked(lua_State *L)
{
    int                         nverify, nreporting;
    tlsrpt_str_t                prefix;
    tlsrpt_str_t                verify[TLSRPT_LUA_MAX_SHOWN];
    tlsrpt_str_t                reporting[TLSRPT_LUA_MAX_SHOWN];
    tlsrpt_other_t              was;
    tlsrpt_shown_t              shown;
    tlsrpt_lua_change_t        *lc;
    tlsrpt_registry_record_t   *record, *other;

    record = tlsrpt_lua_check_record(L, 1);
    prefix = tlsrpt_lua_check_str(L, 2);
    nverify = tlsrpt_lua_list(L, 5, verify, TLSRPT_LUA_MAX_SHOWN);
    nreporting = tlsrpt_lua_list(L, 6, reporting, TLSRPT_LUA_MAX_SHOWN);
    other = lua_isnoneornil(L, 7) ? NULL : tlsrpt_lua_check_record(L, 7);
    lc = tlsrpt_lua_push_change(L, 3, 4);

    memset(&shown, 0, sizeof(tlsrpt_shown_t));
    shown.verify_known = nverify >= 0;
    shown.verify = verify;
    shown.nverify = nverify > 0 ? (size_t) nverify : 0;
    shown.reporting_known = nreporting >= 0;
    shown.reporting = reporting;
    shown.nreporting = nreporting > 0 ? (size_t) nreporting : 0;

    if (other && other->holder) {
        tlsrpt_other_enrolled(&was, other, lc->how.now);

    } else if (other) {
        /* in some nginx's configuration, which is not known here */
        tlsrpt_other_configured(&was, MTA_STS_MAX_AGE, lc->how.now);
    }

    tlsrpt_change_looked(&lc->change, record, &lc->how, &shown,
                         other ? &was : NULL);

    return tlsrpt_lua_change_result(L, lc, prefix);
}


/* record:expired(prefix, domain, now, pointing) */
static int
tlsrpt_lua_record_expired(lua_State *L)
{
    int                        n;
    tlsrpt_str_t               prefix, pointing[TLSRPT_LUA_MAX_SHOWN];
    tlsrpt_lua_change_t       *lc;
    tlsrpt_registry_record_t  *record;

    record = tlsrpt_lua_check_record(L, 1);
    prefix = tlsrpt_lua_check_str(L, 2);
    n = tlsrpt_lua_list(L, 5, pointing, TLSRPT_LUA_MAX_SHOWN);
    lc = tlsrpt_lua_push_change(L, 3, 4);

    tlsrpt_change_expire(&lc->change, record, &lc->how, pointing,
                         n > 0 ? (size_t) n : 0);

    return tlsrpt_lua_change_result(L, lc, prefix);
}


/*
 * Functions of the module
 */

static const char *
tlsrpt_lua_enrolled_state(const tlsrpt_registry_record_t *record)
{
    if (record->newer) {
        return "unknown";
    }

    if (record->holder
        && !tlsrpt_enrolment_is_over(record->holder, (int64_t) time(NULL)))
    {
        return "held";
    }

    return record->npending ? "pending" : "none";
}


/* enrolled(text, tokens) */
static int
tlsrpt_lua_enrolled(lua_State *L)
{
    int                        broken, i, n, mine = 0;
    const char                *state;
    tlsrpt_str_t               text, tokens[TLSRPT_LUA_MAX_TOKENS];
    tlsrpt_registry_record_t  *record;
    const tlsrpt_enrolment_t  *e;

    text = tlsrpt_lua_check_str(L, 1);
    n = tlsrpt_lua_list(L, 2, tokens, TLSRPT_LUA_MAX_TOKENS);
    record = tlsrpt_registry_record_read(text.data, text.len, &broken);
    state = record ? tlsrpt_lua_enrolled_state(record) : "unknown";

    for (i = 0; record && i < n; i++) {
        e = tlsrpt_registry_record_by_token(record, tokens[i]);
        mine |= e != NULL && (e == record->holder || record->holder == NULL);
    }

    tlsrpt_registry_record_destroy(record);

    lua_pushstring(L, state);
    lua_pushboolean(L, mine);

    return 2;
}


static int
tlsrpt_lua_registry_look(lua_State *L)
{
    int64_t             second;
    tlsrpt_str_t        prefix, domain;
    tlsrpt_command_t  **command;

    prefix = tlsrpt_lua_check_str(L, 1);
    domain = tlsrpt_lua_check_str(L, 2);
    second = tlsrpt_lua_whole(L, 3, "second", TLSRPT_TIME_END);

    command = tlsrpt_lua_push_owner(L);
    *command = tlsrpt_registry_look(prefix, domain, second);

    return tlsrpt_lua_push_owned(L, command);
}


static int
tlsrpt_lua_token(lua_State *L)
{
    char           token[TLSRPT_TOKEN_LEN + 1];
    unsigned char  random[TLSRPT_TOKEN_BYTES];

    if (getrandom(random, sizeof(random), 0) != (ssize_t) sizeof(random)) {
        return luaL_error(L, "no random bytes");
    }

    tlsrpt_token_make(random, token);
    lua_pushstring(L, token);

    return 1;
}


static const luaL_Reg tlsrpt_lua_record_methods[] = {
    { "holder",      tlsrpt_lua_record_holder },
    { "looked",      tlsrpt_lua_record_looked },
    { "expired",     tlsrpt_lua_record_expired },
    { "close",       tlsrpt_lua_record_close },
    { "__gc",        tlsrpt_lua_record_close },
    { NULL,          NULL }
};

static const luaL_Reg tlsrpt_lua_change_methods[] = {
    { "__gc",        tlsrpt_lua_change_gc },
    { NULL,          NULL }
};

static const luaL_Reg tlsrpt_lua_registry[] = {
    { "registry_record",  tlsrpt_lua_record },
    { "registry_look",    tlsrpt_lua_registry_look },
    { "enrolled",         tlsrpt_lua_enrolled },
    { "token",            tlsrpt_lua_token },
    { NULL,               NULL }
};


void
tlsrpt_lua_registry_class(lua_State *L)
{
    tlsrpt_lua_class(L, TLSRPT_LUA_RECORD, tlsrpt_lua_record_methods);
    tlsrpt_lua_class(L, TLSRPT_LUA_CHANGE, tlsrpt_lua_change_methods);
}


void
tlsrpt_lua_registry_functions(lua_State *L)
{
    luaL_register(L, NULL, tlsrpt_lua_registry);
}
