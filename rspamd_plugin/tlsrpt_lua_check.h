/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a look at a domain shows to be wrong, for Lua.
 */

#ifndef TLSRPT_LUA_CHECK_H
#define TLSRPT_LUA_CHECK_H

#include <lua.h>

#pragma GCC visibility push(hidden)

/* Adds the functions that tlsrpt_lua.c tells of to the table on top. */
void tlsrpt_lua_check_functions(lua_State *L);

#pragma GCC visibility pop

#endif /* TLSRPT_LUA_CHECK_H */
