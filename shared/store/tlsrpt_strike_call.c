/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "tlsrpt_count.h"
#include "tlsrpt_ingest.h"
#include "tlsrpt_key.h"
#include "tlsrpt_strike_call.h"
#include "tlsrpt_time.h"


/* EVALSHA, the script and the number of keys, then the keys and arguments that
   shared/store/strike.lua takes, in its order. */

#define FIRST_KEY   3
#define NKEYS       6
#define NARGS       21
#define ID_BYTES    8

typedef struct {
    tlsrpt_str_t   argv[FIRST_KEY + NKEYS + NARGS];
    size_t         argc;
    tlsrpt_key_t   keys[NKEYS];
    char           numbers[NARGS][24];
    size_t         nnumbers;
    char           totals[4 * 24];
    char           id[2 * ID_BYTES + 1];
    char          *event;
    char          *entry;                   /* as it will be */
    char          *packed;                  /* likewise */
    tlsrpt_buf_t   head;                    /* likewise, of the closed month */
} args_t;


/*
 * What was read
 */

int
tlsrpt_strike_call_entry(tlsrpt_strike_call_t *call,
    const tlsrpt_reply_t *entry)
{
    tlsrpt_reply_t  copy = *entry;

    if (entry->type != TLSRPT_REPLY_STRING || entry->len == 0) {
        return 0;
    }

    tlsrpt_buf_add(&call->entry, entry->str, entry->len);

    if (call->entry.failed) {
        return -1;
    }

    copy.str = call->entry.data;

    if (tlsrpt_kept_decode(&call->head, call->day, &copy) != 0) {
        call->head.version = 0;
    }

    return 0;
}


int
tlsrpt_strike_call_closed(tlsrpt_strike_call_t *call,
    const tlsrpt_reply_t *head)
{
    tlsrpt_buf_free(&call->closed_was);

    if (tlsrpt_closed_parse(head, &call->closed) < 0) {
        return -1;
    }

    if (head->type == TLSRPT_REPLY_STRING) {
        tlsrpt_buf_add(&call->closed_was, head->str, head->len);
    }

    return call->closed_was.failed ? -1 : 0;
}


int
tlsrpt_strike_call_log(tlsrpt_strike_call_t *call, tlsrpt_str_t log,
    tlsrpt_place_t place)
{
    call->at = place.at;
    call->flags = place.flags - place.at;
    tlsrpt_buf_add(&call->packed, log.data + place.at, place.len);

    return call->packed.failed ? -1 : 0;
}


int
tlsrpt_strike_call_chunk(tlsrpt_strike_call_t *call, const char *field,
    const tlsrpt_reply_t *reply, tlsrpt_chunk_t *chunk, size_t flags)
{
    tlsrpt_buf_t   text = { chunk->text, chunk->len, chunk->len, 0 };
    unsigned char  sha1[SHA_DIGEST_LENGTH];

    SHA1((const unsigned char *) reply->str, reply->len, sha1);

    for (int i = 0; i < SHA_DIGEST_LENGTH; i++) {
        snprintf(call->sha1 + 2 * i, 3, "%02x", sha1[i]);
    }

    snprintf(call->field, sizeof(call->field), "%s", field);
    chunk->text[flags] ^= TLSRPT_PACKED_STRUCK;

    return tlsrpt_chunk_write(&call->chunk, chunk->start, &text);
}


void
tlsrpt_strike_call_free(tlsrpt_strike_call_t *call)
{
    const int32_t                day = call->day;
    const tlsrpt_strike_conf_t  *conf = call->conf;

    tlsrpt_buf_free(&call->entry);
    tlsrpt_buf_free(&call->closed_was);
    tlsrpt_buf_free(&call->packed);
    tlsrpt_buf_free(&call->chunk);
    memset(call, 0, sizeof(*call));
    call->conf = conf;
    call->day = day;
}


/*
 * Arguments
 */

static void
arg(args_t *args, const void *data, size_t len)
{
    tlsrpt_str_t  *s = &args->argv[args->argc++];

    s->data = len ? data : "";
    s->len = len;
}


static void
arg_text(args_t *args, const char *text)
{
    arg(args, text, strlen(text));
}


static void
arg_number(args_t *args, int64_t number)
{
    char  *text = args->numbers[args->nnumbers++];

    snprintf(text, sizeof(args->numbers[0]), "%lld", (long long) number);
    arg_text(args, text);
}


static void
arg_keys(args_t *args, const tlsrpt_strike_call_t *call)
{
    tlsrpt_str_t   prefix = call->conf->prefix, domain = call->conf->domain;
    tlsrpt_key_t  *keys = args->keys;

    tlsrpt_key_day(&keys[0], prefix, domain, call->day, ":kept");
    tlsrpt_key_day(&keys[1], prefix, domain, call->day, "");
    tlsrpt_key_month(&keys[2], prefix, domain, call->day);
    tlsrpt_key_domain(&keys[3], prefix, domain, "");
    tlsrpt_key_closed(&keys[4], prefix, domain, call->day);
    tlsrpt_key_domain(&keys[5], prefix, domain, ":acts");

    arg_number(args, NKEYS);

    for (size_t i = 0; i < NKEYS; i++) {
        arg(args, keys[i].data, keys[i].len);
    }
}


/* NULL: no memory. */

static char *
copy_of(const tlsrpt_buf_t *buf)
{
    char  *copy = malloc(buf->len + 1);

    if (copy != NULL && buf->len) {
        memcpy(copy, buf->data, buf->len);
    }

    return copy;
}


static int
arg_entry(args_t *args, const tlsrpt_strike_call_t *call)
{
    args->entry = copy_of(&call->entry);

    if (args->entry == NULL) {
        return -1;
    }

    tlsrpt_kept_strike(args->entry, !call->conf->restore);
    arg_number(args, 2 * (int64_t) call->head.index + 1);
    arg(args, call->entry.data, call->entry.len);
    arg(args, args->entry, call->entry.len);

    return 0;
}


/* From the closed month's day is taken what it has of a number; so the sum of
   both is what it should be.  What is taken is no longer in by. */

static void
take_from(uint64_t *number, uint64_t *by)
{
    const uint64_t  taken = *number < *by ? *number : *by;

    *number -= taken;
    *by -= taken;
}


static void
add_to(uint64_t *number, uint64_t *by)
{
    *number = tlsrpt_count_add(*number, *by);
    *by = 0;
}


/* What is taken from the totals of a day: from those of the closed month, where
   the report is in it, or where the month is closed and the report is in no
   log; the rest from those that are open. */

static void
change_totals(const tlsrpt_strike_call_t *call, tlsrpt_closed_t *closed,
    tlsrpt_totals_t *by)
{
    int32_t           first = tlsrpt_first_of_month(call->day);
    tlsrpt_totals_t  *day = &closed->days[call->day - first];
    void            (*change)(uint64_t *number, uint64_t *by)
                         = call->conf->restore ? add_to : take_from;

    if (call->closed_was.len == 0 || call->packed.len) {
        return;
    }

    change(&day->reports, &by->reports);
    change(&day->successful, &by->successful);
    change(&day->failed, &by->failed);
    change(&day->overflow, &by->overflow);
}


static int
arg_totals(args_t *args, const tlsrpt_strike_call_t *call,
    const tlsrpt_sought_t *sought)
{
    tlsrpt_closed_t  closed = call->closed;
    tlsrpt_totals_t  by = { 1, call->head.successful, call->head.failed, 0, 0 };

    if (call->packed.len == 0 && call->field[0] == '\0') {
        by.overflow = sought->failed_in_details;
    }

    change_totals(call, &closed, &by);

    if (call->closed_was.len) {
        tlsrpt_closed_put(&args->head, &closed);
    }

    snprintf(args->totals, sizeof(args->totals), "%llu %llu %llu %llu",
             (unsigned long long) by.reports,
             (unsigned long long) by.successful,
             (unsigned long long) by.failed, (unsigned long long) by.overflow);

    arg_number(args, tlsrpt_day_to_date(call->day).day);
    arg_text(args, args->totals);

    return args->head.failed ? -1 : 0;
}


static int
arg_log(args_t *args, const tlsrpt_strike_call_t *call)
{
    if (call->packed.len == 0) {
        arg_text(args, "");
        arg_text(args, "");
        arg_text(args, "");
        return 0;
    }

    args->packed = copy_of(&call->packed);

    if (args->packed == NULL) {
        return -1;
    }

    args->packed[call->flags] ^= TLSRPT_PACKED_STRUCK;
    arg_number(args, (int64_t) call->at);
    arg(args, call->packed.data, call->packed.len);
    arg(args, args->packed, call->packed.len);

    return 0;
}


static void
arg_closed(args_t *args, const tlsrpt_strike_call_t *call)
{
    arg(args, call->closed_was.data, call->closed_was.len);
    arg(args, args->head.data, args->head.len);
    arg_text(args, call->field);
    arg_text(args, call->sha1);
    arg(args, call->chunk.data, call->chunk.len);
}


/*
 * The event
 */

static void
make_id(args_t *args, const tlsrpt_strike_conf_t *conf)
{
    char           text[512];
    int            len;
    unsigned char  digest[SHA256_DIGEST_LENGTH];

    memcpy(text, conf->random, sizeof(conf->random));
    len = (int) sizeof(conf->random);
    len += snprintf(text + len, sizeof(text) - (size_t) len,
                    "%.*s\n%.*s\n%d\n%lld\n",
                    (int) conf->domain.len, conf->domain.data,
                    (int) conf->id.len, conf->id.data, conf->restore,
                    (long long) conf->milliseconds);
    SHA256((const unsigned char *) text,
           (size_t) len < sizeof(text) ? (size_t) len : sizeof(text) - 1,
           digest);

    for (int i = 0; i < ID_BYTES; i++) {
        snprintf(args->id + 2 * i, 3, "%02x", digest[i]);
    }
}


static int
arg_event(args_t *args, const tlsrpt_strike_conf_t *conf)
{
    char     time[TLSRPT_TIME_TEXT_LEN + 1], title[TLSRPT_ID_LEN + 64];
    json_t  *event;

    make_id(args, conf);
    tlsrpt_time_text(conf->milliseconds / 1000, time);
    snprintf(title, sizeof(title), "Report %.*s %s", (int) conf->id.len,
             conf->id.data, conf->restore ? "counts again"
                                          : "was struck out");

    event = json_pack("{s:s, s:s, s:s, s:s%, s:s, s:s%}", "id", args->id,
                      "time", time, "type", "report-struck",
                      "domain", conf->domain.data, conf->domain.len,
                      "title", title,
                      "actor", conf->actor.data, conf->actor.len);
    args->event = event != NULL ? json_dumps(event, JSON_COMPACT) : NULL;
    json_decref(event);

    if (args->event == NULL) {
        return -1;
    }

    arg_text(args, args->id);
    arg_text(args, args->event);

    return 0;
}


/*
 * The command
 */

static int
make_args(args_t *args, const tlsrpt_strike_call_t *call,
    const tlsrpt_sought_t *sought)
{
    const tlsrpt_strike_conf_t  *conf = call->conf;
    const int64_t                now = conf->milliseconds / 1000;

    arg_text(args, "EVALSHA");
    arg_text(args, tlsrpt_strike_script.sha1);
    arg_keys(args, call);
    arg_text(args, conf->restore ? "r" : "s");

    if (arg_entry(args, call) != 0) {
        return -1;
    }

    arg_number(args, (int64_t) call->head.successful);
    arg_number(args, (int64_t) call->head.failed);
    arg_number(args, call->head.received);

    if (call->latest) {
        arg_number(args, call->latest);

    } else {
        arg_text(args, "");
    }

    if (arg_totals(args, call, sought) != 0 || arg_log(args, call) != 0) {
        return -1;
    }

    arg_closed(args, call);

    if (arg_event(args, conf) != 0) {
        return -1;
    }

    arg_number(args, tlsrpt_keep_for(tlsrpt_day_of(now), conf->retention_days,
                                     now));

    return 0;
}


tlsrpt_command_t *
tlsrpt_strike_call_command(const tlsrpt_strike_call_t *call,
    const tlsrpt_sought_t *sought)
{
    args_t            *args = calloc(1, sizeof(*args));
    tlsrpt_command_t  *command = NULL;

    if (args != NULL && make_args(args, call, sought) == 0) {
        command = tlsrpt_command_create(args->argv, args->argc, FIRST_KEY,
                                        &tlsrpt_strike_script);
    }

    if (args != NULL) {
        free(args->event);
        free(args->entry);
        free(args->packed);
        tlsrpt_buf_free(&args->head);
        free(args);
    }

    return command;
}
