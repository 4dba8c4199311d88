/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_due.h"
#include "tlsrpt_listing.h"
#include "tlsrpt_strike.h"
#include "tlsrpt_strike_call.h"
#include "tlsrpt_time.h"
#include "tlsrpt_zstd.h"


#define TRIES   8                           /* where others come in between */
#define LATEST  64                          /* elements: the reports of a day
                                               that came last */
#define SLICE   16384

/* What the next command is. */
enum {
    ASK_ENTRY = 0,
    ASK_LIST,
    ASK_MONTH,
    ASK_TEXT,
    ASK_LOG,
    ASK_CHUNK,
    ASK_ALL,
    ASK_LATEST,
    INDEX_EVENTS,
    ADD_DUE,
    STRIKE,
    OVER
};

struct tlsrpt_strike {
    tlsrpt_strike_conf_t   conf;            /* its strings behind the struct */
    int                    step;
    int                    outcome;
    unsigned               tries;
    int32_t                day;
    unsigned               index;
    char                   hex[2 + 2 * TLSRPT_DIGEST_LEN];
    char                   field[8];        /* of a chunk */

    tlsrpt_reader_t       *reader;
    tlsrpt_sought_t        sought;
    int                    loosely;         /* it is sought once more */
    size_t                 chunk;           /* read next */
    int32_t                latest_day;      /* likewise */

    tlsrpt_strike_call_t   call;
    tlsrpt_key_read_t      read;
    tlsrpt_closed_read_t   read_closed;
    tlsrpt_command_t      *command;
};


static void
be_over(tlsrpt_strike_t *s, int outcome)
{
    s->step = OVER;
    s->outcome = outcome;
}


tlsrpt_strike_t *
tlsrpt_strike_create(const tlsrpt_strike_conf_t *conf)
{
    char             *p;
    tlsrpt_strike_t  *s;

    s = calloc(1, sizeof(*s) + conf->prefix.len + conf->domain.len
                  + conf->id.len + conf->actor.len + 4);

    if (s == NULL) {
        return NULL;
    }

    p = (char *) (s + 1);
    s->conf = *conf;
    s->conf.prefix = tlsrpt_str_copy(&p, conf->prefix);
    s->conf.domain = tlsrpt_str_copy(&p, conf->domain);
    s->conf.id = tlsrpt_str_copy(&p, conf->id);
    s->conf.actor = tlsrpt_str_copy(&p, conf->actor);
    s->call.conf = &s->conf;

    if (tlsrpt_id_parse(conf->id.data, conf->id.len, &s->day, &s->index) != 0
        || s->day < conf->oldest)
    {
        be_over(s, TLSRPT_STRIKE_UNKNOWN);
    }

    s->call.day = s->day;

    return s;
}


/* What was read. */

static void
forget(tlsrpt_strike_t *s)
{
    tlsrpt_sought_free(&s->sought);
    memset(&s->sought, 0, sizeof(s->sought));
    tlsrpt_strike_call_free(&s->call);
    tlsrpt_reader_destroy(s->reader);
    s->reader = NULL;
    tlsrpt_command_destroy(s->command);
    s->command = NULL;
}


void
tlsrpt_strike_destroy(tlsrpt_strike_t *s)
{
    if (s != NULL) {
        forget(s);
        free(s);
    }
}


int
tlsrpt_strike_outcome(const tlsrpt_strike_t *s)
{
    return s->outcome;
}


/*
 * The entry, and its text
 */

/* Its place has no entry: was there a list, or ever one? */

static void
take_list(tlsrpt_strike_t *s, const tlsrpt_reply_t *reply)
{
    if (reply->type == TLSRPT_REPLY_INTEGER && reply->integer > 0) {
        be_over(s, TLSRPT_STRIKE_UNKNOWN);

    } else {
        s->step = ASK_MONTH;
    }
}


static void
take_month(tlsrpt_strike_t *s, const tlsrpt_reply_t *reply)
{
    int32_t          first = tlsrpt_first_of_month(s->day);
    tlsrpt_closed_t  closed;
    tlsrpt_totals_t  totals = { 0, 0, 0, 0, 0 };

    if (reply->type == TLSRPT_REPLY_ARRAY && reply->nelements == 2) {
        (void) tlsrpt_closed_parse(reply->elements[0], &closed);
        tlsrpt_totals_add(&totals, &closed.days[s->day - first]);
        tlsrpt_totals_parse_month(reply->elements[1], first, s->day, s->day,
                                  &totals);
    }

    be_over(s, totals.reports ? TLSRPT_STRIKE_GONE : TLSRPT_STRIKE_UNKNOWN);
}


/* The report, of all of its text, becomes what is sought. */

static int
take_report(tlsrpt_strike_t *s)
{
    unsigned                n = 0;
    const tlsrpt_report_t  *report;

    if (tlsrpt_reader_finish(s->reader, &report) != TLSRPT_OK) {
        be_over(s, TLSRPT_STRIKE_GONE);
        return 0;
    }

    while (n < report->ndomains
           && !tlsrpt_str_equal(report->domains[n], s->conf.domain))
    {
        n++;
    }

    if (n == report->ndomains) {
        be_over(s, TLSRPT_STRIKE_GONE);
        return 0;
    }

    s->step = ASK_LOG;

    return tlsrpt_sought_init(&s->sought, report, n, &s->call.head);
}


static int
begin_report(tlsrpt_strike_t *s)
{
    tlsrpt_reader_conf_t  conf;

    s->reader = tlsrpt_reader_create();

    if (s->reader == NULL) {
        return -1;
    }

    tlsrpt_listing_conf(&conf, &s->call.head, s->conf.domain);
    tlsrpt_reader_reset(s->reader, &conf);

    return 0;
}


static int
take_short(tlsrpt_strike_t *s)
{
    char    text[TLSRPT_ZSTD_SHORT];
    size_t  len = tlsrpt_kept_text(&s->call.head, text);

    if (tlsrpt_reader_feed(s->reader, text, len) != TLSRPT_OK) {
        be_over(s, TLSRPT_STRIKE_GONE);
        return 0;
    }

    return take_report(s);
}


/* 1: all of it is read; 0: that is no text; -1: no memory. */

static int
unpack(tlsrpt_strike_t *s, tlsrpt_str_t bytes)
{
    int               rc = 0;
    char              slice[SLICE];
    size_t            len;
    tlsrpt_unzstd_t  *unzstd = tlsrpt_unzstd_create();

    if (unzstd == NULL) {
        return -1;
    }

    do {
        len = sizeof(slice);
        rc = tlsrpt_unzstd_next(unzstd, &bytes, slice, &len);

        if (rc >= 0
            && tlsrpt_reader_feed(s->reader, slice, len) != TLSRPT_OK)
        {
            rc = -1;
        }
    } while (rc == 0 && (bytes.len || len == sizeof(slice)));

    tlsrpt_unzstd_destroy(unzstd);

    return rc == 1;
}


static int
take_text(tlsrpt_strike_t *s, const tlsrpt_reply_t *reply)
{
    int           rc = 0;
    tlsrpt_str_t  bytes = { reply->str, reply->len };

    if (reply->type == TLSRPT_REPLY_STRING) {
        rc = unpack(s, bytes);
    }

    if (rc == 0) {
        be_over(s, TLSRPT_STRIKE_GONE);
    }

    return rc <= 0 ? rc : take_report(s);
}


static int
take_entry(tlsrpt_strike_t *s, const tlsrpt_reply_t *reply)
{
    char                 id[TLSRPT_ID_LEN + 1];
    tlsrpt_kept_head_t  *head = &s->call.head;

    if (reply->type != TLSRPT_REPLY_ARRAY || reply->nelements != 2) {
        s->step = ASK_LIST;
        return 0;
    }

    if (tlsrpt_strike_call_entry(&s->call, reply->elements[1]) != 0) {
        return -1;
    }

    if (head->version == 0) {               /* none that is known here */
        be_over(s, TLSRPT_STRIKE_UNKNOWN);
        return 0;
    }

    tlsrpt_id_make(id, s->day, head);

    if (!tlsrpt_str_is(s->conf.id, id) || head->is_struck != s->conf.restore) {
        be_over(s, TLSRPT_STRIKE_UNKNOWN);
        return 0;
    }

    if (begin_report(s) != 0) {
        return -1;
    }

    s->step = ASK_TEXT;

    return head->digest != NULL ? 0 : take_short(s);
}


/*
 * Where it was counted
 */

static void
seek_on(tlsrpt_strike_t *s)
{
    if (s->chunk < s->call.closed.nchunks) {
        s->step = ASK_CHUNK;

    } else if (!s->loosely) {
        s->loosely = 1;
        s->step = ASK_LOG;

    } else {
        s->step = ASK_ALL;                  /* the totals alone have it */
    }
}


static int
take_log(tlsrpt_strike_t *s, const tlsrpt_reply_t *reply)
{
    tlsrpt_str_t           log;
    tlsrpt_place_t         place;
    const tlsrpt_reply_t  *bytes;

    if (reply->type != TLSRPT_REPLY_ARRAY || reply->nelements != 2) {
        return -1;
    }

    if (tlsrpt_strike_call_closed(&s->call, reply->elements[0]) != 0) {
        be_over(s, TLSRPT_STRIKE_GONE);     /* a later version closed it */
        return 0;
    }

    bytes = reply->elements[1];
    s->chunk = 0;
    log = (tlsrpt_str_t) { bytes->str, bytes->len };

    if (bytes->type != TLSRPT_REPLY_STRING || log.len == 0
        || !tlsrpt_sought_find(&s->sought, log, s->loosely, &place))
    {
        seek_on(s);
        return 0;
    }

    s->step = ASK_ALL;

    return tlsrpt_strike_call_log(&s->call, log, place);
}


static int
take_chunk(tlsrpt_strike_t *s, const tlsrpt_reply_t *reply)
{
    int             rc, number;
    tlsrpt_str_t    log;
    tlsrpt_chunk_t  chunk = { NULL, 0, 0, 0 };
    tlsrpt_piece_t  piece;
    tlsrpt_place_t  place;

    number = s->day - tlsrpt_first_of_month(s->day) + 1;
    rc = tlsrpt_chunk_read(&chunk, reply);
    s->chunk++;

    while (rc == 0 && tlsrpt_chunk_next(&chunk, &piece)) {
        log = (tlsrpt_str_t) { piece.data, piece.len };

        if (piece.day == number
            && tlsrpt_sought_find(&s->sought, log, s->loosely, &place))
        {
            place.flags += (size_t) (piece.data - chunk.text);
            rc = tlsrpt_strike_call_chunk(&s->call, s->field, reply, &chunk,
                                          place.flags);
            s->step = ASK_ALL;
            break;
        }
    }

    tlsrpt_chunk_free(&chunk);

    if (rc == 0 && s->step != ASK_ALL) {
        seek_on(s);
    }

    return rc;
}


/*
 * When the last report came, if this was it
 */

static int32_t
today(const tlsrpt_strike_t *s)
{
    return tlsrpt_day_of(s->conf.milliseconds / 1000);
}


static void
take_all(tlsrpt_strike_t *s, const tlsrpt_reply_t *reply)
{
    tlsrpt_totals_t  all;

    if (tlsrpt_totals_parse(reply, &all) != 0) {
        be_over(s, TLSRPT_STRIKE_GONE);
        return;
    }

    s->latest_day = today(s) + 1;
    s->step = !s->conf.restore && all.reports > 1
              && all.last == (uint64_t) s->call.head.received
              ? ASK_LATEST : INDEX_EVENTS;
}


static void
take_latest(tlsrpt_strike_t *s, const tlsrpt_reply_t *reply)
{
    tlsrpt_kept_head_t  head;

    for (size_t i = 1; reply->type == TLSRPT_REPLY_ARRAY
                       && i < reply->nelements; i += 2)
    {
        if (tlsrpt_kept_decode(&head, s->latest_day, reply->elements[i]) == 0
            && !head.is_struck && head.received > s->call.latest
            && (s->latest_day != s->day || head.index != s->index))
        {
            s->call.latest = head.received;
        }
    }

    if (--s->latest_day < today(s) - (int32_t) s->conf.retention_days) {
        s->step = INDEX_EVENTS;
    }
}


/*
 * Commands
 */

static const tlsrpt_command_t *
ask_key(tlsrpt_strike_t *s, const char *suffix, const char *name)
{
    tlsrpt_key_day(&s->read.key, s->conf.prefix, s->conf.domain, s->day,
                   suffix);

    return tlsrpt_key_read(&s->read, name, NULL, 0);
}


static const tlsrpt_command_t *
ask_entry(tlsrpt_strike_t *s)
{
    tlsrpt_key_day(&s->read.key, s->conf.prefix, s->conf.domain, s->day,
                   ":kept");

    return tlsrpt_key_range(&s->read, "LRANGE", 2 * (long long) s->index,
                            2 * (long long) s->index + 1);
}


/* What of the month is not closed, or the day's log; and the head of what is.
   */

static const tlsrpt_command_t *
ask_closed(tlsrpt_strike_t *s, const char *name)
{
    tlsrpt_closed_read_t  *read = &s->read_closed;

    tlsrpt_key_closed(&read->closed, s->conf.prefix, s->conf.domain, s->day);

    if (s->step == ASK_MONTH) {
        tlsrpt_key_month(&read->key, s->conf.prefix, s->conf.domain, s->day);

    } else {
        tlsrpt_key_day(&read->key, s->conf.prefix, s->conf.domain, s->day, "");
    }

    return tlsrpt_closed_read(read, name);
}


static const tlsrpt_command_t *
ask_text(tlsrpt_strike_t *s)
{
    s->hex[0] = ':';

    for (int i = 0; i < TLSRPT_DIGEST_LEN; i++) {
        snprintf(s->hex + 1 + 2 * i, 3, "%02x",
                 (unsigned char) s->call.head.digest[i]);
    }

    return ask_key(s, s->hex, "GET");
}


static const tlsrpt_command_t *
ask_chunk(tlsrpt_strike_t *s)
{
    int  len = snprintf(s->field, sizeof(s->field), "c%u",
                        (unsigned) s->chunk & 0xffff);

    tlsrpt_key_closed(&s->read.key, s->conf.prefix, s->conf.domain, s->day);

    return tlsrpt_key_read(&s->read, "HGET", s->field, (size_t) len);
}


static const tlsrpt_command_t *
ask_latest(tlsrpt_strike_t *s)
{
    tlsrpt_key_day(&s->read.key, s->conf.prefix, s->conf.domain, s->latest_day,
                   ":kept");

    return tlsrpt_key_range(&s->read, "LRANGE", -LATEST, -1);
}


/* The domain gets into it before it has the event, so that none is missed. */

static const tlsrpt_command_t *
index_events(tlsrpt_strike_t *s)
{
    tlsrpt_key_events(&s->read.key, s->conf.prefix);
    tlsrpt_key_ask(&s->read, "ZADD");
    tlsrpt_key_ask_number(&s->read, s->conf.milliseconds);
    tlsrpt_key_ask_for(&s->read, s->conf.domain.data, s->conf.domain.len);

    return &s->read.command;
}


static const tlsrpt_command_t *
make(tlsrpt_strike_t *s)
{
    s->command = s->step == ADD_DUE
                 ? tlsrpt_due_add(s->conf.prefix, s->conf.domain,
                                  TLSRPT_DUE_SOON)
                 : tlsrpt_strike_call_command(&s->call, &s->sought);

    if (s->command == NULL) {
        be_over(s, TLSRPT_STRIKE_UNDONE);
    }

    return s->command;
}


const tlsrpt_command_t *
tlsrpt_strike_next(tlsrpt_strike_t *s)
{
    tlsrpt_command_destroy(s->command);
    s->command = NULL;

    switch (s->step) {

    case ASK_ENTRY:
        return ask_entry(s);

    case ASK_LIST:
        return ask_key(s, ":kept", "LLEN");

    case ASK_MONTH:
        return ask_closed(s, "HGETALL");

    case ASK_TEXT:
        return ask_text(s);

    case ASK_LOG:
        return ask_closed(s, "GET");

    case ASK_CHUNK:
        return ask_chunk(s);

    case ASK_ALL:
        tlsrpt_key_domain(&s->read.key, s->conf.prefix, s->conf.domain, "");
        return tlsrpt_key_read(&s->read, "HGET", "all", 3);

    case ASK_LATEST:
        return ask_latest(s);

    case INDEX_EVENTS:
        return index_events(s);

    case OVER:
        return NULL;

    default:
        return make(s);
    }
}


/*
 * Replies
 */

static void
take_struck(tlsrpt_strike_t *s, const tlsrpt_reply_t *reply)
{
    if (reply->type != TLSRPT_REPLY_INTEGER) {
        be_over(s, TLSRPT_STRIKE_UNDONE);

    } else if (reply->integer != 0) {
        be_over(s, reply->integer > 0 ? TLSRPT_STRIKE_DONE
                                      : TLSRPT_STRIKE_GONE);

    } else {
        forget(s);
        s->loosely = 0;
        s->step = ASK_ENTRY;

        if (++s->tries == TRIES) {
            be_over(s, TLSRPT_STRIKE_UNDONE);
        }
    }
}


static int
take(tlsrpt_strike_t *s, const tlsrpt_reply_t *reply)
{
    switch (s->step) {

    case ASK_ENTRY:
        return take_entry(s, reply);

    case ASK_LIST:
        take_list(s, reply);
        return 0;

    case ASK_MONTH:
        take_month(s, reply);
        return 0;

    case ASK_TEXT:
        return take_text(s, reply);

    case ASK_LOG:
        return take_log(s, reply);

    case ASK_CHUNK:
        return take_chunk(s, reply);

    case ASK_ALL:
        take_all(s, reply);
        return 0;

    case ASK_LATEST:
        take_latest(s, reply);
        return 0;

    case STRIKE:
        take_struck(s, reply);
        return 0;

    default:
        s->step++;                          /* whatever it says */
        return 0;
    }
}


void
tlsrpt_strike_add(tlsrpt_strike_t *s, const tlsrpt_reply_t *reply)
{
    if (reply->type == TLSRPT_REPLY_ERROR || take(s, reply) != 0) {
        be_over(s, TLSRPT_STRIKE_UNDONE);
    }
}
