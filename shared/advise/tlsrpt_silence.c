/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <string.h>

#include "tlsrpt_finding.h"


/* A sender that reported on so many days running ... */
#define STEADY_DAYS  7
/* ... and then not for so many: reports on a day come on the next one, and some
   senders are days late. */
#define SILENT_DAYS  4


/* The newest day with any of the flags, from 1; 0: none. */

static size_t
newest(const unsigned char *days, size_t ndays, unsigned flags)
{
    while (ndays && !(days[ndays - 1] & flags)) {
        ndays--;
    }

    return ndays;
}


/* Did the sender report day after day, and of more than its own reports' mail?
   One session a day between reporters is a heartbeat: its end says nothing. */

static int
was_steady(const tlsrpt_sender_t *s, size_t last)
{
    int  busy = 0;

    if (last < STEADY_DAYS) {
        return 0;
    }

    for (size_t i = last - STEADY_DAYS; i < last; i++) {
        if (!(s->days[i] & TLSRPT_SENDER_REPORTED)) {
            return 0;
        }

        busy |= s->days[i] & TLSRPT_SENDER_BUSY;
    }

    return busy != 0;
}


/* day: the last one of which there was a report. */

static json_t *
silence_json(const tlsrpt_evidence_t *e, int32_t day, const char *title,
    json_t *names)
{
    char                         text[TLSRPT_DAY_TEXT_LEN + 1];
    char                         cause[TLSRPT_EXPLAIN_SIZE];
    tlsrpt_str_t                 word = { "silence", 7 };
    const tlsrpt_explanation_t  *x = tlsrpt_explain(word);

    tlsrpt_day_text(day, text);
    tlsrpt_explain_for(x->cause, e->range.domain, cause, sizeof(cause));

    return json_pack("{s:s, s:s, s:s, s:b, s:s, s:s, s:i, s:f,"
                     " s:o, s:[], s:[], s:[], s:[], s:[],"
                     " s:s, s:s, s:s, s:s, s:n, s:[]}",
                     "result-type", x->result_type,
                     "severity", tlsrpt_severity_name(x->severity),
                     "title", title, "ongoing", 1,
                     "first-day", text, "last-day", text,
                     "failed-session-count", 0, "share", 0.0,
                     "organization-names", names, "receiving-mx-hostnames",
                     "sending-mta-ips", "receiving-ips",
                     "failure-reason-codes", "policy-types",
                     "meaning", x->meaning, "likely-cause", cause,
                     "fix", x->fix,
                     "lost-mail", "No mail is lost by silence itself, but "
                     "failures go unnoticed.",
                     "possible-attack", "by-day");
}


/* The longest time between two days with reports, or, where there is one such
   day only, before it. */

static size_t
longest_gap(const tlsrpt_evidence_t *e)
{
    size_t  gap = 0, n = 0, last = 0;

    for (size_t i = 0; i < e->nknown; i++) {
        if (e->range.days[i].reports == 0) {
            continue;
        }

        if (n == 0 || i - last > gap || n == 1) {
            gap = i - last;
        }

        last = i;
        n++;
    }

    return gap;
}


/* Nobody reports any more: for longer than was usual. */

static int
domain_silence(const tlsrpt_evidence_t *e, json_t *problems, size_t at)
{
    size_t   last = e->nknown, silent;
    int32_t  day = tlsrpt_day_of((int64_t) e->range.all.last);

    while (last && e->range.days[last - 1].reports == 0) {
        last--;
    }

    silent = e->nknown - last;

    if (last) {
        day = e->range.from + (int32_t) last - 1;

    } else if (e->range.all.reports == 0 || day >= e->range.from) {
        return 0;
    }

    if (silent < SILENT_DAYS || (last && silent <= 2 * longest_gap(e))) {
        return 0;
    }

    return json_array_insert_new(problems, at,
                                 silence_json(e, day,
                                              "No more reports from anybody",
                                              json_array()))
           == 0 ? 1 : -1;
}


int
tlsrpt_silence_json(const tlsrpt_evidence_t *e, json_t *problems, size_t at)
{
    int     rc = domain_silence(e, problems, at);
    char    title[TLSRPT_MAX_STRING + 32];
    size_t  last;

    if (rc != 0) {
        return rc < 0 ? -1 : 0;
    }

    for (size_t i = 0; i < e->nsenders; i++) {
        const tlsrpt_sender_t  *s = &e->senders[i];

        last = newest(s->days, e->nknown, TLSRPT_SENDER_REPORTED);

        if (last + SILENT_DAYS > e->nknown || !was_steady(s, last)) {
            continue;
        }

        snprintf(title, sizeof(title), "No more reports from %s",
                 s->name.data);

        if (json_array_insert_new(problems, at++,
                silence_json(e, e->range.from + (int32_t) last - 1, title,
                             json_pack("[s%]", s->name.data, s->name.len)))
            != 0)
        {
            return -1;
        }
    }

    return 0;
}
