/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_erase.h"
#include "tlsrpt_kept.h"
#include "tlsrpt_key.h"
#include "tlsrpt_time.h"


#define PAGE      64                        /* elements of a list: two of a
                                               report */
#define MAX_KEYS  (3 * 31 + 2)              /* of a month */
#define NINDEXES  5
#define BEYOND    9                         /* days: counts are about days
                                               before, and after, today's */

typedef enum {
    OLDER = 0,                              /* is there anything? */
    LISTS,                                  /* a page of a day's list */
    TEXTS,                                  /* the long ones of it */
    MONTH,                                  /* the month's keys */
    DAYS,                                   /* some of its days */
    DOMAIN,
    INDEXES,
    END
} step_t;

struct tlsrpt_erase {
    char                prefix[TLSRPT_MAX_PREFIX + 1];
    char                domain[TLSRPT_DOMAIN_LEN + 1];
    step_t              step;
    int                 failed;
    int32_t             first;              /* of all days */
    int32_t             since;              /* 0: all days */
    int32_t             month;              /* its first day; the newest one
                                               is the first */
    int32_t             latest;             /* month */
    int32_t             day;                /* whose list is read */
    size_t              offset;
    int                 is_last;            /* page of the list */
    unsigned            index;
    tlsrpt_key_read_t   read;
    tlsrpt_command_t   *command;            /* owned */
    tlsrpt_key_t        keys[MAX_KEYS];     /* to be taken away next */
    size_t              nkeys;
};


static tlsrpt_str_t
str(const char *text)
{
    return (tlsrpt_str_t) { text, strlen(text) };
}


tlsrpt_erase_t *
tlsrpt_erase_create(tlsrpt_str_t prefix, tlsrpt_str_t domain,
    unsigned retention_days, int64_t now, int32_t since)
{
    tlsrpt_erase_t  *e = calloc(1, sizeof(*e));
    const int32_t    today = tlsrpt_day_of(now);

    if (e == NULL) {
        return NULL;
    }

    snprintf(e->prefix, sizeof(e->prefix), "%.*s", (int) prefix.len,
             prefix.data);
    snprintf(e->domain, sizeof(e->domain), "%.*s", (int) domain.len,
             domain.data);
    e->first = today - (int32_t) retention_days - BEYOND;
    e->since = since;
    e->month = tlsrpt_first_of_month(since ? since - 1 : today + BEYOND);
    e->latest = tlsrpt_first_of_month(today + BEYOND);
    e->day = e->month;
    e->step = since ? OLDER : LISTS;

    return e;
}


void
tlsrpt_erase_destroy(tlsrpt_erase_t *e)
{
    if (e != NULL) {
        tlsrpt_command_destroy(e->command);
        free(e);
    }
}


int
tlsrpt_erase_failed(const tlsrpt_erase_t *e)
{
    return e->failed;
}


/*
 * What goes
 */

static tlsrpt_key_t *
next_key(tlsrpt_erase_t *e)
{
    return &e->keys[e->nkeys++];
}


/* Of its days from begin to before end; where that is not all of them, not what
   is of the whole month. */

static void
add_month(tlsrpt_erase_t *e, int32_t begin, int32_t end)
{
    static const char *const  suffixes[] = { "", ":seen", ":kept" };

    const tlsrpt_str_t  prefix = str(e->prefix), domain = str(e->domain);

    e->nkeys = 0;

    if (begin <= e->month) {
        tlsrpt_key_month(next_key(e), prefix, domain, e->month);
        tlsrpt_key_closed(next_key(e), prefix, domain, e->month);
    }

    for (int32_t day = begin; day < end; day++) {
        for (size_t i = 0; i < 3; i++) {
            tlsrpt_key_day(next_key(e), prefix, domain, day, suffixes[i]);
        }
    }
}


static void
add_domain(tlsrpt_erase_t *e)
{
    static const char *const  suffixes[] = {
        "", ":problems", ":events", ":muted", ":struck", ":served", ":check",
        ":fetches"
    };

    e->nkeys = 0;

    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        tlsrpt_key_domain(next_key(e), str(e->prefix), str(e->domain),
                          suffixes[i]);
    }
}


/* Long texts of a page, each in a key of its own. */

static void
add_texts(tlsrpt_erase_t *e, const tlsrpt_reply_t *reply)
{
    char                 hex[2 + 2 * TLSRPT_DIGEST_LEN];
    tlsrpt_kept_head_t   head;

    e->nkeys = 0;

    for (size_t i = 1; i < reply->nelements && i < PAGE; i += 2) {
        if (tlsrpt_kept_decode(&head, e->day, reply->elements[i]) != 0
            || head.digest == NULL)
        {
            continue;
        }

        hex[0] = ':';

        for (int n = 0; n < TLSRPT_DIGEST_LEN; n++) {
            snprintf(hex + 1 + 2 * n, 3, "%02x",
                     (unsigned char) head.digest[n]);
        }

        tlsrpt_key_day(next_key(e), str(e->prefix), str(e->domain), e->day,
                       hex);
    }
}


static tlsrpt_command_t *
keys_command(const tlsrpt_erase_t *e, tlsrpt_str_t name)
{
    tlsrpt_str_t  argv[1 + MAX_KEYS];

    argv[0] = name;

    for (size_t i = 0; i < e->nkeys; i++) {
        argv[1 + i] = (tlsrpt_str_t) { e->keys[i].data, e->keys[i].len };
    }

    return tlsrpt_command_create(argv, 1 + e->nkeys, 1, NULL);
}


static tlsrpt_command_t *
unlink_command(const tlsrpt_erase_t *e)
{
    return keys_command(e, TLSRPT_STR("UNLINK"));
}


/* What there is of a month that is older; of the one of the day: its days
   before, and, if it is closed, all of it may be. */

static tlsrpt_command_t *
older_command(tlsrpt_erase_t *e)
{
    const int32_t       end = tlsrpt_next_month(e->month);
    const tlsrpt_str_t  prefix = str(e->prefix), domain = str(e->domain);

    e->nkeys = 0;
    tlsrpt_key_closed(next_key(e), prefix, domain, e->month);

    if (e->since >= end) {
        tlsrpt_key_month(next_key(e), prefix, domain, e->month);
    }

    for (int32_t day = e->month; day < end && day < e->since; day++) {
        tlsrpt_key_day(next_key(e), prefix, domain, day, "");
    }

    return keys_command(e, TLSRPT_STR("EXISTS"));
}


/* The totals of the days of a month that begin with that day. */

static tlsrpt_command_t *
days_command(const tlsrpt_erase_t *e)
{
    char           names[31][12];
    size_t         argc = 2;
    tlsrpt_key_t   key;
    tlsrpt_str_t   argv[2 + 31];
    const int32_t  end = tlsrpt_next_month(e->month);

    tlsrpt_key_month(&key, str(e->prefix), str(e->domain), e->month);
    argv[0] = TLSRPT_STR("HDEL");
    argv[1] = (tlsrpt_str_t) { key.data, key.len };

    for (int32_t day = e->since; day < end; day++) {
        char  *name = names[argc - 2];

        snprintf(name, sizeof(names[0]), "%d", (int) (day - e->month + 1));
        argv[argc++] = str(name);
    }

    return tlsrpt_command_create(argv, argc, 1, NULL);
}


static int
is_month_of_since(const tlsrpt_erase_t *e)
{
    return e->since > e->month;
}


static tlsrpt_command_t *
index_command(const tlsrpt_erase_t *e)
{
    static void (*const  indexes[NINDEXES])(tlsrpt_key_t *, tlsrpt_str_t) = {
        tlsrpt_key_index, tlsrpt_key_due, tlsrpt_key_open, tlsrpt_key_events,
        tlsrpt_key_untold
    };

    tlsrpt_key_t  key;
    tlsrpt_str_t  argv[3] = { TLSRPT_STR("ZREM"), { NULL, 0 }, str(e->domain) };

    indexes[e->index](&key, str(e->prefix));
    argv[1] = (tlsrpt_str_t) { key.data, key.len };

    return tlsrpt_command_create(argv, 3, 1, NULL);
}


/*
 * Steps
 */

static const tlsrpt_command_t *
made(tlsrpt_erase_t *e, tlsrpt_command_t *command)
{
    tlsrpt_command_destroy(e->command);
    e->command = command;

    if (command == NULL) {
        e->failed = 1;
        e->step = END;
    }

    return command;
}


const tlsrpt_command_t *
tlsrpt_erase_next(tlsrpt_erase_t *e)
{
    switch (e->step) {

    case OLDER:
        return made(e, older_command(e));

    case LISTS:
        tlsrpt_key_day(&e->read.key, str(e->prefix), str(e->domain), e->day,
                       ":kept");
        return tlsrpt_key_range(&e->read, "LRANGE", (long long) e->offset,
                                (long long) e->offset + PAGE - 1);

    case MONTH:
        add_month(e, is_month_of_since(e) ? e->since : e->month,
                  tlsrpt_next_month(e->month));
        return made(e, unlink_command(e));

    case DAYS:
        return made(e, days_command(e));

    case DOMAIN:
        add_domain(e);
        return made(e, unlink_command(e));

    case TEXTS:
        return made(e, unlink_command(e));

    case INDEXES:
        return made(e, index_command(e));

    default:
        return NULL;
    }
}


static void
next_page(tlsrpt_erase_t *e)
{
    e->offset += PAGE;

    if (e->is_last) {
        e->offset = 0;
        e->day++;
    }

    e->step = e->day < tlsrpt_next_month(e->month) ? LISTS : MONTH;
}


static void
begin_month(tlsrpt_erase_t *e, int32_t month)
{
    e->month = month;
    e->day = e->since > month ? e->since : month;
    e->step = LISTS;
}


static void
next_month(tlsrpt_erase_t *e)
{
    if (e->month <= e->first) {
        e->step = DOMAIN;

    } else if (e->since && e->month <= e->since) {
        e->step = END;

    } else {
        begin_month(e, tlsrpt_first_of_month(e->month - 1));
    }
}


static void
take_older(tlsrpt_erase_t *e, const tlsrpt_reply_t *reply)
{
    const int is_older = reply->type == TLSRPT_REPLY_INTEGER && reply->integer;

    if (!is_older && e->month > e->first) {
        e->month = tlsrpt_first_of_month(e->month - 1);
        return;
    }

    if (!is_older) {
        e->since = 0;
    }

    begin_month(e, e->latest);
}


void
tlsrpt_erase_add(tlsrpt_erase_t *e, const tlsrpt_reply_t *reply)
{
    if (reply->type == TLSRPT_REPLY_ERROR) {
        e->failed = 1;
        e->step = END;
        return;
    }

    switch (e->step) {

    case OLDER:
        take_older(e, reply);
        break;

    case LISTS:
        add_texts(e, reply);
        e->is_last = reply->nelements < PAGE;
        e->step = TEXTS;

        if (e->nkeys == 0) {
            next_page(e);
        }

        break;

    case TEXTS:
        next_page(e);
        break;

    case MONTH:
        if (is_month_of_since(e)) {
            e->step = DAYS;
            break;
        }

        next_month(e);
        break;

    case DAYS:
        next_month(e);
        break;

    case DOMAIN:
        e->step = INDEXES;
        break;

    case INDEXES:
        e->step = ++e->index < NINDEXES ? INDEXES : END;
        break;

    default:
        break;
    }
}
