/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Commands of the core, for Lua, and those of the index, of newcomers, of what
 * is due and of events.
 */

#include <lua.h>
#include <lauxlib.h>

#include "tlsrpt_collect.h"
#include "tlsrpt_lua_command.h"
#include "tlsrpt_lua_value.h"


#define TLSRPT_LUA_OWNER  "tlsrpt{command}"


/*
 * The table is made with its final size: rspamd takes the arguments in
 * lua_next() order, which is that of the indexes only within a table's array
 * part.
 */
int
tlsrpt_lua_push_command(lua_State *L, const tlsrpt_command_t *command)
{
    size_t  i;

    luaL_checkstack(L, 4, "command");

    if (command->script) {
        lua_pushliteral(L, "EVAL");
    } else {
        lua_pushlstring(L, command->argv[0], command->argvlen[0]);
    }

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


static int
tlsrpt_lua_owner_gc(lua_State *L)
{
    tlsrpt_command_t  **command;

    command = luaL_checkudata(L, 1, TLSRPT_LUA_OWNER);

    tlsrpt_command_destroy(*command);
    *command = NULL;

    return 0;
}


tlsrpt_command_t **
tlsrpt_lua_push_owner(lua_State *L)
{
    tlsrpt_command_t  **command;

    command = lua_newuserdata(L, sizeof(tlsrpt_command_t *));
    *command = NULL;
    luaL_getmetatable(L, TLSRPT_LUA_OWNER);
    lua_setmetatable(L, -2);

    return command;
}


int
tlsrpt_lua_push_owned(lua_State *L, tlsrpt_command_t **command)
{
    if (*command == NULL) {
        return tlsrpt_lua_push_memory_error(L);
    }

    tlsrpt_lua_push_command(L, *command);
    tlsrpt_command_destroy(*command);
    *command = NULL;

    return 2;
}


static int
tlsrpt_lua_index_add(lua_State *L)
{
    size_t                 i, n;
    tlsrpt_str_t           prefix, domains[TLSRPT_MAX_DOMAINS];
    tlsrpt_command_t     **command;

    prefix = tlsrpt_lua_check_str(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    n = lua_objlen(L, 2);

    luaL_argcheck(L, n >= 1 && n <= TLSRPT_MAX_DOMAINS, 2,
                  "not 1 to 64 domains");
    luaL_checkstack(L, TLSRPT_MAX_DOMAINS + 16, "index_add");

    for (i = 0; i < n; i++) {
        lua_rawgeti(L, 2, (int) i + 1);
        domains[i] = tlsrpt_lua_check_str(L, -1);
    }

    command = tlsrpt_lua_push_owner(L);
    *command = tlsrpt_index_add(prefix, domains, n);

    return tlsrpt_lua_push_owned(L, command);
}


static int
tlsrpt_lua_index_keep(lua_State *L)
{
    unsigned               days;
    tlsrpt_str_t           prefix;
    tlsrpt_command_t     **command;

    prefix = tlsrpt_lua_check_str(L, 1);
    days = (unsigned) tlsrpt_lua_whole(L, 2, "retention_days",
                                       TLSRPT_LUA_MAX_DAYS);

    command = tlsrpt_lua_push_owner(L);
    *command = tlsrpt_index_keep(prefix, days);

    return tlsrpt_lua_push_owned(L, command);
}


static int
tlsrpt_lua_index_add_due(lua_State *L)
{
    lua_pushboolean(L, tlsrpt_index_add_due(
                           tlsrpt_lua_whole(L, 1, "answer", TLSRPT_MAX_COUNT)));

    return 1;
}


static int
tlsrpt_lua_newcomer_count(lua_State *L)
{
    int64_t                now;
    tlsrpt_str_t           prefix, name;
    tlsrpt_command_t     **command;

    prefix = tlsrpt_lua_check_str(L, 1);
    name = tlsrpt_lua_check_str(L, 2);
    now = tlsrpt_lua_whole(L, 3, "now", TLSRPT_MAX_COUNT);

    command = tlsrpt_lua_push_owner(L);
    *command = tlsrpt_newcomer_count(prefix, name, now);

    return tlsrpt_lua_push_owned(L, command);
}


static int
tlsrpt_lua_newcomer_keep(lua_State *L)
{
    int64_t                now;
    tlsrpt_str_t           prefix;
    tlsrpt_command_t     **command;

    prefix = tlsrpt_lua_check_str(L, 1);
    now = tlsrpt_lua_whole(L, 2, "now", TLSRPT_MAX_COUNT);

    command = tlsrpt_lua_push_owner(L);
    *command = tlsrpt_newcomer_keep(prefix, now);

    return tlsrpt_lua_push_owned(L, command);
}


static int
tlsrpt_lua_newcomer_keep_due(lua_State *L)
{
    lua_pushboolean(L, tlsrpt_newcomer_keep_due(
                           tlsrpt_lua_whole(L, 1, "count", TLSRPT_MAX_COUNT)));

    return 1;
}


static int
tlsrpt_lua_newcomer_may(lua_State *L)
{
    int64_t  count, nth;

    count = tlsrpt_lua_whole(L, 1, "count", TLSRPT_MAX_COUNT);
    nth = tlsrpt_lua_whole(L, 2, "nth", TLSRPT_MAX_COUNT);

    lua_pushboolean(L, nth <= TLSRPT_NEWCOMERS_OF_REPORT
                       && tlsrpt_newcomer_may(count));

    return 1;
}


static int
tlsrpt_lua_index_keep_due(lua_State *L)
{
    int64_t  added, since;

    added = tlsrpt_lua_whole(L, 1, "added", TLSRPT_MAX_COUNT);
    since = tlsrpt_lua_whole(L, 2, "since", TLSRPT_MAX_COUNT);

    lua_pushboolean(L, tlsrpt_index_keep_due(added, since));

    return 1;
}


static int
tlsrpt_lua_due_add(lua_State *L)
{
    unsigned            delay;
    tlsrpt_str_t        prefix, domain;
    tlsrpt_command_t  **command;

    prefix = tlsrpt_lua_check_str(L, 1);
    domain = tlsrpt_lua_check_str(L, 2);
    delay = (unsigned) tlsrpt_lua_whole(L, 3, "delay", TLSRPT_DUE_LATER);

    command = tlsrpt_lua_push_owner(L);
    *command = tlsrpt_due_add(prefix, domain, delay);

    return tlsrpt_lua_push_owned(L, command);
}


static int
tlsrpt_lua_due_late(lua_State *L)
{
    tlsrpt_str_t        prefix, domain;
    tlsrpt_command_t  **command;

    prefix = tlsrpt_lua_check_str(L, 1);
    domain = tlsrpt_lua_check_str(L, 2);

    command = tlsrpt_lua_push_owner(L);
    *command = tlsrpt_due_late(prefix, domain);

    return tlsrpt_lua_push_owned(L, command);
}


static int
tlsrpt_lua_due_claim(lua_State *L)
{
    unsigned            n;
    tlsrpt_str_t        prefix;
    tlsrpt_command_t  **command;

    prefix = tlsrpt_lua_check_str(L, 1);
    n = (unsigned) tlsrpt_lua_whole(L, 2, "n", TLSRPT_DUE_MOST);

    command = tlsrpt_lua_push_owner(L);
    *command = tlsrpt_due_claim(prefix, n, TLSRPT_DUE_HOLD);

    return tlsrpt_lua_push_owned(L, command);
}


static int
tlsrpt_lua_event_index(lua_State *L)
{
    int64_t             milliseconds;
    tlsrpt_str_t        prefix, domain;
    tlsrpt_command_t  **command;

    prefix = tlsrpt_lua_check_str(L, 1);
    domain = tlsrpt_lua_check_str(L, 2);
    milliseconds = tlsrpt_lua_whole(L, 3, "milliseconds",
                                    TLSRPT_TIME_END * 1000.0);

    command = tlsrpt_lua_push_owner(L);
    *command = tlsrpt_event_index(prefix, domain, milliseconds);

    return tlsrpt_lua_push_owned(L, command);
}


static int
tlsrpt_lua_event_add(lua_State *L)
{
    int64_t             keep;
    tlsrpt_str_t        prefix, domain, id, event;
    tlsrpt_command_t  **command;

    prefix = tlsrpt_lua_check_str(L, 1);
    domain = tlsrpt_lua_check_str(L, 2);
    id = tlsrpt_lua_check_str(L, 3);
    event = tlsrpt_lua_check_str(L, 4);
    keep = tlsrpt_lua_whole(L, 5, "keep", TLSRPT_MAX_COUNT);

    command = tlsrpt_lua_push_owner(L);
    *command = tlsrpt_event_add(prefix, domain, id, event, keep);

    return tlsrpt_lua_push_owned(L, command);
}


static const luaL_Reg tlsrpt_lua_owner_methods[] = {
    { "__gc",               tlsrpt_lua_owner_gc },
    { NULL,                 NULL }
};

static const luaL_Reg tlsrpt_lua_command_makers[] = {
    { "index_add",          tlsrpt_lua_index_add },
    { "index_add_due",      tlsrpt_lua_index_add_due },
    { "index_keep",         tlsrpt_lua_index_keep },
    { "index_keep_due",     tlsrpt_lua_index_keep_due },
    { "newcomer_count",     tlsrpt_lua_newcomer_count },
    { "newcomer_keep",      tlsrpt_lua_newcomer_keep },
    { "newcomer_keep_due",  tlsrpt_lua_newcomer_keep_due },
    { "newcomer_may",       tlsrpt_lua_newcomer_may },
    { "due_add",            tlsrpt_lua_due_add },
    { "due_late",           tlsrpt_lua_due_late },
    { "due_claim",          tlsrpt_lua_due_claim },
    { "event_index",        tlsrpt_lua_event_index },
    { "event_add",          tlsrpt_lua_event_add },
    { NULL,                 NULL }
};


void
tlsrpt_lua_command_class(lua_State *L)
{
    tlsrpt_lua_class(L, TLSRPT_LUA_OWNER, tlsrpt_lua_owner_methods);
}


void
tlsrpt_lua_command_functions(lua_State *L)
{
    luaL_register(L, NULL, tlsrpt_lua_command_makers);
}
