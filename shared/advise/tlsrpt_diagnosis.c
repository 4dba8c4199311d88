/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <string.h>

#include "tlsrpt_diagnosis.h"
#include "tlsrpt_utf8.h"


/* What is told of mail servers and reasons, one by one. */
#define MAX_TOLD      3
#define MAX_REASON    80

/*
 * Severity, and what it costs
 */

/* Where no report tells, it is what is served now. */

static unsigned
under(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p)
{
    unsigned  under = p->under;

    if (under != TLSRPT_UNDER_UNKNOWN || e->served == NULL) {
        return under;
    }

    return e->served->mode == MTA_STS_ENFORCE ? TLSRPT_UNDER_ENFORCE
           : e->served->mode == MTA_STS_TESTING ? TLSRPT_UNDER_TESTING
           : TLSRPT_UNDER_NONE;
}


tlsrpt_severity_t
tlsrpt_diagnosis_severity(const tlsrpt_evidence_t *e,
    const tlsrpt_problem_t *p)
{
    tlsrpt_severity_t  severity = p->explanation->severity;

    /* What costs mail is never of middling weight. */
    if (severity == TLSRPT_SEVERITY_MEDIUM
        && p->explanation->loses == TLSRPT_LOSES_BY_MODE
        && under(e, p) & (TLSRPT_UNDER_ENFORCE | TLSRPT_UNDER_DANE))
    {
        return TLSRPT_SEVERITY_HIGH;
    }

    return severity;
}


const char *
tlsrpt_diagnosis_lost_mail(const tlsrpt_evidence_t *e,
    const tlsrpt_problem_t *p)
{
    unsigned  modes = under(e, p);

    if (tlsrpt_problem_is_silence(p)) {
        return "No mail is lost by silence itself, but failures go unnoticed.";
    }

    switch (p->explanation->loses) {
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
told(const tlsrpt_problem_t *p)
{
    return p->nuncovered < MAX_TOLD ? p->nuncovered : MAX_TOLD;
}


/* Did other mail servers fail, too, or a failure that the policy does not
   explain? */

static int
is_explained(const tlsrpt_problem_t *p)
{
    return p->nuncovered
           && p->nuncovered == p->groups[TLSRPT_PROBLEM_MX].ngroups
           && p->explanation->severity == TLSRPT_SEVERITY_MEDIUM;
}


static void
say_uncovered_cause(const tlsrpt_problem_t *p, tlsrpt_words_t *w)
{
    int  too_deep = 0;

    for (size_t i = 0; i < told(p); i++) {
        const tlsrpt_uncovered_t  *u = &p->uncovered[i];

        tlsrpt_say(w, "No mx line of the policy that senders had (%s) covers "
                   "the mail server %s. ", u->patterns.data, u->mx.data);
        too_deep |= u->too_deep;
    }

    if (p->nuncovered > told(p)) {
        tlsrpt_say(w, "Neither are others covered (%zu more). ",
                   p->nuncovered - told(p));
    }

    if (too_deep) {
        tlsrpt_say(w, "In a policy \"*.\" stands for exactly one label: "
                   "*.example.com covers mx.example.com, but not "
                   "mx.eu.example.com. ");
    }
}


static void
say_uncovered_fix(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p,
    tlsrpt_words_t *w)
{
    int  add = 0;

    for (size_t i = 0; i < told(p); i++) {
        tlsrpt_str_t  mx = p->uncovered[i].mx;

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
                   "_mta-sts record of %.*s, too. ", (int) e->scan.domain.len,
                   e->scan.domain.data);
    }
}


void
tlsrpt_diagnosis_cause(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p,
    tlsrpt_words_t *w)
{
    char                    buf[TLSRPT_VALUE_LEN];
    const char             *meaning;
    tlsrpt_str_t            reason;
    const tlsrpt_groups_t  *g = &p->groups[TLSRPT_PROBLEM_REASONS];

    w->len = 0;
    say_uncovered_cause(p, w);

    for (size_t i = 0; i < g->ngroups && i < MAX_TOLD; i++) {
        reason = tlsrpt_groups_text(g, &g->groups[i], buf);
        meaning = tlsrpt_explain_reason(reason);

        if (meaning != NULL) {
            tlsrpt_say(w, "Senders gave the reason \"%.*s\": %s. ",
                       (int) tlsrpt_utf8_cut(reason.data, reason.len,
                                             MAX_REASON),
                       reason.data, meaning);
        }
    }

    if (!is_explained(p)) {
        tlsrpt_say_for(w, p->explanation->cause, e->scan.domain);
    }

    tlsrpt_say_no_more(w);
}


void
tlsrpt_diagnosis_fix(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p,
    tlsrpt_words_t *w)
{
    w->len = 0;
    say_uncovered_fix(e, p, w);

    if (!is_explained(p)) {
        tlsrpt_say_for(w, p->explanation->fix, e->scan.domain);
    }

    tlsrpt_say_no_more(w);
}


static void
say_silence_title(const tlsrpt_problem_t *p, tlsrpt_words_t *w)
{
    char                    buf[TLSRPT_VALUE_LEN];
    tlsrpt_str_t            name = { "anybody", 7 };
    const tlsrpt_groups_t  *g = &p->groups[TLSRPT_PROBLEM_ORGANIZATIONS];

    if (g->ngroups) {
        name = tlsrpt_groups_text(g, &g->groups[0], buf);
    }

    tlsrpt_say(w, "%s from %.*s", p->explanation->title, (int) name.len,
               name.data);
}


void
tlsrpt_diagnosis_title(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p,
    tlsrpt_words_t *w)
{
    char                    buf[TLSRPT_VALUE_LEN];
    tlsrpt_str_t            mx;
    const tlsrpt_groups_t  *g = &p->groups[TLSRPT_PROBLEM_MX];

    w->len = 0;

    if (tlsrpt_problem_is_silence(p)) {
        say_silence_title(p, w);
        return;
    }

    if (is_explained(p)) {
        tlsrpt_say(w, "%s is missing from the MTA-STS policy",
                   p->uncovered[0].mx.data);

        if (p->nuncovered > 1) {
            tlsrpt_say(w, ", and %zu more", p->nuncovered - 1);
        }

        return;
    }

    tlsrpt_say_for(w, p->explanation->title, e->scan.domain);

    if (*p->explanation->result_type == '\0') {
        tlsrpt_say(w, " (%.*s)", (int) tlsrpt_utf8_cut(p->result_type.data,
                                                       p->result_type.len,
                                                       MAX_REASON),
                   p->result_type.len ? p->result_type.data : "no result type");
    }

    /* where the policy is at fault, no mail server is */

    if (tlsrpt_problem_is_of_policy(p)) {
        return;
    }

    if (g->ngroups == 1) {
        mx = tlsrpt_groups_text(g, &g->groups[0], buf);
        tlsrpt_say(w, ": %.*s", (int) mx.len, mx.data);

    } else if (g->ngroups) {
        tlsrpt_say(w, ": %zu mail servers", g->ngroups);
    }
}
