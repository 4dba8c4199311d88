/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <string.h>

#include "tlsrpt_checked.h"
#include "tlsrpt_time.h"


static tlsrpt_str_t
text_of(const tlsrpt_reply_t *reply)
{
    tlsrpt_str_t  none = { NULL, 0 }, text = { reply->str, reply->len };

    return reply->type == TLSRPT_REPLY_STRING ? text : none;
}


void
tlsrpt_checked_add_seen(tlsrpt_checked_t *c, const tlsrpt_reply_t *reply)
{
    c->has_seen = tlsrpt_seen_read(text_of(reply), &c->seen) == 0;
}


void
tlsrpt_checked_add_served(tlsrpt_checked_t *c, const tlsrpt_reply_t *reply,
    int64_t now)
{
    const tlsrpt_version_t  *version;

    c->has_served = tlsrpt_versions_read(text_of(reply), &c->served) == 0;

    if (c->has_served) {
        version = tlsrpt_versions_now(&c->served, now);
        c->has_policy = version != NULL
                        && tlsrpt_version_policy(version, &c->policy) == 0;
    }
}


void
tlsrpt_checked_free(tlsrpt_checked_t *c)
{
    tlsrpt_seen_free(&c->seen);
    tlsrpt_versions_free(&c->served);
}


void
tlsrpt_checked_judge(tlsrpt_checked_t *c, tlsrpt_str_t domain, int64_t now,
    int reports_came)
{
    c->ask.domain = domain;
    c->ask.seen = c->has_seen ? &c->seen : NULL;
    c->ask.served = c->has_served ? &c->served : NULL;
    c->ask.now = now;
    c->ask.reports_came = reports_came;
    tlsrpt_findings(&c->ask, &c->findings);
}


/*
 * Joined
 */

/* A report tells of no cause but of mail servers, and of the policy. */

static int
is_same(const tlsrpt_problem_t *p, const tlsrpt_finding_t *f)
{
    return p->kind == TLSRPT_OF_REPORTS && p->past == NULL && !p->many
           && tlsrpt_str_is(p->result_type, f->type)
           && (f->about == TLSRPT_ABOUT_MX
               ? tlsrpt_str_equal(p->mx, f->mx)
               : f->about == TLSRPT_ABOUT_DOMAIN
               ? p->mx.len == 0
               : f->about == TLSRPT_ABOUT_POLICY
                 && tlsrpt_problem_is_of_policy(p));
}


/* What reports tell stands, and gets no better by what the check shows. */

static void
join(tlsrpt_problem_t *p, const tlsrpt_finding_t *f)
{
    p->finding = f;
    p->checks = 1;
    p->state = TLSRPT_STATE_ONGOING;

    if (f->severity > p->severity) {
        p->severity = f->severity;
    }

    /* what we saw ourselves is as good as signed */
    if (f->severity > p->by_signed) {
        p->by_signed = f->severity;
    }

    if (f->severity > p->by_sure) {
        p->by_sure = f->severity;
    }

    if ((int) f->lost > (int) p->lost) {
        p->lost = (tlsrpt_lost_t) f->lost;
    }
}


static tlsrpt_problem_t *
create(const tlsrpt_finding_t *f)
{
    tlsrpt_value_t     values[TLSRPT_NDIMENSIONS] = { { NULL, 0, 0 } };
    tlsrpt_problem_t  *p = tlsrpt_problem_create((tlsrpt_str_t) {
                               f->type, strlen(f->type) });

    if (p == NULL) {
        return NULL;
    }

    p->kind = TLSRPT_OF_CHECK;
    p->first = tlsrpt_day_of(f->since && f->since < f->at ? f->since : f->at);
    p->last = tlsrpt_day_of(f->at);
    join(p, f);

    if (f->about == TLSRPT_ABOUT_MX) {
        p->mx = f->mx;
        values[TLSRPT_BY_MX] = tlsrpt_value_of(f->mx.data, f->mx.len);
    }

    if (tlsrpt_problem_count(p, values, 0) != 0) {
        tlsrpt_problem_free(p);
        return NULL;
    }

    return p;
}


int
tlsrpt_checked_join(const tlsrpt_evidence_t *e, tlsrpt_problem_t **problems,
    size_t *n)
{
    const size_t              before = *n;
    const tlsrpt_findings_t  *found;

    if (e->checked == NULL) {
        return 0;
    }

    found = &e->checked->findings;

    for (size_t i = 0; i < found->n; i++) {
        const tlsrpt_finding_t  *f = &found->list[i];
        size_t                   k = 0;

        while (k < before && !is_same(problems[k], f)) {
            k++;
        }

        if (k < before) {
            join(problems[k], f);
            continue;
        }

        problems[*n] = create(f);

        if (problems[*n] == NULL) {
            return -1;
        }

        ++*n;
    }

    return 0;
}


/*
 * Over
 */

tlsrpt_checked_end_t
tlsrpt_checked_end(const tlsrpt_evidence_t *e, const json_t *entry)
{
    tlsrpt_str_t     mx;
    tlsrpt_about_t   about;
    const json_t    *problem = json_object_get(entry, "problem");
    const json_t    *via = json_object_get(problem, "via");
    const json_t    *type = json_object_get(entry, "type");
    const json_t    *cause = json_object_get(entry, "cause");
    tlsrpt_str_t     t = { json_string_value(type), json_string_length(type) };
    tlsrpt_str_t     c = { json_string_value(cause),
                           json_string_length(cause) };

    if (json_integer_value(json_object_get(via, "check")) == 0
        || t.data == NULL || c.data == NULL
        || tlsrpt_finding_about(c, &about, &mx) != 0)
    {
        return TLSRPT_CHECKED_NEVER;
    }

    return e->checked != NULL
           && tlsrpt_finding_is_known(&e->checked->ask, t, about, mx)
           ? TLSRPT_CHECKED_OVER : TLSRPT_CHECKED_UNKNOWN;
}
