/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the core does in steps, each a command and its reply, as Lua objects.
 */

#ifndef TLSRPT_LUA_STEPS_H
#define TLSRPT_LUA_STEPS_H

#include <lua.h>

#pragma GCC visibility push(hidden)

/* Makes their class, once. */
void tlsrpt_lua_steps_class(lua_State *L);

/* core.closing(), core.reckoning() and core.upkeep(), as tlsrpt_lua.c tells. */
int tlsrpt_lua_closing(lua_State *L);
int tlsrpt_lua_reckoning(lua_State *L);
int tlsrpt_lua_upkeep(lua_State *L);

#pragma GCC visibility pop

#endif /* TLSRPT_LUA_STEPS_H */
