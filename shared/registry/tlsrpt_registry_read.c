/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <string.h>

#include "tlsrpt_enrolment.h"
#include "tlsrpt_registry_read.h"


/* Its hash tag: no domain can be enrolled that has one label. */
#define TAG         TLSRPT_STR("registry")

#define MAX_SUFFIX  (sizeof(":followers:") + TLSRPT_DOMAIN_LEN)
#define NUMBER_LEN  24


void
tlsrpt_key_registry(tlsrpt_key_t *key, tlsrpt_str_t prefix, const char *suffix)
{
    tlsrpt_key_domain(key, prefix, TAG, suffix);
}


void
tlsrpt_key_registry_of(tlsrpt_key_t *key, tlsrpt_str_t prefix,
    const char *suffix, tlsrpt_str_t name)
{
    char  text[MAX_SUFFIX + 1];

    snprintf(text, sizeof(text), "%s%.*s", suffix, (int) name.len, name.data);
    tlsrpt_key_registry(key, prefix, text);
}


const tlsrpt_command_t *
tlsrpt_registry_get(tlsrpt_key_read_t *read, tlsrpt_str_t prefix,
    tlsrpt_str_t domain)
{
    tlsrpt_key_registry(&read->key, prefix, "");

    return tlsrpt_key_read(read, "HGET", domain.data, domain.len);
}


const tlsrpt_command_t *
tlsrpt_registry_by_token(tlsrpt_key_read_t *read, tlsrpt_str_t prefix,
    tlsrpt_str_t token)
{
    tlsrpt_key_registry(&read->key, prefix, ":tokens");

    return tlsrpt_key_read(read, "HGET", token.data, token.len);
}


const tlsrpt_command_t *
tlsrpt_registry_meta(tlsrpt_key_read_t *read, tlsrpt_str_t prefix)
{
    tlsrpt_key_registry(&read->key, prefix, ":meta");
    tlsrpt_key_ask(read, "HMGET");
    tlsrpt_key_ask_for(read, "epoch", 5);
    tlsrpt_key_ask_for(read, "version", 7);

    return &read->command;
}


const tlsrpt_command_t *
tlsrpt_registry_changed(tlsrpt_key_read_t *read, tlsrpt_str_t prefix,
    uint64_t version)
{
    tlsrpt_key_registry(&read->key, prefix, ":versions");
    tlsrpt_key_ask(read, "ZRANGEBYSCORE");
    tlsrpt_key_ask_number(read, (long long) version + 1);
    tlsrpt_key_ask_for(read, "+inf", 4);
    tlsrpt_key_ask_for(read, "WITHSCORES", 10);
    tlsrpt_key_ask_for(read, "LIMIT", 5);
    tlsrpt_key_ask_for(read, "0", 1);
    tlsrpt_key_ask_number(read, TLSRPT_REGISTRY_PAGE);

    return &read->command;
}


const tlsrpt_command_t *
tlsrpt_registry_followers(tlsrpt_key_read_t *read, tlsrpt_str_t prefix,
    tlsrpt_str_t domain, size_t n)
{
    tlsrpt_key_registry_of(&read->key, prefix, ":followers:", domain);

    return tlsrpt_key_range(read, "ZRANGE", 0, (long long) n - 1);
}


const tlsrpt_command_t *
tlsrpt_registry_due(tlsrpt_key_read_t *read, tlsrpt_str_t prefix,
    const char *suffix, int64_t now, size_t n)
{
    tlsrpt_key_registry(&read->key, prefix, suffix);
    tlsrpt_key_ask(read, "ZRANGEBYSCORE");
    tlsrpt_key_ask_for(read, "-inf", 4);
    tlsrpt_key_ask_number(read, now);
    tlsrpt_key_ask_for(read, "LIMIT", 5);
    tlsrpt_key_ask_for(read, "0", 1);
    tlsrpt_key_ask_number(read, (long long) n);

    return &read->command;
}


const tlsrpt_command_t *
tlsrpt_registry_untold(tlsrpt_key_read_t *read, tlsrpt_str_t prefix, size_t n)
{
    tlsrpt_key_registry(&read->key, prefix, ":untold");

    return tlsrpt_key_range(read, "LRANGE", 0, (long long) n - 1);
}


tlsrpt_command_t *
tlsrpt_registry_records(tlsrpt_str_t prefix, const tlsrpt_str_t *domains,
    size_t n)
{
    tlsrpt_key_t  key;
    tlsrpt_str_t  argv[2 + TLSRPT_REGISTRY_PAGE];

    tlsrpt_key_registry(&key, prefix, "");

    argv[0] = TLSRPT_STR("HMGET");
    argv[1] = (tlsrpt_str_t) { key.data, key.len };

    for (size_t i = 0; i < n; i++) {
        argv[2 + i] = domains[i];
    }

    return tlsrpt_command_create(argv, 2 + n, 1, NULL);
}


tlsrpt_command_t *
tlsrpt_registry_names(tlsrpt_str_t prefix, const tlsrpt_str_t *owner,
    tlsrpt_str_t after, size_t n)
{
    char          min[TLSRPT_DOMAIN_LEN + 2], count[NUMBER_LEN];
    tlsrpt_key_t  key;
    tlsrpt_str_t  argv[7];

    if (owner) {
        tlsrpt_key_registry_of(&key, prefix, ":owner:", *owner);
    } else {
        tlsrpt_key_registry(&key, prefix, ":names");
    }

    snprintf(min, sizeof(min), "(%.*s", (int) after.len,
             after.len ? after.data : "");

    argv[0] = TLSRPT_STR("ZRANGEBYLEX");
    argv[1] = (tlsrpt_str_t) { key.data, key.len };
    argv[2] = (tlsrpt_str_t) { min, strlen(min) };
    argv[3] = TLSRPT_STR("+");
    argv[4] = TLSRPT_STR("LIMIT");
    argv[5] = TLSRPT_STR("0");
    argv[6].data = count;
    argv[6].len = (size_t) snprintf(count, sizeof(count), "%zu", n);

    return tlsrpt_command_create(argv, 7, 1, NULL);
}


tlsrpt_command_t *
tlsrpt_registry_look(tlsrpt_str_t prefix, tlsrpt_str_t domain, int64_t second)
{
    char          score[NUMBER_LEN];
    tlsrpt_key_t  key;
    tlsrpt_str_t  argv[5];

    tlsrpt_key_registry(&key, prefix, ":looks");

    argv[0] = TLSRPT_STR("ZADD");
    argv[1] = (tlsrpt_str_t) { key.data, key.len };
    argv[2] = TLSRPT_STR("XX");
    argv[3].data = score;
    argv[3].len = (size_t) snprintf(score, sizeof(score), "%lld",
                                    (long long) second);
    argv[4] = domain;

    return tlsrpt_command_create(argv, 5, 1, NULL);
}
