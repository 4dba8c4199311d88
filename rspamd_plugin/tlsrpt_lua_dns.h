/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Questions to name servers, for Lua.
 */

#ifndef TLSRPT_LUA_DNS_H
#define TLSRPT_LUA_DNS_H

#include <lua.h>

#pragma GCC visibility push(hidden)

/* Adds the functions that tlsrpt_lua.c tells of to the table on top. */
void tlsrpt_lua_dns_functions(lua_State *L);

#pragma GCC visibility pop

#endif /* TLSRPT_LUA_DNS_H */
