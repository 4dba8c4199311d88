/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tlsrpt_key.h"
#include "tlsrpt_time.h"


/* Appends what fits. */

static void
add(tlsrpt_key_t *key, const char *s, size_t len)
{
    size_t  room = TLSRPT_KEY_SIZE - 1 - key->len;

    if (len > room) {
        len = room;
    }

    memcpy(key->data + key->len, s, len);
    key->len += len;
    key->data[key->len] = '\0';
}


static void
begin_prefix(tlsrpt_key_t *key, tlsrpt_str_t prefix)
{
    key->len = 0;
    add(key, prefix.data, prefix.len < TLSRPT_MAX_PREFIX ? prefix.len
                                                         : TLSRPT_MAX_PREFIX);
}


static void
begin(tlsrpt_key_t *key, tlsrpt_str_t prefix, tlsrpt_str_t domain)
{
    begin_prefix(key, prefix);
    add(key, ":{", 2);
    add(key, domain.data, domain.len < TLSRPT_DOMAIN_LEN ? domain.len
                                                         : TLSRPT_DOMAIN_LEN);
    add(key, "}", 1);
}


void
tlsrpt_key_domain(tlsrpt_key_t *key, tlsrpt_str_t prefix, tlsrpt_str_t domain,
    const char *suffix)
{
    begin(key, prefix, domain);
    add(key, suffix, strlen(suffix));
}


void
tlsrpt_key_month(tlsrpt_key_t *key, tlsrpt_str_t prefix, tlsrpt_str_t domain,
    int32_t day)
{
    char  text[TLSRPT_DAY_TEXT_LEN + 1];

    tlsrpt_day_text(day, text);

    begin(key, prefix, domain);
    add(key, ":", 1);
    add(key, text, sizeof("YYYY-MM") - 1);
}


void
tlsrpt_key_day(tlsrpt_key_t *key, tlsrpt_str_t prefix, tlsrpt_str_t domain,
    int32_t day, const char *suffix)
{
    char  text[TLSRPT_DAY_TEXT_LEN + 1];

    tlsrpt_day_text(day, text);

    begin(key, prefix, domain);
    add(key, ":", 1);
    add(key, text, TLSRPT_DAY_TEXT_LEN);
    add(key, suffix, strlen(suffix));
}


void
tlsrpt_key_closed(tlsrpt_key_t *key, tlsrpt_str_t prefix, tlsrpt_str_t domain,
    int32_t day)
{
    tlsrpt_key_month(key, prefix, domain, day);
    add(key, ":closed", 7);
}


void
tlsrpt_key_seen(tlsrpt_key_t *key, tlsrpt_str_t prefix, tlsrpt_str_t domain,
    int32_t day)
{
    int32_t  monday = tlsrpt_monday(day), first = tlsrpt_first_of_month(day);

    tlsrpt_key_day(key, prefix, domain, monday > first ? monday : first,
                   ":seen");
}


/* A key of no domain's own. */

static void
of_all(tlsrpt_key_t *key, tlsrpt_str_t prefix, const char *suffix)
{
    begin_prefix(key, prefix);
    add(key, suffix, strlen(suffix));
}


void
tlsrpt_key_index(tlsrpt_key_t *key, tlsrpt_str_t prefix)
{
    of_all(key, prefix, ":domains");
}


void
tlsrpt_key_due(tlsrpt_key_t *key, tlsrpt_str_t prefix)
{
    of_all(key, prefix, ":due");
}


void
tlsrpt_key_open(tlsrpt_key_t *key, tlsrpt_str_t prefix)
{
    of_all(key, prefix, ":open");
}


void
tlsrpt_key_events(tlsrpt_key_t *key, tlsrpt_str_t prefix)
{
    of_all(key, prefix, ":events");
}


void
tlsrpt_key_untold(tlsrpt_key_t *key, tlsrpt_str_t prefix)
{
    of_all(key, prefix, ":untold");
}


void
tlsrpt_key_lease(tlsrpt_key_t *key, tlsrpt_str_t prefix)
{
    of_all(key, prefix, ":lease:problems");
}


void
tlsrpt_key_mail(tlsrpt_key_t *key, tlsrpt_str_t prefix)
{
    of_all(key, prefix, ":mail");
}


void
tlsrpt_key_new(tlsrpt_key_t *key, tlsrpt_str_t prefix, int64_t minute)
{
    char  text[24];

    begin_prefix(key, prefix);
    add(key, ":new:", 5);
    add(key, text, (size_t) snprintf(text, sizeof(text), "%" PRId64, minute));
}


void
tlsrpt_key_alerts(tlsrpt_key_t *key, tlsrpt_str_t prefix)
{
    of_all(key, prefix, ":{outbox}:counts");
}


void
tlsrpt_key_contacts(tlsrpt_key_t *key, tlsrpt_str_t prefix)
{
    of_all(key, prefix, ":{outbox}:contacts");
}


void
tlsrpt_key_checks(tlsrpt_key_t *key, tlsrpt_str_t prefix, const char *suffix)
{
    of_all(key, prefix, ":{checks}");
    add(key, suffix, strlen(suffix));
}


void
tlsrpt_key_ask(tlsrpt_key_read_t *read, const char *name)
{
    read->argv[0] = name;
    read->argvlen[0] = strlen(name);
    read->argv[1] = read->key.data;
    read->argvlen[1] = read->key.len;
    read->nnumbers = 0;

    read->command.argv = read->argv;
    read->command.argvlen = read->argvlen;
    read->command.argc = 2;
    read->command.key = 1;
    read->command.script = NULL;
}


void
tlsrpt_key_ask_for(tlsrpt_key_read_t *read, const char *arg, size_t len)
{
    size_t  n = read->command.argc++;

    read->argv[n] = arg;
    read->argvlen[n] = len;
}


void
tlsrpt_key_ask_number(tlsrpt_key_read_t *read, long long value)
{
    char  *text = read->numbers[read->nnumbers++];
    int    len = snprintf(text, sizeof(read->numbers[0]), "%lld", value);

    tlsrpt_key_ask_for(read, text, (size_t) len);
}


const tlsrpt_command_t *
tlsrpt_key_read(tlsrpt_key_read_t *read, const char *name, const char *field,
    size_t field_len)
{
    tlsrpt_key_ask(read, name);

    if (field != NULL) {
        tlsrpt_key_ask_for(read, field, field_len);
    }

    return &read->command;
}


const tlsrpt_command_t *
tlsrpt_key_range(tlsrpt_key_read_t *read, const char *name, long long first,
    long long last)
{
    tlsrpt_key_ask(read, name);
    tlsrpt_key_ask_number(read, first);
    tlsrpt_key_ask_number(read, last);

    return &read->command;
}
