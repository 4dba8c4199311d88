/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <stdlib.h>

#include "tlsrpt_commit.h"
#include "tlsrpt_key.h"


/* EVALSHA, the script and the number of keys, then the keys and arguments that
   commit.lua takes, in its order. */

#define FIRST_KEY   3
#define NKEYS       4
#define NFIXED      7
#define NUMBER_LEN  24

typedef struct {
    tlsrpt_str_t  *argv;
    size_t         argc;
    char         **texts;                   /* owned, of events */
    size_t         ntexts;
    tlsrpt_key_t   keys[NKEYS];
    char           keep[NUMBER_LEN];
} call_t;


static void
add(call_t *call, tlsrpt_str_t s)
{
    call->argv[call->argc++] = s.len ? s : TLSRPT_STR("");
}


static tlsrpt_str_t
text(const char *s)
{
    tlsrpt_str_t  result = { s, s != NULL ? strlen(s) : 0 };

    return result;
}


/* 0, or -1: no memory. */

static int
begin(call_t *call, tlsrpt_str_t prefix, tlsrpt_str_t domain, size_t nevents)
{
    static const char *const  suffixes[NKEYS] = {
        ":problems", "", ":events", ":untold"
    };

    call->argc = 0;
    call->ntexts = 0;
    call->argv = calloc(FIRST_KEY + NKEYS + NFIXED + 3 * nevents,
                        sizeof(*call->argv));
    call->texts = calloc(2 * nevents + 1, sizeof(*call->texts));

    if (call->argv == NULL || call->texts == NULL) {
        return -1;
    }

    add(call, TLSRPT_STR("EVALSHA"));
    add(call, text(tlsrpt_commit_script.sha1));
    add(call, TLSRPT_STR("4"));

    for (size_t i = 0; i < NKEYS; i++) {
        tlsrpt_key_domain(&call->keys[i], prefix, domain, suffixes[i]);
        add(call, (tlsrpt_str_t) { call->keys[i].data, call->keys[i].len });
    }

    return 0;
}


static tlsrpt_command_t *
end(call_t *call, int rc)
{
    tlsrpt_command_t  *command = NULL;

    if (rc == 0) {
        command = tlsrpt_command_create(call->argv, call->argc, FIRST_KEY,
                                        &tlsrpt_commit_script);
    }

    for (size_t i = 0; i < call->ntexts; i++) {
        free(call->texts[i]);
    }

    free(call->texts);
    free(call->argv);

    return command;
}


static void
add_keep(call_t *call, int64_t keep)
{
    snprintf(call->keep, NUMBER_LEN, "%lld", (long long) keep);
    add(call, text(call->keep));
}


static int
add_json(call_t *call, const json_t *json)
{
    char  *dump = json_dumps(json, JSON_COMPACT);

    if (dump == NULL) {
        return -1;
    }

    call->texts[call->ntexts++] = dump;
    add(call, text(dump));

    return 0;
}


static int
add_event(call_t *call, const json_t *told)
{
    const json_t  *event = json_object_get(told, "event");

    add(call, text(json_string_value(json_object_get(event, "id"))));

    return add_json(call, event) == 0 && add_json(call, told) == 0 ? 0 : -1;
}


tlsrpt_command_t *
tlsrpt_commit_command(const tlsrpt_commit_t *commit)
{
    int      rc;
    size_t   i;
    json_t  *told;
    call_t   call;

    rc = begin(&call, commit->prefix, commit->domain,
               json_array_size(commit->events));

    if (rc == 0) {
        add(&call, commit->was);
        add(&call, commit->mark_was);
        add(&call, commit->late_was);
        add(&call, commit->struck_was);
        add(&call, commit->state);
        add(&call, commit->mark);
        add_keep(&call, commit->keep);
    }

    json_array_foreach((json_t *) commit->events, i, told) {
        rc = rc == 0 ? add_event(&call, told) : rc;
    }

    return end(&call, rc);
}


tlsrpt_command_t *
tlsrpt_event_add(tlsrpt_str_t prefix, tlsrpt_str_t domain, tlsrpt_str_t id,
    tlsrpt_str_t event, int64_t keep)
{
    call_t  call;
    int     rc = begin(&call, prefix, domain, 1);

    if (rc == 0) {
        add(&call, TLSRPT_STR("-"));
        add(&call, TLSRPT_STR(""));
        add(&call, TLSRPT_STR(""));
        add(&call, TLSRPT_STR(""));
        add(&call, TLSRPT_STR(""));
        add(&call, TLSRPT_STR(""));
        add_keep(&call, keep);
        add(&call, id);
        add(&call, event);
        add(&call, TLSRPT_STR(""));
    }

    return end(&call, rc);
}


static tlsrpt_command_t *
index_command(const tlsrpt_key_t *key, tlsrpt_str_t domain,
    int64_t milliseconds)
{
    char          score[NUMBER_LEN];
    tlsrpt_str_t  argv[] = {
        TLSRPT_STR("ZADD"), { key->data, key->len }, { score, 0 }, domain
    };

    argv[2].len = (size_t) snprintf(score, NUMBER_LEN, "%lld",
                                    (long long) milliseconds);

    return tlsrpt_command_create(argv, 4, 1, NULL);
}


tlsrpt_command_t *
tlsrpt_event_index(tlsrpt_str_t prefix, tlsrpt_str_t domain,
    int64_t milliseconds)
{
    tlsrpt_key_t  key;

    tlsrpt_key_events(&key, prefix);

    return index_command(&key, domain, milliseconds);
}


tlsrpt_command_t *
tlsrpt_untold_index(tlsrpt_str_t prefix, tlsrpt_str_t domain,
    int64_t milliseconds)
{
    tlsrpt_key_t  key;

    tlsrpt_key_untold(&key, prefix);

    return index_command(&key, domain, milliseconds);
}
