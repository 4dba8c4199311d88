/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Commands of the core, as Lua takes them: a name and a table of arguments.
 */

#ifndef TLSRPT_LUA_COMMAND_H
#define TLSRPT_LUA_COMMAND_H

#include <lua.h>

#include "tlsrpt_command.h"

#pragma GCC visibility push(hidden)

/* The longest retention, in days. */
#define TLSRPT_LUA_MAX_DAYS  100000

/* Pushes both: two values.  A script goes as its text. */
int tlsrpt_lua_push_command(lua_State *L, const tlsrpt_command_t *command);

/* Makes the class of their owners, once. */
void tlsrpt_lua_command_class(lua_State *L);

/* Pushes an owner, which frees the command that is put into it: *command is
   NULL. */
tlsrpt_command_t **tlsrpt_lua_push_owner(lua_State *L);

/* Pushes the owner's command, and frees that; where it is NULL, nil and the
   error's table, as there was no memory. */
int tlsrpt_lua_push_owned(lua_State *L, tlsrpt_command_t **command);

/* Adds the functions that make commands, as tlsrpt_lua.c tells, to the table on
   top. */
void tlsrpt_lua_command_functions(lua_State *L);

#pragma GCC visibility pop

#endif /* TLSRPT_LUA_COMMAND_H */
