/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <lua.h>
#include <lauxlib.h>

#include "tlsrpt_finding.h"
#include "tlsrpt_lua_check.h"
#include "tlsrpt_lua_value.h"
#include "tlsrpt_seen.h"


/* What is allocated while Lua may raise no error. */
typedef struct {
    tlsrpt_seen_t      seen;
    tlsrpt_findings_t  findings;
} tlsrpt_lua_check_t;


/* Findings as a JSON array; NULL: no memory. */
static char *
tlsrpt_lua_findings_text(const tlsrpt_findings_ask_t *ask,
    tlsrpt_findings_t *findings)
{
    char    *text;
    size_t   i;
    json_t  *list;

    tlsrpt_findings(ask, findings);
    list = json_array();

    for (i = 0; i < findings->n; i++) {

        if (json_array_append_new(list, tlsrpt_finding_json(ask,
                                            &findings->list[i])) != 0)
        {
            json_decref(list);
            return NULL;
        }
    }

    text = json_dumps(list, JSON_COMPACT);
    json_decref(list);

    return text;
}


static char *
tlsrpt_lua_judge(tlsrpt_findings_ask_t *ask, tlsrpt_str_t text)
{
    char                *answer;
    tlsrpt_lua_check_t  *check;

    check = calloc(1, sizeof(tlsrpt_lua_check_t));

    if (check == NULL || tlsrpt_seen_read(text, &check->seen) != 0) {
        free(check);
        return NULL;
    }

    ask->seen = &check->seen;
    answer = tlsrpt_lua_findings_text(ask, &check->findings);
    tlsrpt_seen_free(&check->seen);
    free(check);

    return answer;
}


static int
tlsrpt_lua_findings(lua_State *L)
{
    char                   *answer;
    tlsrpt_str_t            text;
    tlsrpt_findings_ask_t   ask;

    memset(&ask, 0, sizeof(ask));
    ask.domain = tlsrpt_lua_check_str(L, 1);
    text = tlsrpt_lua_check_str(L, 2);
    ask.now = tlsrpt_lua_whole(L, 3, "now", 1e15);

    answer = tlsrpt_lua_judge(&ask, text);

    if (answer == NULL) {
        lua_pushnil(L);
        return 1;
    }

    /* rspamd gives up where Lua has no memory */
    lua_pushstring(L, answer);
    free(answer);

    return 1;
}


static const luaL_Reg tlsrpt_lua_check[] = {
    { "findings",  tlsrpt_lua_findings },
    { NULL,        NULL }
};


void
tlsrpt_lua_check_functions(lua_State *L)
{
    luaL_register(L, NULL, tlsrpt_lua_check);
}
