/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_closed.h"
#include "tlsrpt_count.h"
#include "tlsrpt_identity.h"
#include "tlsrpt_ingest.h"
#include "tlsrpt_kept.h"
#include "tlsrpt_key.h"
#include "tlsrpt_packed.h"
#include "tlsrpt_result.h"
#include "tlsrpt_tally.h"
#include "tlsrpt_time.h"


/* EVALSHA, the script and the number of keys, then the keys and arguments that
   shared/store/ingest.lua takes, in its order. */

#define FIRST_KEY  3
#define NKEYS      7
#define MAX_ARGS   64
#define MAX_CODES  32
#define SHORT      512                      /* a packed report that a day log
                                               always takes with its details */
#define LATE       2                        /* days, until a day's reports have
                                               come, nearly all */

typedef struct {
    tlsrpt_str_t   args[MAX_ARGS];
    size_t         n;
} args_t;

typedef struct {
    tlsrpt_key_t   keys[NKEYS];
    tlsrpt_buf_t   packed;
    tlsrpt_buf_t   brief;
    unsigned char  digest[TLSRPT_DIGEST_LEN];
    tlsrpt_kept_t  kept;
    int            keeps;                   /* kept is to be kept */
    args_t         args;
    char           numbers[MAX_ARGS][24];
    size_t         nnumbers;
    char           seldom[5 * 24];
} ingest_t;


static void
arg(args_t *args, const void *data, size_t len)
{
    tlsrpt_str_t  *s = &args->args[args->n++];

    s->data = data;
    s->len = len;
}


static void
arg_text(ingest_t *in, const char *text)
{
    arg(&in->args, text, strlen(text));
}


/* In decimal digits before end; where they begin. */

static char *
put_number(char *end, int64_t value)
{
    char      *p = end;
    uint64_t   rest = value < 0 ? -(uint64_t) value : (uint64_t) value;

    do {
        *--p = (char) ('0' + rest % 10);
        rest /= 10;
    } while (rest);

    if (value < 0) {
        *--p = '-';
    }

    return p;
}


static void
arg_number(ingest_t *in, int64_t value)
{
    char  *end = in->numbers[in->nnumbers++] + sizeof(in->numbers[0]);
    char  *p = put_number(end, value);

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


static int
keeps_original(const tlsrpt_ingest_t *ingest)
{
    return ingest->report_days && ingest->original.len;
}


static void
make_keys(ingest_t *in, tlsrpt_str_t domain, int32_t day,
    const tlsrpt_ingest_t *ingest)
{
    const size_t        n = !in->keeps ? NKEYS - 2
                            : in->kept.text.len ? NKEYS : NKEYS - 1;
    char                hex[2 + 2 * TLSRPT_DIGEST_LEN] = ":";
    tlsrpt_str_t        prefix = ingest->prefix;
    static const char   digits[] = "0123456789abcdef";

    tlsrpt_key_day(&in->keys[0], prefix, domain, day, "");

    if (tlsrpt_closed_perhaps(day, tlsrpt_day_of(ingest->now))) {
        tlsrpt_key_closed(&in->keys[1], prefix, domain, day);

    } else {
        tlsrpt_key_day(&in->keys[1], prefix, domain, day - 1, "");
    }

    tlsrpt_key_seen(&in->keys[2], prefix, domain, day);
    tlsrpt_key_month(&in->keys[3], prefix, domain, day);
    tlsrpt_key_domain(&in->keys[4], prefix, domain, "");

    if (in->keeps) {
        for (int i = 0; i < TLSRPT_DIGEST_LEN; i++) {
            hex[1 + 2 * i] = digits[in->digest[i] >> 4];
            hex[2 + 2 * i] = digits[in->digest[i] & 15];
        }

        tlsrpt_key_day(&in->keys[5], prefix, domain, day, ":kept");
        tlsrpt_key_day(&in->keys[6], prefix, domain, day, hex);
    }

    arg_number(in, (int64_t) n);

    for (size_t i = 0; i < n; i++) {
        arg(&in->args, in->keys[i].data, in->keys[i].len);
    }
}


int64_t
tlsrpt_keep_for(int32_t day, unsigned retention_days, int64_t now)
{
    int64_t  keep = ((int64_t) day + retention_days + 1) * TLSRPT_DAY - now;

    return keep > 0 ? keep : 1;
}


static int64_t
keep_for(int32_t day, const tlsrpt_ingest_t *ingest)
{
    return tlsrpt_keep_for(day, ingest->retention_days, ingest->now);
}


/* One argument, as it is seldom looked at: how long to keep the day log, the
   month and the domain, when the month can be closed, and the sessions in
   failure details. */

static void
arg_seldom(ingest_t *in, int32_t day, const tlsrpt_tally_t *tally,
    const tlsrpt_ingest_t *ingest)
{
    char     *p, *end = in->seldom + sizeof(in->seldom);
    int64_t   values[5] = {
        keep_for(day, ingest),
        keep_for(tlsrpt_next_month(day), ingest),
        keep_for(tlsrpt_day_of(ingest->now), ingest),
        tlsrpt_closed_due(day),
        (int64_t) tally->failed_in_details
    };

    p = end;

    for (int i = 4; i >= 0; i--) {
        p = put_number(p, values[i]);

        if (i) {
            *--p = ' ';
        }
    }

    if (ingest->ask_new) {
        *--p = '?';
    }

    arg(&in->args, p, (size_t) (end - p));
}


static void
add_result_types(ingest_t *in, const tlsrpt_tally_t *tally)
{
    unsigned        code;
    uint64_t        failed[MAX_CODES] = { 0 }, rest = tally->overflow;
    tlsrpt_str_t    word;
    const unsigned  ncodes = tlsrpt_result_ncodes();

    for (size_t i = 0; i < tally->nrows; i++) {
        tlsrpt_str_t  type = tally->rows[i].result_type;

        code = type.data ? tlsrpt_result_code(type) : 0;
        failed[code] = tlsrpt_count_add(failed[code], tally->rows[i].failed);
    }

    rest = tlsrpt_count_add(rest, failed[0]);

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
encode(ingest_t *in, const tlsrpt_report_t *report, unsigned number,
    const tlsrpt_tally_t *tally, const tlsrpt_ingest_t *ingest)
{
    int           rc;
    tlsrpt_str_t  domain = report->domains[number];

    if (tlsrpt_packed_encode(&in->packed, tally, domain,
                             report->organization_name, ingest->via, 0) != 0
        || (in->packed.len > SHORT && tally->failed_in_details
            && tlsrpt_packed_encode(&in->brief, tally, domain,
                                    report->organization_name, ingest->via, 1)
               != 0))
    {
        return -1;
    }

    if (keeps_original(ingest)) {
        rc = tlsrpt_kept_encode(&in->kept, report, number, tally, ingest,
                                in->digest);

        if (rc < 0) {
            return -1;
        }

        in->keeps = rc;
    }

    return 0;
}


static void
make_args(ingest_t *in, const tlsrpt_report_t *report,
    const tlsrpt_tally_t *tally, const tlsrpt_ingest_t *ingest)
{
    int32_t      today = tlsrpt_day_of(ingest->now);
    const char  *late = tlsrpt_closed_perhaps(report->day, today) ? "2"
                        : today - report->day >= LATE ? "1" : "";

    arg(&in->args, in->packed.data, in->packed.len);
    arg(&in->args, in->brief.data ? in->brief.data : "", in->brief.len);
    arg_number(in, (int64_t) digest_number(in->digest));
    arg_number(in, tlsrpt_day_to_date(report->day).day);
    arg_number(in, (int64_t) tally->successful);
    arg_number(in, (int64_t) tally->failed);
    arg_number(in, ingest->now);
    arg_seldom(in, report->day, tally, ingest);
    arg_text(in, late);

    if (in->keeps) {
        arg_number(in, (int64_t) ingest->report_days * TLSRPT_DAY);
        arg(&in->args, in->kept.name, in->kept.name_len);
        arg(&in->args, in->kept.entry.data, in->kept.entry.len);
        arg(&in->args, in->kept.text.len ? in->kept.text.data : "",
            in->kept.text.len);
    }

    add_result_types(in, tally);
}


tlsrpt_command_t *
tlsrpt_ingest_command(const tlsrpt_report_t *report, unsigned domain,
    const tlsrpt_ingest_t *ingest)
{
    ingest_t           in;
    tlsrpt_tally_t     tally;
    tlsrpt_command_t  *command = NULL;

    memset(&in.packed, 0, sizeof(in.packed));
    memset(&in.brief, 0, sizeof(in.brief));
    memset(&in.kept, 0, sizeof(in.kept));
    in.keeps = 0;
    in.args.n = 0;
    in.nnumbers = 0;

    if (tlsrpt_identity(report, domain, in.digest) != 0
        || tlsrpt_tally_report(&tally, report, domain) != 0)
    {
        return NULL;
    }

    if (encode(&in, report, domain, &tally, ingest) == 0) {
        arg_text(&in, "EVALSHA");
        arg_text(&in, tlsrpt_ingest_script.sha1);
        make_keys(&in, report->domains[domain], report->day, ingest);
        make_args(&in, report, &tally, ingest);
        command = tlsrpt_command_create(in.args.args, in.args.n, FIRST_KEY,
                                        &tlsrpt_ingest_script);
    }

    tlsrpt_tally_free(&tally);
    free(in.packed.data);
    free(in.brief.data);
    tlsrpt_kept_free(&in.kept);

    return command;
}
