/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_entry.h"
#include "tlsrpt_fold.h"
#include "tlsrpt_identity.h"
#include "tlsrpt_key.h"
#include "tlsrpt_record.h"
#include "tlsrpt_result.h"
#include "tlsrpt_time.h"


/* The keys and arguments that shared/redis/ingest.lua takes, in its order. */

#define NKEYS      6
#define MAX_ARGS   64
#define MAX_CODES  32

typedef struct {
    tlsrpt_str_t   args[MAX_ARGS];
    size_t         n;
    size_t         size;                    /* of all, NULs included */
} args_t;

typedef struct {
    tlsrpt_key_t   keys[NKEYS];
    tlsrpt_buf_t   record;
    tlsrpt_buf_t   brief;
    unsigned char  digest[TLSRPT_DIGEST_LEN];
    char          *entry;
    args_t         args;
    char           numbers[MAX_ARGS][24];
    size_t         nnumbers;
} ingest_t;


static void
arg(args_t *args, const void *data, size_t len)
{
    tlsrpt_str_t  *s = &args->args[args->n++];

    s->data = data;
    s->len = len;
    args->size += len + 1;
}


static void
arg_text(ingest_t *in, const char *text)
{
    arg(&in->args, text, strlen(text));
}


static void
arg_number(ingest_t *in, int64_t value)
{
    char      *end = in->numbers[in->nnumbers++] + sizeof(in->numbers[0]);
    char      *p = end;
    uint64_t   rest = value < 0 ? -(uint64_t) value : (uint64_t) value;

    do {
        *--p = (char) ('0' + rest % 10);
        rest /= 10;
    } while (rest);

    if (value < 0) {
        *--p = '-';
    }

    arg(&in->args, p, (size_t) (end - p));
}


static uint64_t
digest_number(const unsigned char digest[TLSRPT_DIGEST_LEN])
{
    uint64_t  value = 0;

    for (int i = 0; i < TLSRPT_DIGEST_LEN; i++) {
        value = value << 8 | digest[i];
    }

    return value;
}


static void
make_keys(ingest_t *in, tlsrpt_str_t prefix, tlsrpt_str_t domain, int32_t day)
{
    char               hex[2 + 2 * TLSRPT_DIGEST_LEN] = ":";
    static const char  digits[] = "0123456789abcdef";

    for (int i = 0; i < TLSRPT_DIGEST_LEN; i++) {
        hex[1 + 2 * i] = digits[in->digest[i] >> 4];
        hex[2 + 2 * i] = digits[in->digest[i] & 15];
    }

    tlsrpt_key_day(&in->keys[0], prefix, domain, day, "");
    tlsrpt_key_day(&in->keys[1], prefix, domain, day, ":seen");
    tlsrpt_key_month(&in->keys[2], prefix, domain, day);
    tlsrpt_key_domain(&in->keys[3], prefix, domain, "");
    tlsrpt_key_day(&in->keys[4], prefix, domain, day, ":reports");
    tlsrpt_key_day(&in->keys[5], prefix, domain, day, hex);

    for (int i = 0; i < NKEYS; i++) {
        arg(&in->args, in->keys[i].data, in->keys[i].len);
    }
}


/* The first day of the next month. */

static int32_t
next_month(int32_t day)
{
    tlsrpt_date_t  date = tlsrpt_day_to_date(day);

    date.day = 1;
    date.year += date.month == 12;
    date.month = date.month % 12 + 1;

    return tlsrpt_day_from_date(date);
}


/* Seconds until the day is over and the retention after it. */

static int64_t
keep_for(int32_t last, const tlsrpt_ingest_t *ingest)
{
    int64_t  keep = ((int64_t) last + ingest->retention_days + 1) * TLSRPT_DAY
                    - ingest->now;

    return keep > 0 ? keep : 1;
}


static void
add_result_types(ingest_t *in, const tlsrpt_fold_t *fold)
{
    unsigned        code;
    uint64_t        failed[MAX_CODES] = { 0 }, rest = fold->beyond;
    tlsrpt_str_t    word;
    const unsigned  ncodes = tlsrpt_result_ncodes();

    for (size_t i = 0; i < fold->nrows; i++) {
        tlsrpt_str_t  type = fold->rows[i].result_type;

        code = type.data ? tlsrpt_result_code(type) : 0;
        failed[code] = tlsrpt_add(failed[code], fold->rows[i].failed);
    }

    rest = tlsrpt_add(rest, failed[0]);

    for (code = 1; code <= ncodes; code++) {
        if (failed[code]) {
            word = tlsrpt_result_type(code);
            arg(&in->args, word.data, word.len);
            arg_number(in, (int64_t) failed[code]);
        }
    }

    if (rest) {
        arg_text(in, "other");
        arg_number(in, (int64_t) rest);
    }
}


static int
make_args(ingest_t *in, const tlsrpt_report_t *report,
    const tlsrpt_fold_t *fold, const tlsrpt_ingest_t *ingest)
{
    int  keep = ingest->report_days && ingest->original.len;

    if (tlsrpt_record_encode(&in->record, fold, report->organization_name,
                             ingest->via, in->digest, 0) != 0
        || (fold->failed
            && tlsrpt_record_encode(&in->brief, fold,
                                    report->organization_name, ingest->via,
                                    in->digest, 1) != 0))
    {
        return -1;
    }

    if (keep) {
        in->entry = tlsrpt_entry_encode(report, fold, ingest);

        if (in->entry == NULL) {
            return -1;
        }
    }

    arg(&in->args, in->record.data, in->record.len);
    arg(&in->args, fold->failed ? in->brief.data : "", in->brief.len);
    arg(&in->args, in->digest, TLSRPT_DIGEST_LEN);
    arg_number(in, (int64_t) digest_number(in->digest));
    arg_number(in, tlsrpt_day_to_date(report->day).day);
    arg_number(in, (int64_t) fold->successful);
    arg_number(in, (int64_t) fold->failure);
    arg_number(in, (int64_t) fold->failed);
    arg_number(in, ingest->now);
    arg_number(in, keep_for(report->day, ingest));
    arg_number(in, keep_for(next_month(report->day), ingest));
    arg_number(in, keep_for(tlsrpt_day_of(ingest->now), ingest));
    arg_number(in, keep ? (int64_t) ingest->report_days * TLSRPT_DAY : 0);
    arg(&in->args, keep ? in->entry : "", keep ? strlen(in->entry) : 0);
    arg(&in->args, keep ? ingest->original.data : "",
        keep ? ingest->original.len : 0);
    add_result_types(in, fold);

    return 0;
}


/* One block: the command, the vectors, the bytes. */

static tlsrpt_command_t *
make_command(const args_t *args)
{
    char              *p;
    size_t             n = args->n;
    tlsrpt_command_t  *c;

    c = malloc(sizeof(*c) + n * (sizeof(*c->argv) + sizeof(*c->argvlen))
               + args->size);

    if (c == NULL) {
        return NULL;
    }

    c->nkeys = NKEYS;
    c->argc = n;
    c->argv = (const char **) (c + 1);
    c->argvlen = (size_t *) (c->argv + n);
    p = (char *) (c->argvlen + n);

    for (size_t i = 0; i < n; i++) {
        memcpy(p, args->args[i].data, args->args[i].len);
        p[args->args[i].len] = '\0';
        c->argv[i] = p;
        c->argvlen[i] = args->args[i].len;
        p += args->args[i].len + 1;
    }

    return c;
}


tlsrpt_command_t *
tlsrpt_ingest_command(const tlsrpt_report_t *report, unsigned domain,
    const tlsrpt_ingest_t *ingest)
{
    ingest_t           in;
    tlsrpt_fold_t      fold;
    tlsrpt_command_t  *command = NULL;

    memset(&in.record, 0, sizeof(in.record));
    memset(&in.brief, 0, sizeof(in.brief));
    in.entry = NULL;
    in.args.n = 0;
    in.args.size = 0;
    in.nnumbers = 0;

    if (tlsrpt_identity(report, domain, in.digest) != 0
        || tlsrpt_fold_report(&fold, report, domain) != 0)
    {
        return NULL;
    }

    make_keys(&in, ingest->prefix, report->domains[domain], report->day);

    if (make_args(&in, report, &fold, ingest) == 0) {
        command = make_command(&in.args);
    }

    tlsrpt_fold_free(&fold);
    free(in.record.data);
    free(in.brief.data);
    free(in.entry);

    return command;
}


void
tlsrpt_command_destroy(tlsrpt_command_t *command)
{
    free(command);
}
