/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>

#include "tlsrpt_due.h"
#include "tlsrpt_key.h"


#define FIRST_KEY   3
#define MAX_ARGS    9
#define NUMBER_LEN  24

typedef struct {
    const tlsrpt_script_t  *script;
    tlsrpt_key_t            due;
    tlsrpt_key_t            index;
    tlsrpt_str_t            argv[MAX_ARGS];
    size_t                  argc;
    char                    numbers[2][NUMBER_LEN];
    size_t                  nnumbers;
} call_t;


static void
add(call_t *call, const char *data, size_t len)
{
    call->argv[call->argc].data = data;
    call->argv[call->argc++].len = len;
}


static void
add_number(call_t *call, unsigned n)
{
    char  *text = call->numbers[call->nnumbers++];

    add(call, text, (size_t) snprintf(text, NUMBER_LEN, "%u", n));
}


/* Of one key, or of two. */

static void
begin(call_t *call, const tlsrpt_script_t *script, tlsrpt_str_t prefix,
    int with_index)
{
    call->script = script;
    call->argc = 0;
    call->nnumbers = 0;

    add(call, "EVALSHA", 7);
    add(call, script->sha1, strlen(script->sha1));
    add(call, with_index ? "2" : "1", 1);

    tlsrpt_key_due(&call->due, prefix);
    add(call, call->due.data, call->due.len);

    if (with_index) {
        tlsrpt_key_index(&call->index, prefix);
        add(call, call->index.data, call->index.len);
    }
}


static tlsrpt_command_t *
end(call_t *call)
{
    return tlsrpt_command_create(call->argv, call->argc, FIRST_KEY,
                                 call->script);
}


tlsrpt_command_t *
tlsrpt_due_add(tlsrpt_str_t prefix, tlsrpt_str_t domain, unsigned delay)
{
    call_t  call;

    begin(&call, &tlsrpt_due_add_script, prefix, 0);
    add(&call, domain.data, domain.len);
    add_number(&call, delay);

    return end(&call);
}


tlsrpt_command_t *
tlsrpt_due_late(tlsrpt_str_t prefix, tlsrpt_str_t domain)
{
    tlsrpt_key_t  key;

    tlsrpt_key_domain(&key, prefix, domain, "");

    tlsrpt_str_t  argv[] = {
        TLSRPT_STR("HINCRBY"), { key.data, key.len }, TLSRPT_STR("l"),
        TLSRPT_STR("1")
    };

    return tlsrpt_command_create(argv, 4, 1, NULL);
}


tlsrpt_command_t *
tlsrpt_due_claim(tlsrpt_str_t prefix, unsigned n, unsigned hold)
{
    call_t  call;

    begin(&call, &tlsrpt_due_claim_script, prefix, 1);
    add_number(&call, n);
    add_number(&call, hold);

    return end(&call);
}


static tlsrpt_str_t
text_of(const tlsrpt_reply_t *reply)
{
    tlsrpt_str_t  s = { NULL, 0 };

    if (reply->type == TLSRPT_REPLY_STRING) {
        s.data = reply->str;
        s.len = reply->len;
    }

    return s;
}


int
tlsrpt_due_claimed(const tlsrpt_reply_t *reply, size_t i, tlsrpt_str_t *domain,
    tlsrpt_str_t *score)
{
    if (reply->type != TLSRPT_REPLY_ARRAY || reply->nelements < 2 * i + 2) {
        return 0;
    }

    *domain = text_of(reply->elements[2 * i]);
    *score = text_of(reply->elements[2 * i + 1]);

    return domain->data != NULL && score->data != NULL;
}


tlsrpt_command_t *
tlsrpt_due_release(tlsrpt_str_t prefix, tlsrpt_str_t domain,
    tlsrpt_str_t score, unsigned next)
{
    call_t  call;

    begin(&call, &tlsrpt_due_release_script, prefix, 0);
    add(&call, domain.data, domain.len);
    add(&call, score.data, score.len);
    add_number(&call, next);

    return end(&call);
}
