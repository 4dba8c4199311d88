/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Domains enrolled at run time, for Lua.
 */

#ifndef TLSRPT_LUA_REGISTRY_H
#define TLSRPT_LUA_REGISTRY_H

#include <lua.h>

#pragma GCC visibility push(hidden)

/* Makes the classes of records and changes, once. */
void tlsrpt_lua_registry_class(lua_State *L);

/* Adds the functions that tlsrpt_lua.c tells of to the table on top. */
void tlsrpt_lua_registry_functions(lua_State *L);

#pragma GCC visibility pop

#endif /* TLSRPT_LUA_REGISTRY_H */
