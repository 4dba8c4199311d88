/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The client of a TLS connection, for Lua.
 */

#ifndef TLSRPT_LUA_PROBE_H
#define TLSRPT_LUA_PROBE_H

#include <lua.h>

#pragma GCC visibility push(hidden)

void tlsrpt_lua_probe_class(lua_State *L);

/* Adds the functions that tlsrpt_lua.c tells of to the table on top. */
void tlsrpt_lua_probe_functions(lua_State *L);

#pragma GCC visibility pop

#endif /* TLSRPT_LUA_PROBE_H */
