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


static json_t *
silence_json(const tlsrpt_evidence_t *e, size_t last, const char *title,
    json_t *names)
{
    char                         day[TLSRPT_DAY_TEXT_LEN + 1];
    tlsrpt_str_t                 word = { "silence", 7 };
    const tlsrpt_explanation_t  *x = tlsrpt_explain(word);

    tlsrpt_day_text(e->range.from + (int32_t) last - 1, day);

    return json_pack("{s:s, s:s, s:s, s:b, s:s, s:s, s:i, s:f,"
                     " s:o, s:[], s:[], s:[], s:[], s:[],"
                     " s:s, s:s, s:s, s:s, s:n, s:[]}",
                     "result-type", x->result_type,
                     "severity", tlsrpt_severity_name(x->severity),
                     "title", title, "ongoing", 1,
                     "first-day", day, "last-day", day,
                     "failed-session-count", 0, "share", 0.0,
                     "organization-names", names, "receiving-mx-hostnames",
                     "sending-mta-ips", "receiving-ips",
                     "failure-reason-codes", "policy-types",
                     "meaning", x->meaning, "likely-cause", x->cause,
                     "fix", x->fix,
                     "lost-mail", "No mail is lost by silence itself, but "
                     "failures go unnoticed.",
                     "possible-attack", "by-day");
}


/* Nobody reports any more. */

static int
domain_silence(const tlsrpt_evidence_t *e, json_t *problems, size_t at)
{
    size_t  last = e->range.ndays;

    while (last && e->range.days[last - 1].reports == 0) {
        last--;
    }

    if (last == 0 || last + SILENT_DAYS > e->range.ndays) {
        return 0;
    }

    return json_array_insert_new(problems, at,
                                 silence_json(e, last,
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

        last = newest(s->days, e->range.ndays, TLSRPT_SENDER_REPORTED);

        if (last + SILENT_DAYS > e->range.ndays || !was_steady(s, last)) {
            continue;
        }

        snprintf(title, sizeof(title), "No more reports from %s",
                 s->name.data);

        if (json_array_insert_new(problems, at++,
                silence_json(e, last, title,
                             json_pack("[s%]", s->name.data, s->name.len)))
            != 0)
        {
            return -1;
        }
    }

    return 0;
}
