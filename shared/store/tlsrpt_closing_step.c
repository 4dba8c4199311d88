/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>
#include <openssl/sha.h>

#include "tlsrpt_closed.h"
#include "tlsrpt_closing_step.h"
#include "tlsrpt_ingest.h"
#include "tlsrpt_packed.h"


#define SLICE_DIGESTS  2048
#define SETS           6                    /* weeks that a month is part of */
#define SHA1_HEX       (2 * SHA_DIGEST_LENGTH)
#define MAX_ARGS                                                              \
    (3 + 3 + TLSRPT_CLOSED_DAYS + SETS + 9                                    \
     + 3 + 5 * TLSRPT_CLOSED_DAYS + 2 * SETS + SLICE_DIGESTS)

/* A step, as it is made from a slice. */
typedef struct {
    const tlsrpt_reply_t  *head;            /* parts of the slice */
    const tlsrpt_reply_t  *last_chunk;
    const tlsrpt_reply_t  *last_run;
    const tlsrpt_reply_t  *totals;
    const tlsrpt_reply_t  *logs;
    const tlsrpt_reply_t  *sets;

    tlsrpt_closed_t        closed;
    tlsrpt_buf_t           text;
    tlsrpt_buf_t           chunk;
    tlsrpt_buf_t           run;
    tlsrpt_buf_t           new_head;
    char                   chunk_field[8];
    char                   run_field[8];

    size_t                 nlogs;
    struct {
        int                day;
        size_t             len;             /* bytes that move */
        int                rest;            /* some stay */
        char               sha1[SHA1_HEX + 1];
    } log[TLSRPT_CLOSED_DAYS];

    tlsrpt_str_t           args[MAX_ARGS];
    size_t                 nargs;
    char                   numbers[2 * TLSRPT_CLOSED_DAYS + 2 * SETS + 16][24];
    size_t                 nnumbers;
    tlsrpt_key_t           keys[3 + TLSRPT_CLOSED_DAYS + SETS];
} step_t;


/*
 * Keys and arguments
 */

static void
arg(step_t *step, const void *data, size_t len)
{
    step->args[step->nargs].data = data;
    step->args[step->nargs++].len = len;
}


static void
arg_text(step_t *step, const char *text)
{
    arg(step, text, strlen(text));
}


static void
arg_buf(step_t *step, const tlsrpt_buf_t *buf)
{
    arg(step, buf->data != NULL ? buf->data : "", buf->len);
}


static void
arg_number(step_t *step, uint64_t number)
{
    char  *text = step->numbers[step->nnumbers++];

    arg(step, text, (size_t) snprintf(text, sizeof(step->numbers[0]), "%llu",
                                      (unsigned long long) number));
}


/* The closed month, the month, the domain where the script wants it, the days,
   and the sets of digests, which begin on the first of the month and on its
   Mondays. */

static void
arg_keys(step_t *step, const tlsrpt_closing_t *closing, int with_domain)
{
    size_t         n = 0;
    const int32_t  first = closing->month;
    const int32_t  end = first + (int32_t) closing->ndays;
    tlsrpt_str_t   prefix = closing->prefix, domain = closing->domain;
    tlsrpt_key_t  *keys = step->keys;

    tlsrpt_key_closed(&keys[n++], prefix, domain, first);
    tlsrpt_key_month(&keys[n++], prefix, domain, first);

    if (with_domain) {
        tlsrpt_key_domain(&keys[n++], prefix, domain, "");
    }

    for (int32_t day = first; day < end; day++) {
        tlsrpt_key_day(&keys[n++], prefix, domain, day, "");
    }

    for (int32_t day = first; day < end; day = tlsrpt_monday(day) + 7) {
        tlsrpt_key_seen(&keys[n++], prefix, domain, day);
    }

    arg_number(step, n);

    for (size_t i = 0; i < n; i++) {
        arg(step, keys[i].data, keys[i].len);
    }
}


static tlsrpt_command_t *
make_command(step_t *step, const tlsrpt_script_t *script)
{
    return tlsrpt_command_create(step->args, step->nargs, 3, script);
}


const tlsrpt_command_t *
tlsrpt_closing_step_read(tlsrpt_closing_t *closing)
{
    step_t  *step = calloc(1, sizeof(*step));

    if (step == NULL) {
        return NULL;
    }

    arg_text(step, "EVALSHA");
    arg_text(step, tlsrpt_slice_script.sha1);
    arg_keys(step, closing, 0);
    arg_number(step, closing->ndays);
    arg_number(step, closing->room);
    arg_number(step, SLICE_DIGESTS);

    tlsrpt_command_destroy(closing->command);
    closing->command = make_command(step, &tlsrpt_slice_script);
    free(step);

    return closing->command;
}


/*
 * A slice becomes a step
 */

static int
slice_parse(step_t *step, const tlsrpt_reply_t *reply)
{
    if (reply->type != TLSRPT_REPLY_ARRAY || reply->nelements != 6
        || reply->elements[3]->type != TLSRPT_REPLY_ARRAY
        || reply->elements[4]->type != TLSRPT_REPLY_ARRAY
        || reply->elements[4]->nelements > 3 * TLSRPT_CLOSED_DAYS
        || reply->elements[5]->type != TLSRPT_REPLY_ARRAY
        || reply->elements[5]->nelements > SETS)
    {
        return -1;
    }

    step->head = reply->elements[0];
    step->last_chunk = reply->elements[1];
    step->last_run = reply->elements[2];
    step->totals = reply->elements[3];
    step->logs = reply->elements[4];
    step->sets = reply->elements[5];

    return 0;
}


static void
add_log(step_t *step, int day, size_t size, const tlsrpt_reply_t *log,
    size_t len)
{
    unsigned char  sha1[SHA_DIGEST_LENGTH];

    tlsrpt_chunk_add(&step->text, day, log->str, len);
    SHA1((const unsigned char *) log->str, len, sha1);

    for (int i = 0; i < SHA_DIGEST_LENGTH; i++) {
        snprintf(step->log[step->nlogs].sha1 + 2 * i, 3, "%02x", sha1[i]);
    }

    step->log[step->nlogs].day = day;
    step->log[step->nlogs].len = len;
    step->log[step->nlogs++].rest = len < size;
}


/* Of the last log that is in the slice, the packed reports that are whole; one
   that is larger than the slice is asked for by itself. */

static void
add_logs(step_t *step, tlsrpt_closing_t *closing)
{
    size_t                 size, len;
    tlsrpt_reply_t *const *e = step->logs->elements;

    for (size_t i = 0; i + 2 < step->logs->nelements; i += 3) {
        size = (size_t) e[i + 1]->integer;
        len = e[i + 2]->len;

        if (e[i]->integer < 1 || e[i]->integer > (int) closing->ndays
            || e[i + 2]->type != TLSRPT_REPLY_STRING)
        {
            continue;
        }

        if (len < size) {
            len = tlsrpt_packed_whole(e[i + 2]->str, len);
        }

        if (len == 0 && closing->room > TLSRPT_CLOSING_TEXT) {
            len = e[i + 2]->len;            /* not to be understood */
        }

        if (len > 0) {
            add_log(step, (int) e[i]->integer, size, e[i + 2], len);
        }

        if (closing->room > TLSRPT_CLOSING_TEXT) {
            break;
        }
    }

    closing->room = step->logs->nelements && step->nlogs == 0
                    ? TLSRPT_CLOSED_TEXT - 16 : TLSRPT_CLOSING_TEXT;
}


/* The text goes into the last chunk, if that has room. */

static int
make_chunk(step_t *step)
{
    int              rc = 0;
    uint64_t         start = step->closed.stream;
    tlsrpt_buf_t     text = { NULL, 0, 0, 0 };
    tlsrpt_chunk_t   last = { NULL, 0, 0, 0 };
    tlsrpt_closed_t *closed = &step->closed;

    if (step->text.len == 0) {
        return 0;
    }

    if (closed->nchunks > 0
        && tlsrpt_chunk_read(&last, step->last_chunk) != 0)
    {
        return -1;
    }

    if (last.len && last.len + step->text.len <= TLSRPT_CLOSED_CHUNK
        && last.start + last.len == closed->stream)
    {
        tlsrpt_buf_add(&text, last.text, last.len);
        start = last.start;

    } else {
        closed->nchunks++;
    }

    tlsrpt_buf_add(&text, step->text.data, step->text.len);
    closed->stream += step->text.len;
    snprintf(step->chunk_field, sizeof(step->chunk_field), "c%u",
             (unsigned) (closed->nchunks - 1) & 0xffff);

    rc = text.failed ? -1 : tlsrpt_chunk_write(&step->chunk, start, &text);
    tlsrpt_chunk_free(&last);
    tlsrpt_buf_free(&text);

    return rc;
}


/* The digests go into the last run, if that has room. */

static int
make_run(step_t *step)
{
    size_t            last = step->last_run->len, len;
    tlsrpt_closed_t  *closed = &step->closed;

    for (size_t i = 0; i < step->sets->nelements; i++) {
        tlsrpt_run_add(&step->run, closed, step->sets->elements[i]);
    }

    tlsrpt_run_sort(&step->run);
    len = step->run.len;

    if (len == 0) {
        return step->run.failed ? -1 : 0;
    }

    if (step->last_run->type == TLSRPT_REPLY_STRING && last > 0
        && last % TLSRPT_CLOSED_DIGEST == 0
        && last + len <= TLSRPT_CLOSED_RUN * TLSRPT_CLOSED_DIGEST)
    {
        tlsrpt_buf_add(&step->run, step->last_run->str, last);
        tlsrpt_run_sort(&step->run);
        len = step->run.len - last;

    } else {
        closed->nruns++;
    }

    closed->ndigests += len / TLSRPT_CLOSED_DIGEST;
    snprintf(step->run_field, sizeof(step->run_field), "d%u",
             (unsigned) (closed->nruns - 1) & 0xffff);

    return step->run.failed ? -1 : 0;
}


/* May the totals of the day move?  Not before all of its log does. */

static int
is_whole(const step_t *step, int day)
{
    tlsrpt_reply_t *const *e = step->logs->elements;

    for (size_t i = 0; i < step->nlogs; i++) {
        if (step->log[i].day == day) {
            return !step->log[i].rest;
        }
    }

    for (size_t i = 0; i + 2 < step->logs->nelements; i += 3) {
        if (e[i]->integer == day) {
            return 0;
        }
    }

    return 1;
}


static size_t
add_totals(step_t *step, int counts)
{
    int                    day;
    size_t                 n = 0;
    tlsrpt_totals_t        totals;
    tlsrpt_reply_t *const *e = step->totals->elements;

    for (size_t i = 0; i + 1 < step->totals->nelements; i += 2) {
        day = tlsrpt_totals_parse_day(e[i], e[i + 1], &totals);

        if (day == 0 || n == TLSRPT_CLOSED_DAYS || !is_whole(step, day)) {
            continue;
        }

        n++;

        if (counts) {
            tlsrpt_totals_add(&step->closed.days[day - 1], &totals);

        } else {
            arg(step, e[i]->str, e[i]->len);
            arg(step, e[i + 1]->str, e[i + 1]->len);
        }
    }

    return n;
}


static void
arg_logs(step_t *step)
{
    arg_number(step, step->nlogs);

    for (size_t i = 0; i < step->nlogs; i++) {
        arg_number(step, (uint64_t) step->log[i].day);
        arg_number(step, step->log[i].len);
        arg(step, step->log[i].sha1, SHA1_HEX);
    }
}


static void
arg_sets(step_t *step)
{
    size_t                 n = 0;
    const tlsrpt_reply_t  *set;

    for (size_t i = 0; i < step->sets->nelements; i++) {
        n += step->sets->elements[i]->nelements > 0;
    }

    arg_number(step, n);

    for (size_t i = 0; i < step->sets->nelements; i++) {
        set = step->sets->elements[i];

        if (set->nelements == 0) {
            continue;
        }

        arg_number(step, i + 1);
        arg_number(step, set->nelements);

        for (size_t k = 0; k < set->nelements; k++) {
            arg(step, set->elements[k]->str, set->elements[k]->len);
        }
    }
}


static void
arg_step(step_t *step, const tlsrpt_closing_t *closing, size_t ntotals)
{
    arg_text(step, "EVALSHA");
    arg_text(step, tlsrpt_close_script.sha1);
    arg_keys(step, closing, 1);
    arg(step, step->head->len ? step->head->str : "", step->head->len);
    arg_buf(step, &step->new_head);
    arg_number(step, (uint64_t) tlsrpt_keep_for(
                         tlsrpt_next_month(closing->month),
                         closing->retention_days, closing->now));
    arg_number(step, closing->ndays);
    arg(step, closing->field, TLSRPT_CLOSING_FIELD);
    arg_text(step, step->chunk_field);
    arg_buf(step, &step->chunk);
    arg_text(step, step->run_field);
    arg_buf(step, &step->run);
    arg_logs(step);
    arg_number(step, ntotals);
    add_totals(step, 0);
    arg_sets(step);
}


/* What is in the sets fits into the arguments. */

static int
is_bounded(const step_t *step)
{
    size_t  n = 0;

    for (size_t i = 0; i < step->sets->nelements; i++) {
        const tlsrpt_reply_t  *set = step->sets->elements[i];

        if (set->type != TLSRPT_REPLY_ARRAY) {
            return 0;
        }

        n += set->nelements;

        for (size_t k = 0; k < set->nelements; k++) {
            if (set->elements[k]->type != TLSRPT_REPLY_STRING) {
                return 0;
            }
        }
    }

    return n <= SLICE_DIGESTS && step->closed.nchunks < TLSRPT_CLOSED_CHUNKS;
}


static int
make_step(step_t *step, tlsrpt_closing_t *closing)
{
    int     rc = tlsrpt_closed_parse(step->head, &step->closed);
    size_t  ntotals;

    if (rc < 0 || !is_bounded(step)) {
        return -1;
    }

    if (rc == 0 && RAND_bytes(step->closed.salt, TLSRPT_CLOSED_SALT) != 1) {
        return -1;
    }

    add_logs(step, closing);
    ntotals = add_totals(step, 1);

    if (step->text.failed || make_chunk(step) != 0 || make_run(step) != 0) {
        return -1;
    }

    if (step->nlogs || ntotals || step->run.len) {
        tlsrpt_closed_put(&step->new_head, &step->closed);
    }

    if (step->new_head.len == 0 && closing->room > TLSRPT_CLOSING_TEXT) {
        return 0;                           /* read again, more of it */
    }

    if (step->new_head.len == 0) {
        tlsrpt_buf_add(&step->new_head, step->head->str, step->head->len);
    }

    arg_step(step, closing, ntotals);
    tlsrpt_command_destroy(closing->command);
    closing->command = make_command(step, &tlsrpt_close_script);
    closing->state = TLSRPT_CLOSING_MOVE;

    return closing->command != NULL && !step->new_head.failed ? 0 : -1;
}


void
tlsrpt_closing_step_take(tlsrpt_closing_t *closing,
    const tlsrpt_reply_t *reply)
{
    step_t  *step = calloc(1, sizeof(*step));

    if (step == NULL || slice_parse(step, reply) != 0
        || make_step(step, closing) != 0)
    {
        closing->state = TLSRPT_CLOSING_DONE;
    }

    if (step != NULL) {
        tlsrpt_buf_free(&step->text);
        tlsrpt_buf_free(&step->chunk);
        tlsrpt_buf_free(&step->run);
        tlsrpt_buf_free(&step->new_head);
        free(step);
    }
}
