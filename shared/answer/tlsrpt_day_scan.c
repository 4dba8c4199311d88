/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_day_scan.h"


/* Command 0 is the domain, 1 .. nmonths the months, then a day each, then
   TLSRPT_CLOSED_CHUNKS a month. */


static char *
copy(char *p, tlsrpt_str_t from, tlsrpt_str_t *to)
{
    memcpy(p, from.data, from.len);
    p[from.len] = '\0';
    to->data = p;
    to->len = from.len;

    return p + from.len + 1;
}


static size_t
first_day(const tlsrpt_day_scan_t *scan)
{
    return 1 + scan->nmonths;
}


static size_t
first_chunk(const tlsrpt_day_scan_t *scan)
{
    return first_day(scan) + scan->ndays;
}


size_t
tlsrpt_day_scan_end(const tlsrpt_day_scan_t *scan)
{
    return first_chunk(scan) + scan->nmonths * TLSRPT_CLOSED_CHUNKS;
}


int
tlsrpt_day_scan_init(tlsrpt_day_scan_t *scan, const tlsrpt_query_t *query,
    tlsrpt_str_t domain, tlsrpt_str_t prefix)
{
    const size_t  n = (size_t) (query->to - query->from) + 1;
    const size_t  nmonths = tlsrpt_months(query->from, query->to);

    memset(scan, 0, sizeof(*scan));
    scan->from = query->from;
    scan->to = query->to;
    scan->oldest = query->oldest > query->from ? query->oldest : query->from;
    scan->today = query->today;
    scan->ndays = n;
    scan->nmonths = nmonths;
    scan->days = calloc(1, n * (sizeof(*scan->days) + sizeof(*scan->closed))
                           + nmonths * sizeof(*scan->months) + n
                           + domain.len + prefix.len + 2);

    if (scan->days == NULL) {
        return -1;
    }

    scan->closed = (uint64_t *) (scan->days + n);
    scan->months = (tlsrpt_scan_month_t *) (scan->closed + n);
    scan->open = (unsigned char *) (scan->months + nmonths);
    copy(copy((char *) scan->open + n, domain, &scan->domain), prefix,
         &scan->prefix);

    for (size_t i = 0; i < nmonths; i++) {
        scan->months[i].perhaps = tlsrpt_closed_perhaps(
                        tlsrpt_nth_month(query->from, i), query->today);
    }

    return 0;
}


void
tlsrpt_day_scan_free(tlsrpt_day_scan_t *scan)
{
    tlsrpt_chunk_free(&scan->chunk);
    free(scan->days);
    scan->days = NULL;
}


static size_t
month_of(const tlsrpt_day_scan_t *scan, size_t day)
{
    return tlsrpt_months(scan->from, scan->from + (int32_t) day) - 1;
}


/*
 * Commands
 */

/* name: HGETALL, GET; the key is in scan->read. */

static const tlsrpt_command_t *
read_key(tlsrpt_day_scan_t *scan, const char *name, size_t month)
{
    if (!scan->months[month].perhaps) {
        return tlsrpt_key_read(&scan->read, name, NULL, 0);
    }

    tlsrpt_key_closed(&scan->read_closed.closed, scan->prefix, scan->domain,
                      tlsrpt_nth_month(scan->from, month));
    scan->read_closed.key = scan->read.key;

    return tlsrpt_closed_read(&scan->read_closed, name);
}


const tlsrpt_command_t *
tlsrpt_day_scan_totals(tlsrpt_day_scan_t *scan, size_t n)
{
    scan->pending++;

    if (n == 0) {
        tlsrpt_key_domain(&scan->read.key, scan->prefix, scan->domain, "");
        return tlsrpt_key_read(&scan->read, "HGET", "all", 3);
    }

    tlsrpt_key_month(&scan->read.key, scan->prefix, scan->domain,
                     tlsrpt_nth_month(scan->from, n - 1));

    return read_key(scan, "HGETALL", n - 1);
}


const tlsrpt_command_t *
tlsrpt_day_scan_next_totals(tlsrpt_day_scan_t *scan, size_t *n)
{
    if (scan->next >= first_day(scan)) {
        return NULL;
    }

    *n = scan->next++;

    return tlsrpt_day_scan_totals(scan, *n);
}


int
tlsrpt_day_scan_has_totals(const tlsrpt_day_scan_t *scan)
{
    return scan->next > first_day(scan)
           || (scan->next == first_day(scan) && scan->pending == 0);
}


static const tlsrpt_command_t *
next_log(tlsrpt_day_scan_t *scan, size_t *n)
{
    size_t  day = scan->next - first_day(scan);

    while (day < scan->ndays && !scan->open[day]) {
        day++;
    }

    *n = first_day(scan) + day;
    scan->next = *n;

    if (day == scan->ndays) {
        return NULL;
    }

    scan->next++;
    scan->pending++;
    tlsrpt_key_day(&scan->read.key, scan->prefix, scan->domain,
                   scan->from + (int32_t) day, "");

    return read_key(scan, "GET", month_of(scan, day));
}


static const tlsrpt_command_t *
next_chunk(tlsrpt_day_scan_t *scan, size_t *n)
{
    int     len;
    char    field[16];
    size_t  chunk = (scan->next - first_chunk(scan)) % TLSRPT_CLOSED_CHUNKS;
    size_t  month = (scan->next - first_chunk(scan)) / TLSRPT_CLOSED_CHUNKS;

    while (month < scan->nmonths && chunk >= scan->months[month].nchunks) {
        chunk = 0;
        month++;
    }

    *n = first_chunk(scan) + month * TLSRPT_CLOSED_CHUNKS + chunk;
    scan->next = *n;

    if (month == scan->nmonths) {
        return NULL;
    }

    scan->next++;
    scan->pending++;
    len = snprintf(field, sizeof(field), "c%u", (unsigned) chunk);
    tlsrpt_key_closed(&scan->read.key, scan->prefix, scan->domain,
                      tlsrpt_nth_month(scan->from, month));
    memcpy(scan->field, field, sizeof(field));

    return tlsrpt_key_read(&scan->read, "HGET", scan->field, (size_t) len);
}


const tlsrpt_command_t *
tlsrpt_day_scan_next(tlsrpt_day_scan_t *scan, size_t *n)
{
    const tlsrpt_command_t  *command = tlsrpt_day_scan_next_totals(scan, n);

    if (command != NULL || !tlsrpt_day_scan_has_totals(scan)) {
        return command;
    }

    if (scan->next < first_chunk(scan)) {
        command = next_log(scan, n);
    }

    if (command == NULL && scan->pending && scan->next == first_chunk(scan)) {
        return NULL;                        /* logs */
    }

    return command != NULL ? command : next_chunk(scan, n);
}


/*
 * Replies
 */

/* Of [head, what is beside it]: puts this in place of that. */

static int
take_head(const tlsrpt_reply_t **reply, tlsrpt_closed_t *closed)
{
    const tlsrpt_reply_t  *pair = *reply;

    if (pair->type != TLSRPT_REPLY_ARRAY || pair->nelements != 2) {
        return -1;
    }

    *reply = pair->elements[1];

    return tlsrpt_closed_parse(pair->elements[0], closed);
}


static int
is_shown(const tlsrpt_day_scan_t *scan, int32_t day)
{
    return day >= scan->oldest && day <= scan->to;
}


/* Days that have reports in the closed month: how much of its stream is theirs,
   for now. */

static void
take_closed(tlsrpt_day_scan_t *scan, size_t month,
    const tlsrpt_closed_t *closed)
{
    int32_t  day, first = tlsrpt_nth_month(scan->from, month);

    for (int32_t i = 0; i < TLSRPT_CLOSED_DAYS; i++) {
        day = first + i;

        if (is_shown(scan, day) && closed->days[i].reports) {
            tlsrpt_totals_add(&scan->days[day - scan->from],
                              &closed->days[i]);
            scan->months[month].nchunks = closed->nchunks;
        }

        if (is_shown(scan, day) && day < tlsrpt_next_month(first)) {
            scan->closed[day - scan->from] = closed->stream;
        }
    }
}


static void
take_month(tlsrpt_day_scan_t *scan, size_t month, const tlsrpt_reply_t *reply)
{
    int              rc = 0;
    int32_t          first = tlsrpt_nth_month(scan->from, month), day;
    tlsrpt_closed_t  closed;

    if (scan->months[month].perhaps) {
        rc = take_head(&reply, &closed);
    }

    tlsrpt_totals_parse_month(reply, first, scan->oldest, scan->to,
                              scan->days + (scan->oldest - scan->from));

    scan->due |= scan->months[month].perhaps && reply->nelements
                 && scan->today >= tlsrpt_closed_due(first);

    for (day = first; day < tlsrpt_next_month(first); day++) {
        if (is_shown(scan, day)) {
            scan->open[day - scan->from]
                = scan->days[day - scan->from].reports > 0;
        }
    }

    if (rc > 0) {
        take_closed(scan, month, &closed);
    }
}


/* The log of a day, and what was in the stream at that moment. */

static void
take_log(tlsrpt_day_scan_t *scan, size_t day, const tlsrpt_reply_t *reply)
{
    tlsrpt_closed_t       closed;
    tlsrpt_scan_month_t  *month = &scan->months[month_of(scan, day)];

    if (month->perhaps && take_head(&reply, &closed) > 0) {
        scan->closed[day] = closed.stream;
        month->nchunks = closed.nchunks > month->nchunks ? closed.nchunks
                                                         : month->nchunks;
    }

    if (reply->type == TLSRPT_REPLY_STRING
        && (!month->perhaps || reply->len > 0))
    {
        scan->log_day = day;
        scan->log.data = reply->str;
        scan->log.len = reply->len;
    }
}


int
tlsrpt_day_scan_add(tlsrpt_day_scan_t *scan, size_t n,
    const tlsrpt_reply_t *reply)
{
    scan->pending--;
    scan->log.data = NULL;
    tlsrpt_chunk_free(&scan->chunk);

    if (n == 0) {
        scan->seen = tlsrpt_totals_parse(reply, &scan->all) == 0;

    } else if (n < first_day(scan)) {
        take_month(scan, n - 1, reply);

    } else if (n < first_chunk(scan)) {
        take_log(scan, n - first_day(scan), reply);

    } else {
        scan->chunk_month = (n - first_chunk(scan)) / TLSRPT_CLOSED_CHUNKS;
        return tlsrpt_chunk_read(&scan->chunk, reply);
    }

    return 0;
}


int
tlsrpt_day_scan_log(tlsrpt_day_scan_t *scan, size_t *day, tlsrpt_str_t *log)
{
    int32_t         date;
    tlsrpt_piece_t  piece;

    if (scan->log.data != NULL) {
        *day = scan->log_day;
        *log = scan->log;
        scan->log.data = NULL;
        return 1;
    }

    while (tlsrpt_chunk_next(&scan->chunk, &piece)) {
        date = tlsrpt_nth_month(scan->from, scan->chunk_month) + piece.day - 1;

        if (!is_shown(scan, date)) {
            continue;
        }

        *day = (size_t) (date - scan->from);

        if (scan->days[*day].reports && piece.at < scan->closed[*day]) {
            log->data = piece.data;
            log->len = piece.len;
            return 1;
        }
    }

    return 0;
}
