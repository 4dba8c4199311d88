/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include <libpsl.h>

#include "tlsrpt_count.h"
#include "tlsrpt_cover.h"
#include "tlsrpt_evidence.h"
#include "tlsrpt_group.h"


void
tlsrpt_evidence_free(tlsrpt_evidence_t *e)
{
    for (size_t i = 0; i < e->nsenders; i++) {
        free(e->senders[i].at);
        free(e->senders[i].days);
    }

    tlsrpt_strings_free(&e->text);
    tlsrpt_day_scan_free(&e->scan);
}


int
tlsrpt_evidence_keep(tlsrpt_evidence_t *e, tlsrpt_value_t value,
    tlsrpt_str_t *kept)
{
    char          buf[TLSRPT_VALUE_LEN];
    tlsrpt_str_t  text = tlsrpt_value_text(value, buf);
    json_t       *json = json_stringn(text.data ? text.data : "", text.len);

    if (json == NULL) {
        /* someone else put it into Redis */
        text = TLSRPT_STR("(not UTF-8)");
    }

    json_decref(json);

    return tlsrpt_strings_intern(&e->text, text.data ? text.data : "", text.len,
                                 kept);
}


tlsrpt_value_t
tlsrpt_evidence_name(tlsrpt_value_t organization)
{
    return organization.kind == TLSRPT_VALUE_NULL
           ? tlsrpt_value_of("(no name)", 9) : organization;
}


/*
 * Senders
 */

static int
same(tlsrpt_str_t s, tlsrpt_value_t value)
{
    return s.len == value.len && memcmp(s.data, value.data, s.len) == 0;
}


/* -1: no memory. */

static int
sender_of(tlsrpt_evidence_t *e, tlsrpt_value_t name, size_t *sender)
{
    tlsrpt_sender_t  *s;

    /* each day they report in much the same order */
    *sender = e->next_sender;

    if (*sender >= e->nsenders || !same(e->senders[*sender].name, name)) {
        *sender = 0;
    }

    while (*sender < e->nsenders && !same(e->senders[*sender].name, name)) {
        ++*sender;
    }

    e->next_sender = *sender + 1;

    if (*sender < e->nsenders || e->nsenders == TLSRPT_MAX_SENDERS) {
        return 0;
    }

    s = &e->senders[e->nsenders];
    s->at = calloc(e->scan.ndays, sizeof(*s->at));

    if (s->at == NULL) {
        return -1;
    }

    e->nsenders++;

    return tlsrpt_evidence_keep(e, name, &s->name);
}


/* NULL: no memory. */

static tlsrpt_sender_day_t *
day_of(tlsrpt_sender_t *s, size_t day)
{
    size_t                size = s->size ? 2 * s->size : 8;
    tlsrpt_sender_day_t  *p;

    if (s->at[day]) {
        return &s->days[s->at[day] - 1];
    }

    if (s->ndays == s->size) {
        p = realloc(s->days, size * sizeof(*p));

        if (p == NULL) {
            return NULL;
        }

        s->days = p;
        s->size = size;
    }

    memset(&s->days[s->ndays], 0, sizeof(s->days[0]));
    s->at[day] = (uint16_t) ++s->ndays;

    return &s->days[s->ndays - 1];
}


unsigned
tlsrpt_evidence_kind(tlsrpt_value_t policy_type)
{
    unsigned      code;
    tlsrpt_str_t  word = { policy_type.data, policy_type.len };

    code = word.data != NULL ? tlsrpt_policy_type_code(word) : 0;

    return code == TLSRPT_TYPE_STS ? TLSRPT_DAY_STS
           : code == TLSRPT_TYPE_TLSA ? TLSRPT_DAY_TLSA : TLSRPT_DAY_OTHER;
}


static void
count(uint64_t *sum, uint64_t n)
{
    *sum = tlsrpt_count_add(*sum, n);
}


static void
add_day(tlsrpt_sender_day_t *d, const tlsrpt_packed_t *r, int verified)
{
    d->reports++;
    d->verified_reports += (uint32_t) verified;
    count(&d->sessions, r->successful);
    count(&d->sessions, r->failed);
    count(&d->verified_sessions, verified ? r->successful : 0);
    count(&d->verified_sessions, verified ? r->failed : 0);
    count(&d->successful, r->successful);
    count(&d->verified, verified ? r->successful : 0);
    count(&d->untold, r->overflow);
    count(&d->untold_verified, verified ? r->overflow : 0);

    for (size_t i = 0; i < r->ntypes; i++) {
        const tlsrpt_packed_type_t  *t = &r->types[i];
        const unsigned               kind = tlsrpt_evidence_kind(
                                                t->policy_type);

        count(&d->passed[kind], t->successful);
        count(&d->passed_verified[kind], verified ? t->successful : 0);
        count(&d->met[kind], t->successful);
        count(&d->met[kind], t->failed);
    }
}


/*
 * Policies
 */

static int
add_mx(tlsrpt_evidence_t *e, tlsrpt_value_t mx, int verified)
{
    if (mx.kind != TLSRPT_VALUE_TEXT) {
        return 0;
    }

    for (size_t i = 0; i < e->nknown_mx; i++) {
        if (same(e->known_mx[i].text, mx)) {
            e->known_mx[i].verified |= verified;
            return 0;
        }
    }

    if (e->nknown_mx == TLSRPT_MAX_KNOWN_MX) {
        return 0;
    }

    e->known_mx[e->nknown_mx].verified = verified;

    return tlsrpt_evidence_keep(e, mx, &e->known_mx[e->nknown_mx++].text);
}


static int
add_policies(tlsrpt_evidence_t *e, const tlsrpt_packed_t *r, int verified)
{
    for (size_t i = 0; i < r->ntypes; i++) {
        const tlsrpt_packed_type_t  *t = &r->types[i];

        if (tlsrpt_evidence_kind(t->policy_type) != TLSRPT_DAY_STS) {
            continue;
        }

        for (size_t k = 0; k < t->nmx; k++) {
            if (add_mx(e, t->mx[k], verified) != 0) {
                return -1;
            }
        }
    }

    return 0;
}


int
tlsrpt_evidence_add(tlsrpt_evidence_t *e, const tlsrpt_packed_t *r, size_t day,
    size_t *sender)
{
    const int             verified = r->via == TLSRPT_VIA_MAIL;
    tlsrpt_sender_day_t  *d;

    e->verified |= verified;

    if (sender_of(e, tlsrpt_evidence_name(r->organization), sender) != 0
        || add_policies(e, r, verified) != 0)
    {
        return -1;
    }

    if (*sender == TLSRPT_NO_SENDER) {
        return 0;
    }

    d = day_of(&e->senders[*sender], day);

    if (d == NULL) {
        return -1;
    }

    add_day(d, r, verified);
    e->senders[*sender].sessions += (double) r->successful
                                    + (double) r->failed;

    return 0;
}


const tlsrpt_sender_day_t *
tlsrpt_evidence_day(const tlsrpt_evidence_t *e, size_t sender, size_t day)
{
    const tlsrpt_sender_t  *s;

    if (sender >= e->nsenders || day >= e->scan.ndays) {
        return NULL;
    }

    s = &e->senders[sender];

    return s->at[day] ? &s->days[s->at[day] - 1] : NULL;
}


int
tlsrpt_evidence_speaks(const tlsrpt_sender_day_t *day, int verified)
{
    return day != NULL
           && (verified || day->disputed ? day->verified_sessions
                                         : day->sessions) > 0;
}


uint64_t
tlsrpt_evidence_passed(const tlsrpt_evidence_t *e,
    const tlsrpt_sender_day_t *day, unsigned kinds)
{
    uint64_t         n = 0;
    const int        strict = e->verified || (day != NULL && day->disputed);
    const uint64_t  *passed;

    if (day == NULL) {
        return 0;
    }

    if (kinds == 0) {
        return strict ? day->verified : day->successful;
    }

    passed = strict ? day->passed_verified : day->passed;

    for (unsigned i = 0; i < TLSRPT_DAY_KINDS; i++) {
        if (kinds & 1u << i && passed[i] > n) {
            n = passed[i];
        }
    }

    return n;
}


static int
is_reported(const tlsrpt_evidence_t *e, const tlsrpt_sender_t *s, size_t day,
    int verified)
{
    if (s == NULL) {
        return e->scan.days[day].reports > 0;
    }

    return s->at[day] > 0
           && (!verified || s->days[s->at[day] - 1].verified_reports > 0);
}


size_t
tlsrpt_evidence_first(const tlsrpt_evidence_t *e, const tlsrpt_sender_t *s,
    int verified)
{
    for (size_t i = 0; i < e->nknown; i++) {
        if (is_reported(e, s, i, verified)) {
            return i + 1;
        }
    }

    return 0;
}


size_t
tlsrpt_evidence_last(const tlsrpt_evidence_t *e, const tlsrpt_sender_t *s,
    int verified)
{
    size_t  i = e->nknown;

    while (i > 0 && !is_reported(e, s, i - 1, verified)) {
        i--;
    }

    return i;
}


/* Sessions of all days of the sender but one. */

static double
usual_sessions(const tlsrpt_evidence_t *e, const tlsrpt_sender_t *s,
    const tlsrpt_sender_day_t *without)
{
    double  n = 0;

    for (size_t i = 0; i < s->ndays; i++) {
        if (&s->days[i] != without) {
            n += (double) (e->verified ? s->days[i].verified_sessions
                                       : s->days[i].sessions);
        }
    }

    return n;
}


int
tlsrpt_evidence_is_settled(const tlsrpt_evidence_t *e, size_t day,
    const unsigned char without[TLSRPT_MAX_SENDERS + 1])
{
    double  usual = 0, reported = 0;

    for (size_t s = 0; s < e->nsenders; s++) {
        const tlsrpt_sender_day_t  *d = tlsrpt_evidence_day(e, s, day);
        const double                n = usual_sessions(e, &e->senders[s], d);

        usual += n;

        if (tlsrpt_evidence_speaks(d, e->verified)
            && (without == NULL || !without[s]))
        {
            reported += n;
        }
    }

    return usual > 0 && reported * 2 >= usual;
}


int
tlsrpt_evidence_served(const tlsrpt_evidence_t *e, tlsrpt_str_t mx)
{
    for (size_t i = 0; e->served != NULL && i < e->served->nmx; i++) {
        tlsrpt_str_t  pattern = { e->served->mx[i],
                                  strlen(e->served->mx[i]) };

        if (mta_sts_mx_match(pattern, mx)) {
            return 1;
        }
    }

    return 0;
}


int
tlsrpt_evidence_covers(const tlsrpt_evidence_t *e, tlsrpt_str_t mx)
{
    for (size_t i = 0; i < e->nknown_mx; i++) {
        if ((e->known_mx[i].verified || !e->verified)
            && tlsrpt_covers(e->known_mx[i].text, mx))
        {
            return 1;
        }
    }

    return tlsrpt_evidence_served(e, mx);
}


int
tlsrpt_evidence_has_policy(const tlsrpt_evidence_t *e)
{
    return e->nknown_mx > 0 || (e->served != NULL && e->served->nmx > 0);
}


tlsrpt_str_t
tlsrpt_registered_domain(tlsrpt_str_t name)
{
    char          copy[TLSRPT_DOMAIN_LEN + 1];
    const char   *registered;
    tlsrpt_str_t  none = { NULL, 0 };

    if (name.data == NULL || name.len > TLSRPT_DOMAIN_LEN) {
        return none;
    }

    memcpy(copy, name.data, name.len);
    copy[name.len] = '\0';
    registered = psl_registrable_domain(psl_builtin(), copy);

    if (registered == NULL) {
        return none;
    }

    none.data = name.data + (registered - copy);
    none.len = strlen(registered);

    return none;
}
