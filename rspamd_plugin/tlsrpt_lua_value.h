/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Values between C and Lua.  What does not fit raises a Lua error.
 */

#ifndef TLSRPT_LUA_VALUE_H
#define TLSRPT_LUA_VALUE_H

#include <lua.h>
#include <lauxlib.h>

#include "tlsrpt_error.h"
#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

/* One that is not given is nil. */
void tlsrpt_lua_push_str(lua_State *L, tlsrpt_str_t s);

/* Fields of the table on top. */
void tlsrpt_lua_set_size(lua_State *L, const char *name, size_t value);
void tlsrpt_lua_set_text(lua_State *L, const char *name, const char *value);

/* Push nil and the error's table; 2, as a function that fails returns. */
int tlsrpt_lua_push_error(lua_State *L, const tlsrpt_error_t *error);
int tlsrpt_lua_push_memory_error(lua_State *L);

/* Arguments: a string, borrowed while it is on the stack; a whole number from 0
   to max. */
tlsrpt_str_t tlsrpt_lua_check_str(lua_State *L, int index);
int64_t tlsrpt_lua_whole(lua_State *L, int index, const char *name, double max);

/* The fields of a table argument: each is left on the stack, which keeps what
   it points to alive.  A string may be nil. */
tlsrpt_str_t tlsrpt_lua_field_str(lua_State *L, int table, const char *name);
int64_t tlsrpt_lua_field_whole(lua_State *L, int table, const char *name,
    double max);

/* Makes a class of userdata: its metatable, which is its methods, too. */
void tlsrpt_lua_class(lua_State *L, const char *name, const luaL_Reg *methods);

#pragma GCC visibility pop

#endif /* TLSRPT_LUA_VALUE_H */
