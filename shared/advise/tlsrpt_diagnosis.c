/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <string.h>

#include "tlsrpt_answered.h"
#include "tlsrpt_contacts.h"
#include "tlsrpt_diagnosis.h"
#include "tlsrpt_utf8.h"


/* What is told of reasons, one by one. */
#define MAX_TOLD      3
#define MAX_REASON    80

/*
 * Names
 */

static tlsrpt_str_t
cut(tlsrpt_str_t s)
{
    s.len = tlsrpt_utf8_cut(s.data, s.len, MAX_REASON);
    return s;
}


/* Where one sender saw it. */

static void
name_sender(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p,
    tlsrpt_names_t *names)
{
    char                     buf[TLSRPT_VALUE_LEN];
    tlsrpt_str_t             name;
    const tlsrpt_sender_t   *s;
    const tlsrpt_groups_t   *g = &p->groups[TLSRPT_PROBLEM_ORGANIZATIONS];

    if (g->ngroups != 1) {
        tlsrpt_name_made(names, "few", "Only %zu senders", g->ngroups);
        return;
    }

    name = cut(tlsrpt_groups_text(g, &g->groups[0], buf));
    tlsrpt_name_made(names, "sender", "%.*s", (int) name.len, name.data);
    tlsrpt_name_made(names, "few", "Only %.*s", (int) name.len, name.data);
    tlsrpt_name_made(names, "contact", "%s", "");
    s = tlsrpt_contacts_sender(e, tlsrpt_groups_text(g, &g->groups[0], buf));

    if (s != NULL && tlsrpt_contacts_is_address(s->contact)) {
        tlsrpt_name_made(names, "contact", " (%.*s)", (int) s->contact.len,
                         s->contact.data);
    }
}


static void
name_days(const tlsrpt_problem_t *p, tlsrpt_names_t *names)
{
    char  text[TLSRPT_DAY_TEXT_LEN + 1];

    tlsrpt_day_text(p->first, text);
    tlsrpt_name_made(names, "first", "%s", text);
    tlsrpt_day_text(p->last, text);
    tlsrpt_name_made(names, "last", "%s", text);
    tlsrpt_name_count(names, "days", p->ndays, "day");
}


void
tlsrpt_diagnosis_names(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p,
    tlsrpt_names_t *names)
{
    char  id[MTA_STS_ID_LEN + 1];

    names->n = 0;
    names->len = 0;
    tlsrpt_name(names, "domain", e->scan.domain);

    if (p->mx.len) {
        tlsrpt_name_mx(names, p->mx);
    }

    if (e->served != NULL) {
        mta_sts_policy_id(e->served, id);
        tlsrpt_name_made(names, "id", "%s", id);
    }

    tlsrpt_name(names, "patterns", p->patterns);
    name_sender(e, p, names);
    name_days(p, names);
    tlsrpt_name_count(names, "failed", p->raw, "failed session");
    tlsrpt_name_made(names, "uncovered", "%llu",
                     (unsigned long long) p->uncovered);
    tlsrpt_name_count(names, "others-passed", p->others, "other sender");
    tlsrpt_name_count(names, "passed-since", p->passed_since, "sender");
    tlsrpt_name_count(names, "nservers",
                      p->groups[TLSRPT_PROBLEM_MX].ngroups, "mail server");
    tlsrpt_name_count(names, "doubtful", p->doubtful, "failed session");
}


/* Is it about a mail server that is in no policy, in all its sessions? */

static int
is_of_no_policy(const tlsrpt_problem_t *p)
{
    return p->uncovered == p->raw
           && (p->mx_state == TLSRPT_MX_UNKNOWN
               || p->mx_state == TLSRPT_MX_FOREIGN
               || (p->mx_state != TLSRPT_MX_FINE && p->explanation->names_mx));
}


/* And is there nothing else to say? */

static int
is_no_more(const tlsrpt_problem_t *p)
{
    return is_of_no_policy(p) && p->explanation->by_reason;
}


static const char *
section_of(const tlsrpt_problem_t *p, const char *name)
{
    return tlsrpt_explain_section(p->explanation, p->reason, name);
}


/*
 * Title
 */

static void
say_title(const tlsrpt_problem_t *p, tlsrpt_names_t *names, tlsrpt_words_t *w)
{
    const size_t  servers = p->groups[TLSRPT_PROBLEM_MX].ngroups;

    tlsrpt_say(w, names, tlsrpt_text(section_of(p, "title"), "title"));

    if (p->explanation->result_type == NULL && p->reason == NULL) {
        tlsrpt_say_no_more(w);
        tlsrpt_name_made(names, "title", "%s", w->data);
        tlsrpt_name(names, "word", cut(p->result_type));
        w->len = 0;
        tlsrpt_say(w, names, tlsrpt_text("title", "word"));
    }

    /* where the policy is at fault, no mail server is */

    if (tlsrpt_problem_is_of_policy(p) || servers == 0) {
        return;
    }

    tlsrpt_say_no_more(w);
    tlsrpt_name_made(names, "title", "%s", w->data);
    w->len = 0;
    tlsrpt_say(w, names, tlsrpt_text("title", p->mx.len ? "server"
                                                        : "servers"));
}


void
tlsrpt_diagnosis_title(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p,
    tlsrpt_names_t *names, tlsrpt_words_t *w)
{
    (void) e;
    w->len = 0;

    if (tlsrpt_problem_is_silence(p)) {
        tlsrpt_say(w, names, tlsrpt_text("title",
                       p->groups[TLSRPT_PROBLEM_ORGANIZATIONS].ngroups
                       ? "silence" : "silence-all"));

    } else if (is_of_no_policy(p)) {
        tlsrpt_say(w, names, tlsrpt_text("title",
                                         p->mx_state == TLSRPT_MX_STALE
                                         ? "not-yet-in-policy"
                                         : "not-in-policy"));

    } else {
        say_title(p, names, w);
    }

    tlsrpt_say_no_more(w);
}


/*
 * Meaning: what happened, when, and who says so
 */

static const char *
seen_as(const tlsrpt_problem_t *p)
{
    switch (p->state) {
    case TLSRPT_STATE_UNKNOWN:
        return "unknown";

    case TLSRPT_STATE_LAPSED:
        return "lapsed";

    case TLSRPT_STATE_OVER:
        return p->passed_since ? "over-others"
               : p->ndays == 1 ? "over-once" : "over";

    default:
        return p->ndays == 1 ? "once" : "open";
    }
}


static void
say_evidence(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p,
    const tlsrpt_names_t *names, tlsrpt_words_t *w)
{
    if (p->disputed) {
        tlsrpt_say(w, names, tlsrpt_text("evidence", "disputed"));

    } else if (p->mailed == 0 && p->posted) {
        tlsrpt_say(w, names, tlsrpt_text("evidence", e->verified
                                                     ? "posted"
                                                     : "posted-only"));
    }

    if (p->doubtful) {
        tlsrpt_say(w, names, tlsrpt_text("evidence", "doubtful"));
    }
}


void
tlsrpt_diagnosis_meaning(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p,
    tlsrpt_names_t *names, tlsrpt_words_t *w)
{
    const char  *section = p->explanation->section;

    const char  *seen = tlsrpt_text("seen", seen_as(p));

    w->len = 0;

    /* what is over is told as such before all else */
    if (tlsrpt_problem_is_over(p)) {
        tlsrpt_say(w, names, seen);
    }

    tlsrpt_say(w, names, tlsrpt_text(section, "meaning"));

    if (tlsrpt_problem_is_silence(p)) {
        tlsrpt_say(w, names, tlsrpt_text(section, "last"));
        tlsrpt_say_no_more(w);
        return;
    }

    if (p->groups[TLSRPT_PROBLEM_REASONS].ngroups == 0 && !is_no_more(p)) {
        tlsrpt_say(w, names, tlsrpt_text(section, "without-reason"));
    }

    if (!tlsrpt_problem_is_over(p)) {
        tlsrpt_say(w, names, seen);
    }

    say_evidence(e, p, names, w);
    tlsrpt_say_no_more(w);
}


/*
 * Cause
 */

static void
say_policy(const tlsrpt_problem_t *p, const tlsrpt_names_t *names,
    tlsrpt_words_t *w)
{
    if (p->mx_state == TLSRPT_MX_FINE) {
        return;
    }

    if (p->mx_state == TLSRPT_MX_STALE) {
        tlsrpt_say(w, names, tlsrpt_text("policy", "stale"));

    } else if (p->mx_state == TLSRPT_MX_OLDER) {
        tlsrpt_say(w, names, tlsrpt_text("policy", "older"));

    } else if (!tlsrpt_say(w, names, tlsrpt_text("policy", "unknown-seen"))) {
        tlsrpt_say(w, names, tlsrpt_text("policy", "unknown"));
    }

    if (p->uncovered < p->raw) {
        tlsrpt_say(w, names, tlsrpt_text("policy", "some"));
    }

    if (p->too_deep) {
        tlsrpt_say(w, names, tlsrpt_text("policy", "too-deep"));
    }
}


static void
say_reasons(const tlsrpt_problem_t *p, tlsrpt_names_t *names,
    tlsrpt_words_t *w)
{
    char                    buf[TLSRPT_VALUE_LEN];
    tlsrpt_str_t            text;
    const tlsrpt_reason_t  *reason;
    const tlsrpt_groups_t  *g = &p->groups[TLSRPT_PROBLEM_REASONS];

    for (size_t i = 0, told = 0; i < g->ngroups && told < MAX_TOLD; i++) {
        text = tlsrpt_groups_text(g, &g->groups[i], buf);
        reason = tlsrpt_explain_reason(text);

        if (reason == NULL) {
            continue;
        }

        told++;
        tlsrpt_name(names, "reason", cut(text));
        tlsrpt_name_made(names, "says", "%s", tlsrpt_text(reason->section,
                                                          "says"));
        tlsrpt_name_made(names, "some", "%llu",
                         (unsigned long long) g->groups[i].failed);
        tlsrpt_say(w, names, tlsrpt_text("reasons",
                                         g->groups[i].failed < p->raw
                                         ? "some" : "one"));
    }
}


void
tlsrpt_diagnosis_cause(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p,
    tlsrpt_names_t *names, tlsrpt_words_t *w)
{
    w->len = 0;
    say_policy(p, names, w);
    tlsrpt_answered_say(e, p, names, w);
    say_reasons(p, names, w);

    if (!is_no_more(p)) {
        tlsrpt_say_all(w, names, section_of(p, "cause"), "cause");

        if (p->mx.len == 0 && !p->many && p->reason == NULL) {
            tlsrpt_say_all(w, names, p->explanation->section,
                           "cause-without-mx");
        }

        if (p->enough) {
            tlsrpt_say(w, names, tlsrpt_text("others", "passed"));
        }
    }

    tlsrpt_say_no_more(w);
}


/*
 * Steps
 */

static int
add_steps(json_t *steps, const tlsrpt_names_t *names, const char *section,
    const char *name)
{
    return tlsrpt_steps(names, section, name, tlsrpt_step_json, steps);
}


/* First the question, then what follows from its answer. */

static int
policy_steps(json_t *steps, const tlsrpt_problem_t *p,
    const tlsrpt_names_t *names)
{
    if (p->mx_state == TLSRPT_MX_STALE) {
        return add_steps(steps, names, "policy", "step-stale");
    }

    return add_steps(steps, names, "policy", "step-unknown") != 0
           || add_steps(steps, names, "policy", "step-add") != 0
           || add_steps(steps, names, "policy", "step-not-yours") != 0
           ? -1 : 0;
}


/* Where others pass the same check, the sender is asked before the server is
   changed. */

static int
ask_steps(json_t *steps, const tlsrpt_problem_t *p, const tlsrpt_names_t *names)
{
    const size_t  n = p->groups[TLSRPT_PROBLEM_ORGANIZATIONS].ngroups;

    if (!p->enough || tlsrpt_problem_is_of_policy(p)) {
        return 0;
    }

    return add_steps(steps, names, "others", n == 1 ? "ask" : "ask-many") != 0
           || add_steps(steps, names, "others", "then") != 0
           ? -1 : 0;
}


json_t *
tlsrpt_diagnosis_steps(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p,
    tlsrpt_names_t *names)
{
    int      rc = 0;
    json_t  *steps = json_array();

    (void) e;

    if (p->state == TLSRPT_STATE_OVER) {
        rc |= add_steps(steps, names, "seen", "step-over");
    }

    if (p->mx_state != TLSRPT_MX_FINE) {
        rc |= policy_steps(steps, p, names);
    }

    if (!is_no_more(p)) {
        rc |= add_steps(steps, names, section_of(p, "test"), "test");
        rc |= ask_steps(steps, p, names);
        rc |= add_steps(steps, names, section_of(p, "step"), "step");
    }

    if (rc != 0) {
        json_decref(steps);
        return NULL;
    }

    return steps;
}


/*
 * Mail
 */

static const char *
loses_as(const tlsrpt_problem_t *p)
{
    if (p->disputed) {
        return "disputed";
    }

    switch (p->explanation->loses) {
    case TLSRPT_LOSES_NOTHING:
        return strcmp(p->explanation->section, "policy-not-found") == 0
               ? "not-found" : "policy";

    case TLSRPT_LOSES_ALWAYS:
        return "insists";

    case TLSRPT_LOSES_BY_DNSSEC:
        return "dnssec";

    default:
        break;
    }

    return p->ignored && p->ignored == p->raw ? "ignored"
           : p->under & TLSRPT_UNDER_DANE ? "dane"
           : p->under & TLSRPT_UNDER_ENFORCE ? "enforce"
           : p->under & TLSRPT_UNDER_TESTING ? "testing"
           : p->under & TLSRPT_UNDER_UNKNOWN ? "unknown" : "none";
}


void
tlsrpt_diagnosis_lost_mail(const tlsrpt_evidence_t *e,
    const tlsrpt_problem_t *p, tlsrpt_names_t *names, tlsrpt_words_t *w)
{
    char         name[64];
    const char  *as = loses_as(p);
    const char  *past = tlsrpt_problem_is_over(p) ? "-past" : "";

    (void) e;
    w->len = 0;

    if (tlsrpt_problem_is_silence(p)) {
        tlsrpt_say(w, names, tlsrpt_text("lost", "silence"));
        tlsrpt_say_no_more(w);
        return;
    }

    snprintf(name, sizeof(name), "%s-%s%s", as,
             p->lost == TLSRPT_LOST_YES ? "yes" : "perhaps", past);

    if (tlsrpt_text("lost", name) == NULL) {
        snprintf(name, sizeof(name), "%s%s", as, past);
    }

    tlsrpt_say(w, names, tlsrpt_text("lost", name));

    if (is_of_no_policy(p) && p->mx_state != TLSRPT_MX_STALE
        && p->under & TLSRPT_UNDER_ENFORCE)
    {
        tlsrpt_say(w, names, tlsrpt_text("lost", "skipped"));
    }

    tlsrpt_say_no_more(w);
}
