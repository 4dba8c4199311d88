/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <string.h>

#include "tlsrpt_finding.h"
#include "tlsrpt_utf8.h"
#include "tlsrpt_words.h"


/* A problem is ongoing if it was seen on one of the range's last days: reports
   on a day come on the next one. */
#define ONGOING_DAYS  3

/* What is told of mail servers and reasons, one by one. */
#define MAX_TOLD      3
#define MAX_REASON    80

/*
 * Severity, and what it costs
 */

/* Where no report tells, it is what is served now. */

static unsigned
under(const tlsrpt_evidence_t *e, const tlsrpt_finding_t *f)
{
    unsigned  under = f->under;

    if (under != TLSRPT_UNDER_UNKNOWN || e->served == NULL) {
        return under;
    }

    return e->served->mode == MTA_STS_ENFORCE ? TLSRPT_UNDER_ENFORCE
           : e->served->mode == MTA_STS_TESTING ? TLSRPT_UNDER_TESTING
           : TLSRPT_UNDER_NONE;
}


tlsrpt_severity_t
tlsrpt_diagnosis_severity(const tlsrpt_evidence_t *e,
    const tlsrpt_finding_t *f)
{
    tlsrpt_severity_t  severity = f->explanation->severity;

    /* What costs mail is never of middling weight. */
    if (severity == TLSRPT_SEVERITY_MEDIUM
        && f->explanation->loses == TLSRPT_LOSES_BY_MODE
        && under(e, f) & (TLSRPT_UNDER_ENFORCE | TLSRPT_UNDER_DANE))
    {
        return TLSRPT_SEVERITY_HIGH;
    }

    return severity;
}


static const char *
lost_mail(const tlsrpt_evidence_t *e, const tlsrpt_finding_t *f)
{
    unsigned  modes = under(e, f);

    switch (f->explanation->loses) {
    case TLSRPT_LOSES_NOTHING:
        return "No mail is lost: a sender that cannot get the policy delivers "
               "without it, so the mail may travel unprotected. Senders that "
               "still hold an earlier copy of the policy keep to that one.";

    case TLSRPT_LOSES_ALWAYS:
        return "Yes: this sender delivers with DANE or not at all, so its mail "
               "is delayed and in the end returned.";

    default:
        break;
    }

    if (modes & TLSRPT_UNDER_DANE) {
        return "Yes: with DANE, senders do not deliver over such a connection. "
               "Mail is delayed, and returned to its sender if it goes on for "
               "days.";
    }

    if (modes & TLSRPT_UNDER_ENFORCE) {
        return "Yes: under a policy in mode enforce, senders do not deliver "
               "over such a connection. Mail is delayed, and returned to its "
               "sender if it goes on for days.";
    }

    if (modes & TLSRPT_UNDER_TESTING) {
        return "No: the policy is in mode testing, so senders report the "
               "failure and deliver all the same. In mode enforce this mail "
               "would be delayed or returned.";
    }

    if (modes & TLSRPT_UNDER_UNKNOWN) {
        return "The reports do not tell. Under a policy in mode enforce, or "
               "with DANE, such mail is delayed or returned; otherwise it is "
               "delivered.";
    }

    return "No: no policy asks for protection, so senders deliver all the "
           "same, perhaps without encryption.";
}


/*
 * Cause and fix
 */

static int
is_served(const tlsrpt_evidence_t *e, tlsrpt_str_t mx)
{
    if (e->served == NULL) {
        return 0;
    }

    for (size_t i = 0; i < e->served->nmx; i++) {
        tlsrpt_str_t  pattern = { e->served->mx[i],
                                  strlen(e->served->mx[i]) };

        if (mta_sts_mx_match(pattern, mx)) {
            return 1;
        }
    }

    return 0;
}


/* A mail server that senders did not find in the policy, and the number of
   those that are not told. */

static size_t
told(const tlsrpt_finding_t *f)
{
    return f->nuncovered < MAX_TOLD ? f->nuncovered : MAX_TOLD;
}


/* Did other mail servers fail, too, or a failure that the policy does not
   explain? */

static int
is_explained(const tlsrpt_finding_t *f)
{
    return f->nuncovered
           && f->nuncovered == f->groups[TLSRPT_FINDING_MX].ngroups
           && f->explanation->severity == TLSRPT_SEVERITY_MEDIUM;
}


static void
say_uncovered_cause(const tlsrpt_finding_t *f, tlsrpt_words_t *w)
{
    int  too_deep = 0;

    for (size_t i = 0; i < told(f); i++) {
        const tlsrpt_uncovered_t  *u = &f->uncovered[i];

        tlsrpt_say(w, "No mx line of the policy that senders had (%s) covers "
                   "the mail server %s. ", u->patterns.data, u->mx.data);
        too_deep |= u->too_deep;
    }

    if (f->nuncovered > told(f)) {
        tlsrpt_say(w, "Neither are others covered (%zu more). ",
                   f->nuncovered - told(f));
    }

    if (too_deep) {
        tlsrpt_say(w, "In a policy \"*.\" stands for exactly one label: "
                   "*.example.com covers mx.example.com, but not "
                   "mx.eu.example.com. ");
    }
}


static void
say_uncovered_fix(const tlsrpt_evidence_t *e, const tlsrpt_finding_t *f,
    tlsrpt_words_t *w)
{
    int  add = 0;

    for (size_t i = 0; i < told(f); i++) {
        tlsrpt_str_t  mx = f->uncovered[i].mx;

        if (is_served(e, mx)) {
            tlsrpt_say(w, "The policy served now covers %s: senders that "
                       "still hold the earlier one fetch it when they see "
                       "that the id in the _mta-sts record has changed, at "
                       "the latest when max_age is over. ", mx.data);

        } else {
            tlsrpt_say(w, "Add the line \"mx: %s\" to the policy, or take "
                       "this server out of the MX records. ", mx.data);
            add = 1;
        }
    }

    if (add) {
        tlsrpt_say(w, "After a change of the policy change the id in the "
                   "_mta-sts record of %.*s, too. ", (int) e->range.domain.len,
                   e->range.domain.data);
    }
}


static json_t *
cause_json(const tlsrpt_evidence_t *e, const tlsrpt_finding_t *f)
{
    char                    buf[TLSRPT_VALUE_LEN];
    tlsrpt_words_t          w;
    const char             *meaning;
    tlsrpt_str_t            reason;
    const tlsrpt_groups_t  *g = &f->groups[TLSRPT_FINDING_REASONS];

    w.len = 0;
    say_uncovered_cause(f, &w);

    for (size_t i = 0; i < g->ngroups && i < MAX_TOLD; i++) {
        reason = tlsrpt_groups_text(g, &g->groups[i], buf);
        meaning = tlsrpt_explain_reason(reason);

        if (meaning != NULL) {
            tlsrpt_say(&w, "Senders gave the reason \"%.*s\": %s. ",
                       (int) tlsrpt_utf8_cut(reason.data, reason.len,
                                             MAX_REASON),
                       reason.data, meaning);
        }
    }

    if (!is_explained(f)) {
        tlsrpt_say_for(&w, f->explanation->cause, e->range.domain);
    }

    tlsrpt_say_no_more(&w);
    return tlsrpt_words_json(&w);
}


static json_t *
fix_json(const tlsrpt_evidence_t *e, const tlsrpt_finding_t *f)
{
    tlsrpt_words_t  w;

    w.len = 0;
    say_uncovered_fix(e, f, &w);

    if (!is_explained(f)) {
        tlsrpt_say_for(&w, f->explanation->fix, e->range.domain);
    }

    tlsrpt_say_no_more(&w);
    return tlsrpt_words_json(&w);
}


static json_t *
title_json(const tlsrpt_evidence_t *e, const tlsrpt_finding_t *f)
{
    char                    buf[TLSRPT_VALUE_LEN];
    tlsrpt_words_t          w;
    tlsrpt_str_t            mx;
    const tlsrpt_groups_t  *g = &f->groups[TLSRPT_FINDING_MX];

    w.len = 0;

    if (is_explained(f)) {
        tlsrpt_say(&w, "%s is missing from the MTA-STS policy",
                   f->uncovered[0].mx.data);

        if (f->nuncovered > 1) {
            tlsrpt_say(&w, ", and %zu more", f->nuncovered - 1);
        }

        return tlsrpt_words_json(&w);
    }

    tlsrpt_say_for(&w, f->explanation->title, e->range.domain);

    if (*f->explanation->result_type == '\0') {
        tlsrpt_say(&w, " (%.*s)", (int) tlsrpt_utf8_cut(f->result_type.data,
                                                        f->result_type.len,
                                                        MAX_REASON),
                   f->result_type.len ? f->result_type.data : "no result type");
    }

    /* where the policy is at fault, no mail server is */

    if (tlsrpt_finding_is_of_policy(f)) {
        return tlsrpt_words_json(&w);
    }

    if (g->ngroups == 1) {
        mx = tlsrpt_groups_text(g, &g->groups[0], buf);
        tlsrpt_say(&w, ": %.*s", (int) mx.len, mx.data);

    } else if (g->ngroups) {
        tlsrpt_say(&w, ": %zu mail servers", g->ngroups);
    }

    return tlsrpt_words_json(&w);
}


/*
 * Lists and numbers
 */

static json_t *
name_json(const void *groups, const tlsrpt_group_t *group)
{
    char  buf[TLSRPT_VALUE_LEN];

    return tlsrpt_str_json(tlsrpt_groups_text(groups, group, buf));
}


static json_t *
list_json(const tlsrpt_groups_t *groups)
{
    return tlsrpt_groups_json(groups, TLSRPT_FINDING_LIST, name_json, groups);
}


static json_t *
days_json(const tlsrpt_evidence_t *e, const tlsrpt_finding_t *f)
{
    char     day[TLSRPT_DAY_TEXT_LEN + 1];
    json_t  *array = json_array();

    for (size_t i = f->first; array && i <= f->last; i++) {
        if (f->by_day[i] == 0) {
            continue;
        }

        tlsrpt_day_text(e->range.from + (int32_t) i, day);

        if (json_array_append_new(array,
                json_pack("{s:s, s:I}", "day", day, "failed-session-count",
                          (json_int_t) f->by_day[i]))
            != 0)
        {
            json_decref(array);
            array = NULL;
        }
    }

    return array;
}


/* Of all sessions since the first failure. */

static double
share(const tlsrpt_evidence_t *e, const tlsrpt_finding_t *f)
{
    double  all = 0;

    for (size_t i = f->first; i < e->range.ndays; i++) {
        all += (double) e->range.days[i].successful
               + (double) e->range.days[i].failure;
    }

    return all > (double) f->failed ? (double) f->failed / all : 1;
}


json_t *
tlsrpt_diagnosis_json(const tlsrpt_evidence_t *e, const tlsrpt_finding_t *f)
{
    char                    first[TLSRPT_DAY_TEXT_LEN + 1];
    char                    last[TLSRPT_DAY_TEXT_LEN + 1];
    const tlsrpt_groups_t  *g = f->groups;

    tlsrpt_day_text(e->range.from + (int32_t) f->first, first);
    tlsrpt_day_text(e->range.from + (int32_t) f->last, last);

    return json_pack("{s:s%, s:s, s:o, s:b, s:s, s:s, s:I, s:f,"
                     " s:o, s:o, s:o, s:o, s:o, s:o,"
                     " s:s, s:o, s:o, s:s, s:o, s:o}",
                     "result-type", f->result_type.data, f->result_type.len,
                     "severity", tlsrpt_severity_name(f->severity),
                     "title", title_json(e, f),
                     "ongoing", f->last + ONGOING_DAYS >= e->nknown,
                     "first-day", first, "last-day", last,
                     "failed-session-count", (json_int_t) f->failed,
                     "share", share(e, f),
                     "organization-names",
                     list_json(&g[TLSRPT_FINDING_ORGANIZATIONS]),
                     "receiving-mx-hostnames", list_json(&g[TLSRPT_FINDING_MX]),
                     "sending-mta-ips",
                     list_json(&g[TLSRPT_FINDING_SENDING_IPS]),
                     "receiving-ips",
                     list_json(&g[TLSRPT_FINDING_RECEIVING_IPS]),
                     "failure-reason-codes",
                     list_json(&g[TLSRPT_FINDING_REASONS]),
                     "policy-types", list_json(&g[TLSRPT_FINDING_TYPES]),
                     "meaning", f->explanation->meaning,
                     "likely-cause", cause_json(e, f),
                     "fix", fix_json(e, f),
                     "lost-mail", lost_mail(e, f),
                     "possible-attack", tlsrpt_suspicion_json(e, f),
                     "by-day", days_json(e, f));
}
