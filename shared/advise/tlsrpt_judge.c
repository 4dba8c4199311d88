/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <string.h>

#include "tlsrpt_count.h"
#include "tlsrpt_judge.h"
#include "tlsrpt_others.h"


/* How bad something open is, is seen by its last days. */
#define RECENT_DAYS      7
/* Single sessions: below both, on so many of seven days at most. */
#define SINGLE_PERCENT   1
#define SINGLE_SESSIONS  20
#define SINGLE_DAYS      2
/* Much: a tenth of a sender's sessions, or a hundredth of three senders'. */
#define MUCH_PERCENT     10
#define SOME_PERCENT     1
#define SOME_SENDERS     3
#define MUCH_SESSIONS    20
/* So many days later all reports are there. */
#define SETTLED_DAYS     2
/* A count that is hard to believe, and the days that say what is usual. */
#define DOUBT_TIMES      1000
#define USUAL_DAYS       3


/*
 * Hits
 */

/* Of reports that contradict each other, and of a sender whose reports are
   verified, the others are evidence for nothing. */

static int
is_strict(const tlsrpt_evidence_t *e, const tlsrpt_hit_t *hit,
    const tlsrpt_sender_day_t *d)
{
    return d != NULL && (d->disputed || (e->verified && hit->verified));
}


int
tlsrpt_judge_counts(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p,
    const tlsrpt_hit_t *hit)
{
    return !e->verified || p->mailed == 0 || hit->verified > 0;
}


uint64_t
tlsrpt_judge_failed(const tlsrpt_evidence_t *e, const tlsrpt_hit_t *hit)
{
    return is_strict(e, hit, tlsrpt_evidence_day(e, hit->sender, hit->day))
           ? hit->verified : hit->failed;
}


uint64_t
tlsrpt_judge_sessions_of_day(const tlsrpt_evidence_t *e, size_t day)
{
    const tlsrpt_totals_t  *t = &e->scan.days[day];

    return tlsrpt_count_add(t->successful, t->failed);
}


/* The sender's sessions of the day: details may count more than the summary. */

uint64_t
tlsrpt_judge_sessions(const tlsrpt_evidence_t *e, const tlsrpt_hit_t *hit)
{
    const tlsrpt_sender_day_t  *d = tlsrpt_evidence_day(e, hit->sender,
                                                        hit->day);
    const uint64_t              failed = tlsrpt_judge_failed(e, hit);
    const uint64_t              n = d == NULL
                                    ? tlsrpt_judge_sessions_of_day(e, hit->day)
                                    : is_strict(e, hit, d)
                                    ? d->verified_sessions : d->sessions;

    return n > failed ? n : failed;
}


static int
is_percent(uint64_t part, uint64_t whole, unsigned percent)
{
    return (double) part * 100 >= (double) whole * percent;
}


static size_t
day_index(const tlsrpt_evidence_t *e, int32_t day)
{
    return (size_t) (day - e->scan.from);
}


/*
 * When, and how much
 */

static void
judge_days(const tlsrpt_evidence_t *e, tlsrpt_problem_t *p)
{
    p->first = e->scan.from + (int32_t) p->hits[0].day;
    p->last = e->scan.from + (int32_t) p->hits[p->nhits - 1].day;

    for (size_t i = 0; i < p->nhits; i++) {
        p->ndays += i == 0 || p->hits[i].day != p->hits[i - 1].day;
        p->failed = tlsrpt_count_add(p->failed, p->hits[i].failed);
    }
}


static double
share(uint64_t failed, double all)
{
    return all > (double) failed ? (double) failed / all : 1;
}


static void
judge_shares(const tlsrpt_evidence_t *e, tlsrpt_problem_t *p)
{
    double  all = 0, theirs = 0;
    size_t  first = day_index(e, p->first);

    for (size_t i = first; i < e->scan.ndays; i++) {
        all += (double) tlsrpt_judge_sessions_of_day(e, i);
    }

    for (size_t s = 0; s < e->nsenders; s++) {
        if (!p->saw[s]) {
            continue;
        }

        for (size_t i = first; i < e->scan.ndays; i++) {
            const tlsrpt_sender_day_t  *d = tlsrpt_evidence_day(e, s, i);

            theirs += d != NULL ? (double) d->sessions : 0;
        }
    }

    p->share = share(p->failed, all);
    p->share_of_senders = theirs > 0 ? share(p->failed, theirs) : p->share;
}


/* Is the hit's count a thousand times what the sender usually has? */

static int
is_doubtful(const tlsrpt_evidence_t *e, const tlsrpt_hit_t *hit,
    uint64_t failed)
{
    size_t                      n;
    double                      usual;
    const tlsrpt_sender_t      *s;
    const tlsrpt_sender_day_t  *d = tlsrpt_evidence_day(e, hit->sender,
                                                        hit->day);

    if (d == NULL) {
        return 0;
    }

    s = &e->senders[hit->sender];
    n = s->ndays - 1;
    usual = s->sessions - (double) d->sessions;
    usual = n && usual > (double) n ? usual / (double) n : 1;

    return n >= USUAL_DAYS && (double) failed >= DOUBT_TIMES * usual;
}


static void
judge_belief(const tlsrpt_evidence_t *e, tlsrpt_problem_t *p)
{
    uint64_t  believed = 0;

    for (size_t i = 0; i < p->nhits; i++) {
        const tlsrpt_hit_t  *h = &p->hits[i];

        believed = tlsrpt_count_add(believed, tlsrpt_judge_failed(e, h));

        if (h->failed > p->doubtful && is_doubtful(e, h, h->failed)) {
            p->doubtful = h->failed;
        }
    }

    p->disputed = believed == 0;
}


/*
 * Why
 */

/* The registered domain of an mx line, "*." left out. */

static int
is_registered_as(tlsrpt_str_t pattern, tlsrpt_str_t registered)
{
    if (pattern.len > 2 && pattern.data[0] == '*' && pattern.data[1] == '.') {
        pattern.data += 2;
        pattern.len -= 2;
    }

    return tlsrpt_str_equal(tlsrpt_registered_domain(pattern), registered);
}


static int
is_foreign(const tlsrpt_evidence_t *e, tlsrpt_str_t mx)
{
    tlsrpt_str_t  registered = tlsrpt_registered_domain(mx);

    if (registered.data == NULL
        || is_registered_as(e->scan.domain, registered))
    {
        return 0;
    }

    for (size_t i = 0; e->served != NULL && i < e->served->nmx; i++) {
        tlsrpt_str_t  pattern = { e->served->mx[i], strlen(e->served->mx[i]) };

        if (is_registered_as(pattern, registered)) {
            return 0;
        }
    }

    for (size_t i = 0; i < e->nknown_mx; i++) {
        if ((e->known_mx[i].verified || !e->verified)
            && is_registered_as(e->known_mx[i].text, registered))
        {
            return 0;
        }
    }

    return 1;
}


static tlsrpt_mx_state_t
mx_state(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p)
{
    if (p->uncovered == 0) {
        return TLSRPT_MX_FINE;
    }

    if (tlsrpt_evidence_served(e, p->mx)) {
        return TLSRPT_MX_STALE;
    }

    if (tlsrpt_evidence_covers(e, p->mx)) {
        return TLSRPT_MX_OLDER;
    }

    return is_foreign(e, p->mx) ? TLSRPT_MX_FOREIGN : TLSRPT_MX_UNKNOWN;
}


/* Does the same reason stand behind all sessions? */

static void
judge_reason(tlsrpt_problem_t *p)
{
    int                     one = 1;
    char                    buf[TLSRPT_VALUE_LEN];
    uint64_t                with = 0;
    const tlsrpt_reason_t  *reason, *first = NULL;
    const tlsrpt_groups_t  *g = &p->groups[TLSRPT_PROBLEM_REASONS];

    for (size_t i = 0; i < g->ngroups; i++) {
        reason = tlsrpt_explain_reason(tlsrpt_groups_text(g, &g->groups[i],
                                                          buf));
        first = i ? first : reason;
        one &= reason != NULL && first != NULL
               && strcmp(reason->section, first->section) == 0;
        with = tlsrpt_count_add(with, g->groups[i].failed);

        if (reason != NULL && strcmp(reason->section, "reason-unusable") == 0) {
            p->ignored = tlsrpt_count_add(p->ignored, g->groups[i].failed);
        }
    }

    p->reason = one && with == p->raw ? first : NULL;
}


/*
 * Mail
 */

/* The hit of the last failing day that is before the i-th one, of those that
   count; NULL: that was all. */

static const tlsrpt_hit_t *
hit_before(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p, size_t *i,
    const tlsrpt_hit_t *last)
{
    while (*i > 0) {
        const tlsrpt_hit_t  *h = &p->hits[--*i];

        if (last != NULL && h->day != last->day) {
            return NULL;
        }

        if (tlsrpt_judge_counts(e, p, h)) {
            return h;
        }
    }

    return NULL;
}


/* The modes of the last failing day; where no report tells, the one that is
   served now. */

static unsigned
last_modes(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p)
{
    size_t               i = p->nhits;
    unsigned             under = 0;
    const tlsrpt_hit_t  *h = NULL;

    while ((h = hit_before(e, p, &i, h)) != NULL) {
        under |= h->under;
    }

    if (under != TLSRPT_UNDER_UNKNOWN || e->served == NULL) {
        return under;
    }

    return e->served->mode == MTA_STS_ENFORCE ? TLSRPT_UNDER_ENFORCE
           : e->served->mode == MTA_STS_TESTING ? TLSRPT_UNDER_TESTING
           : TLSRPT_UNDER_NONE;
}


/* Did all that failed on the last day have successes, too?  Senders try the
   next mail server (RFC 5321 5.1). */

static int
got_through(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p)
{
    size_t               i = p->nhits;
    const tlsrpt_hit_t  *h = NULL;

    while ((h = hit_before(e, p, &i, h)) != NULL) {
        const tlsrpt_sender_day_t  *d = tlsrpt_evidence_day(e, h->sender,
                                                            h->day);

        if (d == NULL
            || (is_strict(e, h, d) ? d->verified : d->successful) == 0)
        {
            return 0;
        }
    }

    return 1;
}


static tlsrpt_lost_t
lost(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p)
{
    const tlsrpt_lost_t  refused = got_through(e, p) ? TLSRPT_LOST_PERHAPS
                                                     : TLSRPT_LOST_YES;

    if (p->disputed) {
        return TLSRPT_LOST_PERHAPS;
    }

    if (p->explanation->loses == TLSRPT_LOSES_NOTHING
        || (p->ignored && p->ignored == p->raw))
    {
        return TLSRPT_LOST_NO;
    }

    if (p->explanation->loses != TLSRPT_LOSES_BY_MODE
        || p->under & (TLSRPT_UNDER_ENFORCE | TLSRPT_UNDER_DANE))
    {
        return refused;
    }

    return p->under & TLSRPT_UNDER_TESTING ? TLSRPT_LOST_NO
           : p->under & TLSRPT_UNDER_UNKNOWN ? TLSRPT_LOST_PERHAPS
           : TLSRPT_LOST_NO;
}


/*
 * How bad
 */

/* By which evidence: all, verified alone (where there is any), and of this no
   count that is doubted. */
typedef enum {
    BY_ALL = 0,
    BY_SIGNED,
    BY_SURE
} evidence_t;

typedef struct {
    uint64_t  failed;
    int       much;
    int       single;                       /* nothing but single sessions */
} day_weight_t;

static uint64_t
failed_by(const tlsrpt_evidence_t *e, const tlsrpt_hit_t *hit, evidence_t by)
{
    const uint64_t  failed = by != BY_ALL && e->verified
                             ? hit->verified : tlsrpt_judge_failed(e, hit);

    return by == BY_SURE && is_doubtful(e, hit, failed) ? 0 : failed;
}


/* Of the hits i to n, all of one day. */

static day_weight_t
weigh(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p, size_t i, size_t n,
    evidence_t by)
{
    size_t        some = 0;
    day_weight_t  w = { 0, 0, 1 };

    for ( ; i < n; i++) {
        const uint64_t  failed = failed_by(e, &p->hits[i], by);
        const uint64_t  all = tlsrpt_judge_sessions(e, &p->hits[i]);

        if (failed == 0) {
            continue;
        }

        w.failed = tlsrpt_count_add(w.failed, failed);
        w.much |= is_percent(failed, all, MUCH_PERCENT);
        some += is_percent(failed, all, SOME_PERCENT);
        w.single &= !is_percent(failed, all, SINGLE_PERCENT)
                    && failed < SINGLE_SESSIONS;
    }

    w.much |= some >= SOME_SENDERS;

    return w;
}


/* Did the day before, on which anybody reported, have failures of it? */

static int
is_next_day(const tlsrpt_evidence_t *e, size_t before, size_t day)
{
    while (++before < day) {
        if (e->scan.days[before].reports) {
            return 0;
        }
    }

    return 1;
}


/* All sessions of a domain that has few?  As long as reports of the day are to
   be waited for, that is not known. */

static int
is_everything(const tlsrpt_evidence_t *e, uint64_t failed, size_t day)
{
    const int32_t   age = e->scan.today - (e->scan.from + (int32_t) day);
    const uint64_t  all = tlsrpt_judge_sessions_of_day(e, day);

    return all < MUCH_SESSIONS && failed >= all
           && (age >= SETTLED_DAYS || tlsrpt_evidence_is_settled(e, day, NULL));
}


/* Is there a week with more such days than single sessions may have? */

static int
is_often(const size_t *days, size_t n)
{
    return n > SINGLE_DAYS && days[0] - days[SINGLE_DAYS] < 7;
}


static tlsrpt_severity_t
severity_of_days(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p,
    size_t since, evidence_t by)
{
    int           single = 1, high = 0, much_before = 0;
    size_t        before = 0, n = 0, next;
    size_t        days[SINGLE_DAYS + 1] = { 0 };
    day_weight_t  w;

    for (size_t i = 0; i < p->nhits; i = next) {
        const size_t  day = p->hits[i].day;

        next = tlsrpt_problem_next_day(p, i);
        w = weigh(e, p, i, next, by);

        if (day < since || w.failed == 0) {
            continue;
        }

        memmove(days + 1, days, SINGLE_DAYS * sizeof(days[0]));
        days[0] = day;
        n++;
        single &= w.single && !is_often(days, n);
        high |= w.much
                && (w.failed >= MUCH_SESSIONS
                    || (much_before && is_next_day(e, before, day))
                    || is_everything(e, w.failed, day));
        much_before = w.much;
        before = day;
    }

    return single ? TLSRPT_SEVERITY_LOW
           : high && p->lost != TLSRPT_LOST_NO ? TLSRPT_SEVERITY_HIGH
           : TLSRPT_SEVERITY_MEDIUM;
}


static tlsrpt_severity_t
severity_by(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p,
    evidence_t by)
{
    tlsrpt_severity_t  s;
    size_t             i = p->nhits, since = 0;

    if (!tlsrpt_problem_is_over(p)) {
        const tlsrpt_hit_t  *last = hit_before(e, p, &i, NULL);

        since = last->day >= RECENT_DAYS ? last->day - RECENT_DAYS + 1 : 0;
    }

    s = severity_of_days(e, p, since, by);

    return s < p->explanation->worst ? s : p->explanation->worst;
}


static void
judge_severity(const tlsrpt_evidence_t *e, tlsrpt_problem_t *p)
{
    p->severity = severity_by(e, p, BY_ALL);
    p->by_signed = severity_by(e, p, BY_SIGNED);
    p->by_sure = severity_by(e, p, BY_SURE);

    /* what nobody signed weighs less where others sign */
    if (e->verified && p->posted && p->severity > p->by_signed) {
        p->severity--;
    }
}


void
tlsrpt_judge(const tlsrpt_evidence_t *e, tlsrpt_problem_t *p)
{
    judge_days(e, p);
    judge_shares(e, p);
    judge_belief(e, p);
    judge_reason(p);
    p->mx_state = mx_state(e, p);
    p->under = last_modes(e, p);
    p->lost = lost(e, p);
    tlsrpt_others_state(e, p);
    judge_severity(e, p);
    tlsrpt_others_passed(e, p);
    tlsrpt_others_suspect(e, p);
}
