/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_closed.h"
#include "tlsrpt_closing_step.h"
#include "tlsrpt_time.h"


#define MAX_STEPS      2048                 /* of one closing */
#define MAX_CHANGES    16                   /* in a row, by others */


tlsrpt_closing_t *
tlsrpt_closing_create(tlsrpt_str_t prefix, tlsrpt_str_t domain,
    unsigned retention_days, int64_t now)
{
    char              *p;
    tlsrpt_closing_t  *closing;

    closing = calloc(1, sizeof(*closing) + prefix.len + domain.len + 2);

    if (closing == NULL) {
        return NULL;
    }

    p = (char *) (closing + 1);
    memcpy(p, prefix.data, prefix.len);
    closing->prefix.data = p;
    closing->prefix.len = prefix.len;

    p += prefix.len + 1;
    memcpy(p, domain.data, domain.len);
    closing->domain.data = p;
    closing->domain.len = domain.len;

    closing->retention_days = retention_days;
    closing->now = now;

    return closing;
}


void
tlsrpt_closing_destroy(tlsrpt_closing_t *closing)
{
    if (closing != NULL) {
        tlsrpt_command_destroy(closing->command);
        free(closing);
    }
}


unsigned
tlsrpt_closing_moved(const tlsrpt_closing_t *closing)
{
    return closing->moved;
}


const tlsrpt_command_t *
tlsrpt_closing_next(tlsrpt_closing_t *closing)
{
    if (closing->steps++ == MAX_STEPS) {
        closing->state = TLSRPT_CLOSING_DONE;
    }

    switch (closing->state) {

    case TLSRPT_CLOSING_ASK:
        tlsrpt_key_domain(&closing->read.key, closing->prefix, closing->domain,
                          "");
        return tlsrpt_key_read(&closing->read, "HGETALL", NULL, 0);

    case TLSRPT_CLOSING_READ:
        return tlsrpt_closing_step_read(closing);

    case TLSRPT_CLOSING_MOVE:
        return closing->command;

    default:
        return NULL;
    }
}


/*
 * Which month
 */

/* "o:YYYY-MM" -> the month's first day; -1: another field. */

static int
open_month(const tlsrpt_reply_t *field, int32_t *month)
{
    char  text[TLSRPT_DAY_TEXT_LEN + 1] = "YYYY-MM-01";

    if (field->type != TLSRPT_REPLY_STRING || field->len != TLSRPT_CLOSING_FIELD
        || memcmp(field->str, "o:", 2) != 0)
    {
        return -1;
    }

    memcpy(text, field->str + 2, TLSRPT_CLOSING_MONTH);

    return tlsrpt_day_parse(text, TLSRPT_DAY_TEXT_LEN, month);
}


static int
is_due(int32_t month, const tlsrpt_reply_t *due, int32_t today)
{
    char  text[24] = "";

    if (due->type != TLSRPT_REPLY_STRING || due->len >= sizeof(text)) {
        return 0;
    }

    memcpy(text, due->str, due->len);

    /* both, as no host may close one that others do not look for yet */
    return strtoll(text, NULL, 10) <= today
           && tlsrpt_closed_due(month) <= today;
}


/* The earliest of those that are due, if any. */

static int
find_due(const tlsrpt_reply_t *domain, int32_t today, int32_t *first)
{
    int      found = 0;
    int32_t  month;

    for (size_t i = 0; i + 1 < domain->nelements; i += 2) {
        if (open_month(domain->elements[i], &month) == 0
            && is_due(month, domain->elements[i + 1], today)
            && (!found || month < *first))
        {
            *first = month;
            found = 1;
        }
    }

    return found;
}


int
tlsrpt_closing_due(const tlsrpt_reply_t *domain, int64_t now)
{
    int32_t  month;

    return find_due(domain, tlsrpt_day_of(now), &month);
}


static void
begin_month(tlsrpt_closing_t *closing, int32_t month)
{
    char  text[TLSRPT_DAY_TEXT_LEN + 1];

    tlsrpt_day_text(month, text);
    memcpy(closing->field, "o:", 2);
    memcpy(closing->field + 2, text, TLSRPT_CLOSING_MONTH);

    closing->month = month;
    closing->ndays = (unsigned) (tlsrpt_next_month(month) - month);
    closing->room = TLSRPT_CLOSING_TEXT;
    closing->changes = 0;
    closing->state = TLSRPT_CLOSING_READ;
}


static void
choose_month(tlsrpt_closing_t *closing, const tlsrpt_reply_t *reply)
{
    int32_t  month;

    closing->state = TLSRPT_CLOSING_DONE;

    if (find_due(reply, tlsrpt_day_of(closing->now), &month)) {
        begin_month(closing, month);
    }
}


static void
take_moved(tlsrpt_closing_t *closing, const tlsrpt_reply_t *reply)
{
    long long  answer = reply->type == TLSRPT_REPLY_INTEGER ? reply->integer
                                                            : -1;

    closing->changes = answer == 0 ? closing->changes + 1 : 0;
    closing->moved += answer > 0;
    closing->state = answer == 2 ? TLSRPT_CLOSING_ASK
                     : answer < 0 || closing->changes == MAX_CHANGES
                     ? TLSRPT_CLOSING_DONE : TLSRPT_CLOSING_READ;
}


void
tlsrpt_closing_add(tlsrpt_closing_t *closing, const tlsrpt_reply_t *reply)
{
    if (reply->type == TLSRPT_REPLY_ERROR) {
        closing->state = TLSRPT_CLOSING_DONE;
        return;
    }

    switch (closing->state) {

    case TLSRPT_CLOSING_ASK:
        choose_month(closing, reply);
        break;

    case TLSRPT_CLOSING_READ:
        tlsrpt_closing_step_take(closing, reply);
        break;

    default:
        take_moved(closing, reply);
    }
}
