/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <string.h>

#include <lua.h>
#include <lauxlib.h>

#include "tlsrpt_lua_value.h"


static const char *const tlsrpt_lua_codes[] = {
    "OK",
#define XX(name, status, text) #name,
    TLSRPT_ERROR_MAP(XX)
#undef XX
};


void
tlsrpt_lua_push_str(lua_State *L, tlsrpt_str_t s)
{
    if (s.data == NULL) {
        lua_pushnil(L);
        return;
    }

    lua_pushlstring(L, s.data, s.len);
}


void
tlsrpt_lua_set_size(lua_State *L, const char *name, size_t value)
{
    lua_pushnumber(L, (lua_Number) value);
    lua_setfield(L, -2, name);
}


void
tlsrpt_lua_set_text(lua_State *L, const char *name, const char *value)
{
    lua_pushstring(L, value);
    lua_setfield(L, -2, name);
}


int
tlsrpt_lua_push_error(lua_State *L, const tlsrpt_error_t *error)
{
    lua_pushnil(L);
    lua_createtable(L, 0, 7);

    tlsrpt_lua_set_text(L, "code", tlsrpt_lua_codes[error->code]);
    tlsrpt_lua_set_text(L, "text", tlsrpt_error_text(error->code));
    tlsrpt_lua_set_text(L, "path", error->path);
    tlsrpt_lua_set_text(L, "detail", error->detail);
    tlsrpt_lua_set_size(L, "offset", error->offset);
    tlsrpt_lua_set_size(L, "line", error->line);
    tlsrpt_lua_set_size(L, "column", error->column);

    return 2;
}


int
tlsrpt_lua_push_memory_error(lua_State *L)
{
    tlsrpt_error_t  error;

    memset(&error, 0, sizeof(error));
    error.code = TLSRPT_ERR_MEMORY;

    return tlsrpt_lua_push_error(L, &error);
}


tlsrpt_str_t
tlsrpt_lua_field_str(lua_State *L, int table, const char *name)
{
    tlsrpt_str_t  s;

    lua_getfield(L, table, name);

    s.len = 0;
    s.data = lua_isnil(L, -1) ? NULL : luaL_checklstring(L, -1, &s.len);

    return s;
}


int64_t
tlsrpt_lua_whole(lua_State *L, int index, const char *name, double max)
{
    lua_Number  value;

    value = luaL_checknumber(L, index);

    if (!(value >= 0 && value <= max)) {
        luaL_error(L, "%s is out of range", name);
    }

    return (int64_t) value;
}


int64_t
tlsrpt_lua_field_whole(lua_State *L, int table, const char *name, double max)
{
    lua_getfield(L, table, name);

    return tlsrpt_lua_whole(L, -1, name, max);
}


tlsrpt_str_t
tlsrpt_lua_check_str(lua_State *L, int index)
{
    tlsrpt_str_t  s;

    s.data = luaL_checklstring(L, index, &s.len);

    return s;
}


void
tlsrpt_lua_class(lua_State *L, const char *name, const luaL_Reg *methods)
{
    luaL_newmetatable(L, name);
    luaL_register(L, NULL, methods);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
