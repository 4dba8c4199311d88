/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#ifndef TLSRPT_LUA_CLOSING_H
#define TLSRPT_LUA_CLOSING_H

#include <lua.h>

#pragma GCC visibility push(hidden)

/* Makes the class, once. */
void tlsrpt_lua_closing_class(lua_State *L);

/* core.closing(), as tlsrpt_lua.c tells. */
int tlsrpt_lua_closing(lua_State *L);

#pragma GCC visibility pop

#endif /* TLSRPT_LUA_CLOSING_H */
