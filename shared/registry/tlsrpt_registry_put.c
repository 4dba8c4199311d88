/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_registry_ops.h"
#include "tlsrpt_registry_put.h"
#include "tlsrpt_registry_read.h"


/* EVALSHA, the script, the number of keys, then the keys and arguments that
   registry_put.lua takes, in its order. */

#define FIRST_KEY   3
#define NKEYS       4                       /* that are always there */
#define NFIXED      5
#define NUMBER_LEN  24

typedef struct {
    tlsrpt_key_t  *keys;
    size_t         nkeys;
    tlsrpt_str_t  *argv;
    size_t         argc;
    char         (*numbers)[NUMBER_LEN];
    size_t         nnumbers;
    char         **texts;                   /* owned, of events */
    size_t         ntexts;
    int            failed;
} call_t;

static const char *const  names[] = {
    [TLSRPT_OP_LIMIT] = "limit", [TLSRPT_OP_FREE] = "free",
    [TLSRPT_OP_NOBODY] = "nobody", [TLSRPT_OP_SAME] = "same",
    [TLSRPT_OP_ZADD] = "zadd", [TLSRPT_OP_KEEP] = "keep",
    [TLSRPT_OP_HSET] = "hset", [TLSRPT_OP_ZREM] = "zrem",
    [TLSRPT_OP_HDEL] = "hdel",
};


static void
add(call_t *call, tlsrpt_str_t s)
{
    call->argv[call->argc++] = s.len ? s : TLSRPT_STR("");
}


static tlsrpt_str_t
number(call_t *call, int64_t n)
{
    char  *text = call->numbers[call->nnumbers++];

    return (tlsrpt_str_t) { text, (size_t) snprintf(text, NUMBER_LEN, "%lld",
                                                    (long long) n) };
}


/* Where the key stands in KEYS, from 1; a new one is added. */

static size_t
key_of(call_t *call, tlsrpt_str_t prefix, const char *suffix, tlsrpt_str_t of)
{
    tlsrpt_key_t  *key = &call->keys[call->nkeys];

    if (of.data) {
        tlsrpt_key_registry_of(key, prefix, suffix, of);
    } else {
        tlsrpt_key_registry(key, prefix, suffix);
    }

    for (size_t i = 0; i < call->nkeys; i++) {
        if (call->keys[i].len == key->len
            && memcmp(call->keys[i].data, key->data, key->len) == 0)
        {
            return i + 1;
        }
    }

    return ++call->nkeys;
}


static int
begin(call_t *call, size_t nops, size_t nevents)
{
    memset(call, 0, sizeof(*call));

    call->keys = calloc(NKEYS + nops + 1, sizeof(*call->keys));
    call->argv = calloc(FIRST_KEY + NKEYS + nops + NFIXED + nevents + 4 * nops,
                        sizeof(*call->argv));
    call->numbers = calloc(3 + 2 * nops, sizeof(*call->numbers));
    call->texts = calloc(nevents + 1, sizeof(*call->texts));

    return call->keys && call->argv && call->numbers && call->texts ? 0 : -1;
}


static void
end(call_t *call)
{
    for (size_t i = 0; i < call->ntexts; i++) {
        free(call->texts[i]);
    }

    free(call->texts);
    free(call->numbers);
    free(call->argv);
    free(call->keys);
}


static void
add_keys(call_t *call, tlsrpt_str_t prefix, const tlsrpt_registry_ops_t *ops,
    size_t *places)
{
    static const char *const  always[NKEYS] = {
        "", ":meta", ":versions", ":untold"
    };

    for (size_t i = 0; i < NKEYS; i++) {
        (void) key_of(call, prefix, always[i], (tlsrpt_str_t) { NULL, 0 });
    }

    for (size_t i = 0; i < ops->n; i++) {
        places[i] = key_of(call, prefix, ops->list[i].key, ops->list[i].of);
    }

    add(call, TLSRPT_STR("EVALSHA"));
    add(call, (tlsrpt_str_t) { tlsrpt_registry_put_script.sha1,
                               strlen(tlsrpt_registry_put_script.sha1) });
    add(call, number(call, (int64_t) call->nkeys));

    for (size_t i = 0; i < call->nkeys; i++) {
        add(call, (tlsrpt_str_t) { call->keys[i].data, call->keys[i].len });
    }
}


static void
add_events(call_t *call, const json_t *events)
{
    char    *text;
    size_t   i;
    json_t  *event;

    add(call, number(call, (int64_t) json_array_size(events)));

    json_array_foreach((json_t *) events, i, event) {
        text = json_dumps(event, JSON_COMPACT);

        if (text == NULL) {
            call->failed = 1;
            return;
        }

        call->texts[call->ntexts++] = text;
        add(call, (tlsrpt_str_t) { text, strlen(text) });
    }
}


static void
add_op(call_t *call, const tlsrpt_registry_op_t *op, size_t place)
{
    tlsrpt_str_t  second = op->value, first = op->text;

    if (op->what == TLSRPT_OP_LIMIT) {
        first = number(call, op->number);

    } else if (op->what == TLSRPT_OP_ZADD || op->what == TLSRPT_OP_KEEP) {
        first = number(call, op->number);
        second = op->text;
    }

    add(call, (tlsrpt_str_t) { names[op->what], strlen(names[op->what]) });
    add(call, number(call, (int64_t) place));
    add(call, first);
    add(call, second);
}


static tlsrpt_command_t *
make(call_t *call, tlsrpt_str_t prefix, const tlsrpt_change_t *change,
    size_t *places)
{
    const tlsrpt_registry_ops_t  *ops = change->ops;

    add_keys(call, prefix, ops, places);
    add(call, change->domain);
    add(call, number(call, (int64_t) change->version));
    add(call, (tlsrpt_str_t) { change->json.data, change->json.len });
    add(call, (tlsrpt_str_t) { change->epoch, TLSRPT_TOKEN_LEN });
    add_events(call, change->events);

    for (size_t i = 0; i < ops->n && !call->failed; i++) {
        add_op(call, &ops->list[i], places[i]);
    }

    return call->failed ? NULL
           : tlsrpt_command_create(call->argv, call->argc, FIRST_KEY,
                                   &tlsrpt_registry_put_script);
}


tlsrpt_command_t *
tlsrpt_registry_put_command(tlsrpt_str_t prefix, const tlsrpt_change_t *change)
{
    call_t             call;
    size_t            *places = calloc(change->ops->n + 1, sizeof(*places));
    tlsrpt_command_t  *command = NULL;

    if (begin(&call, change->ops->n, json_array_size(change->events)) == 0
        && places != NULL)
    {
        command = make(&call, prefix, change, places);
    }

    end(&call);
    free(places);

    return command;
}


int
tlsrpt_registry_put_result(const tlsrpt_reply_t *reply, uint64_t *version)
{
    *version = 0;

    if (reply->type != TLSRPT_REPLY_INTEGER) {
        return TLSRPT_PUT_FAILED;
    }

    switch (reply->integer) {

    case 0:
        return TLSRPT_PUT_AGAIN;

    case -1:
        return TLSRPT_PUT_TOO_MANY;

    case -2:
        return TLSRPT_PUT_TOKEN_TAKEN;

    case -3:
        return TLSRPT_PUT_FOLLOWED;
    }

    *version = (uint64_t) reply->integer;

    return reply->integer > 0 ? TLSRPT_PUT_DONE : TLSRPT_PUT_FAILED;
}
