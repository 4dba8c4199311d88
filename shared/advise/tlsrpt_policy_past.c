/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_count.h"
#include "tlsrpt_day_scan.h"
#include "tlsrpt_evidence.h"
#include "tlsrpt_policy_held.h"
#include "tlsrpt_policy_past.h"
#include "tlsrpt_proposal.h"
#include "tlsrpt_published.h"
#include "tlsrpt_simulation.h"
#include "tlsrpt_time.h"


/* Days in testing, with reports, after which enforce is advised: a sender may
   take a week to fetch what was changed, and a fortnight has two of each. */
#define ENOUGH_DAYS   14

/* Days in enforce after which max_age is worth more, and what it should be. */
#define STEADY_DAYS   30
#define LONG_AGE      (30 * TLSRPT_DAY)

#define MAX_HOLDERS   128                   /* of a version */

typedef enum { PAST, SIMULATE, PROPOSE } kind_t;

typedef struct {
    tlsrpt_lookup_t      lookup;
    kind_t               kind;
    int64_t              now;
    tlsrpt_day_scan_t    scan;
    unsigned             asked;             /* of the two keys */
    tlsrpt_key_read_t    read;
    json_t              *answer;            /* owned */
    tlsrpt_versions_t    versions;
    tlsrpt_seen_t        seen;
    int                  is_seen;
    mta_sts_policy_t     policy;            /* that is simulated */
    int                  is_ready;          /* there is one */
    tlsrpt_simulation_t  simulation;
    json_t              *holders[TLSRPT_SEEN_VERSIONS];     /* owned: name ->
                                               [last day, sessions] */
    tlsrpt_packed_t      packed;
} past_t;


static void
past_destroy(tlsrpt_lookup_t *lookup)
{
    past_t  *p = (past_t *) lookup;

    if (p == NULL) {
        return;
    }

    for (size_t i = 0; i < TLSRPT_SEEN_VERSIONS; i++) {
        json_decref(p->holders[i]);
    }

    tlsrpt_day_scan_free(&p->scan);
    tlsrpt_versions_free(&p->versions);

    if (p->is_seen) {
        tlsrpt_seen_free(&p->seen);
    }

    tlsrpt_simulation_free(&p->simulation);
    json_decref(p->answer);
    free(p);
}


/*
 * Reading
 */

/* First the two keys: what reports say is judged by them. */

static const tlsrpt_command_t *
past_next(tlsrpt_lookup_t *lookup, size_t *n)
{
    past_t  *p = (past_t *) lookup;

    static const char *const  suffixes[] = {
        TLSRPT_VERSIONS_KEY, TLSRPT_SEEN_KEY
    };

    if (p->asked < 2) {
        *n = tlsrpt_day_scan_end(&p->scan) + p->asked;
        tlsrpt_key_domain(&p->read.key, p->scan.prefix, p->scan.domain,
                          suffixes[p->asked++]);
        return tlsrpt_key_read(&p->read, "GET", NULL, 0);
    }

    return tlsrpt_day_scan_next(&p->scan, n);
}


static int
past_seen(const tlsrpt_lookup_t *lookup)
{
    return ((const past_t *) lookup)->scan.seen;
}


static void
add_key(past_t *p, size_t key, const tlsrpt_reply_t *reply)
{
    tlsrpt_str_t  text = { reply->str, reply->len };

    if (reply->type != TLSRPT_REPLY_STRING) {
        return;
    }

    if (key == 0) {
        if (tlsrpt_versions_read(text, &p->versions) != 0) {
            memset(&p->versions, 0, sizeof(p->versions));
        }
        return;
    }

    p->is_seen = tlsrpt_seen_read(text, &p->seen) == 0;
}


static int
has_line(const tlsrpt_packed_type_t *type, const char *line)
{
    for (size_t i = 0; i < type->nmx; i++) {
        if (type->mx[i].kind == TLSRPT_VALUE_TEXT
            && type->mx[i].len == strlen(line)
            && memcmp(type->mx[i].data, line, type->mx[i].len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* As policies, in any order of their lines. */

static int
is_version(const tlsrpt_version_t *v, const tlsrpt_packed_type_t *type)
{
    size_t   i;
    json_t  *line;

    if (type->nmx == 0 || type->nmx != json_array_size(v->mx)
        || (type->mode && (int) type->mode - 1 != v->mode))
    {
        return 0;
    }

    json_array_foreach((json_t *) v->mx, i, line) {
        if (!has_line(type, json_string_value(line))) {
            return 0;
        }
    }

    return 1;
}


/* The newest that was served by then; the report may have been of a day before
   anything was noted. */

static int
version_of(const past_t *p, const tlsrpt_packed_type_t *type, int32_t day)
{
    int  oldest = -1;

    for (size_t i = 0; i < p->versions.n; i++) {
        if (is_version(&p->versions.list[i], type)) {
            oldest = (int) i;

            if (tlsrpt_day_of(p->versions.list[i].first) <= day) {
                break;
            }
        }
    }

    return oldest;
}


static void
add_holder(past_t *p, int version, int32_t day, uint64_t sessions)
{
    char             name[TLSRPT_MAX_STRING + 1];
    json_t          *holders = p->holders[version], *was;
    json_int_t       last, n;
    tlsrpt_value_t   org = tlsrpt_evidence_name(p->packed.organization);

    if (holders == NULL) {
        holders = p->holders[version] = json_object();
    }

    memcpy(name, org.data ? org.data : "", org.data ? org.len : 0);
    name[org.data ? org.len : 0] = '\0';
    was = json_object_get(holders, name);

    if (was == NULL && json_object_size(holders) >= MAX_HOLDERS) {
        return;
    }

    last = was ? json_integer_value(json_array_get(was, 0)) : day;
    n = json_integer_value(json_array_get(was, 1));
    json_object_set_new(holders, name,
                        json_pack("[I, I]", last > day ? last
                                  : (json_int_t) day,
                                  n + (json_int_t) sessions));
}


static void
add_versions(past_t *p, int32_t day)
{
    for (size_t i = 0; i < p->packed.ntypes; i++) {
        const tlsrpt_packed_type_t  *type = &p->packed.types[i];
        int                          version = version_of(p, type, day);

        if (version >= 0
            && tlsrpt_evidence_kind(type->policy_type) == TLSRPT_DAY_STS)
        {
            add_holder(p, version, day, tlsrpt_count_add(type->successful,
                                                         type->failed));
        }
    }
}


/* The policy that is served now, in enforce: what would that have done? */

static int
make_ready(past_t *p)
{
    const tlsrpt_version_t  *v = tlsrpt_versions_now(&p->versions, p->now);

    if (p->is_ready || p->kind != PAST || v == NULL
        || tlsrpt_version_policy(v, &p->policy) != 0)
    {
        return 0;
    }

    p->policy.mode = MTA_STS_ENFORCE;
    p->is_ready = 1;

    return tlsrpt_simulation_init(&p->simulation, &p->policy);
}


static int
past_add(tlsrpt_lookup_t *lookup, size_t n, const tlsrpt_reply_t *reply)
{
    size_t         day;
    past_t        *p = (past_t *) lookup;
    const size_t   end = tlsrpt_day_scan_end(&p->scan);
    tlsrpt_str_t   log;

    if (n >= end) {
        add_key(p, n - end, reply);
        return TLSRPT_OK;
    }

    if (make_ready(p) != 0 || tlsrpt_day_scan_add(&p->scan, n, reply) != 0) {
        return TLSRPT_ERR_MEMORY;
    }

    while (tlsrpt_day_scan_log(&p->scan, &day, &log)) {
        tlsrpt_packed_begin(&p->packed, p->scan.domain, log.data, log.len);

        while (tlsrpt_packed_next(&p->packed)) {
            add_versions(p, p->scan.from + (int32_t) day);

            if (p->is_ready) {
                tlsrpt_simulation_add(&p->simulation, &p->packed);
            }
        }
    }

    return TLSRPT_OK;
}


/*
 * Versions
 */

static json_t *
day_json(int32_t day)
{
    char  text[TLSRPT_DAY_TEXT_LEN + 1];

    tlsrpt_day_text(day, text);

    return json_string(text);
}


static json_t *
holders_json(json_t *holders)
{
    json_t      *list = json_array(), *value;
    const char  *name;

    json_object_foreach(holders, name, value) {
        json_array_append_new(list, json_pack("{s:s?, s:o, s:O}",
            "organization-name", name[0] ? name : NULL, "last-day",
            day_json((int32_t) json_integer_value(json_array_get(value, 0))),
            "sessions", json_array_get(value, 1)));
    }

    return list;
}


static json_t *
versions_json(const past_t *p)
{
    char     until[TLSRPT_TIME_TEXT_LEN + 1];
    json_t  *list = json_array();

    for (size_t i = 0; i < p->versions.n; i++) {
        const tlsrpt_version_t  *v = &p->versions.list[i];
        const int64_t            held =
            tlsrpt_policy_held_until(&p->versions, v, p->now);

        tlsrpt_time_text(held, until);
        json_array_append_new(list,
            json_pack("{s:s%, s:s, s:I, s:O, s:o, s:o, s:b, s:s, s:b, s:o}",
                      "id", v->id.data, v->id.len, "mode",
                      mta_sts_mode_name(v->mode), "max-age",
                      (json_int_t) v->max_age, "mx", (json_t *) v->mx,
                      "first-day", day_json(tlsrpt_day_of(v->first)),
                      "last-day", day_json(tlsrpt_day_of(v->last)),
                      "served", v == tlsrpt_versions_now(&p->versions, p->now),
                      "held-until", until, "held", held > p->now,
                      "senders", holders_json(p->holders[i])));
    }

    return list;
}


/*
 * Advice: each sentence with what it rests on.
 */

static void
say(json_t *advice, json_t *sentence)
{
    json_array_append_new(advice, sentence);
}


/* Since when has this mode been served, without a gap?  Days. */

static int
days_in_mode(const past_t *p, const tlsrpt_version_t *v)
{
    int64_t  first = v->first;
    size_t   i = (size_t) (v - p->versions.list) + 1;

    while (i < p->versions.n && p->versions.list[i].mode == v->mode) {
        first = p->versions.list[i++].first;
    }

    return (int) ((p->now - first) / TLSRPT_DAY);
}


static json_t *
ready_json(past_t *p, const tlsrpt_version_t *v)
{
    int                         ready;
    const int                   days = days_in_mode(p, v);
    const tlsrpt_simulation_t  *s = &p->simulation;
    json_t                     *uncovered = tlsrpt_simulation_uncovered(s);
    json_t                     *sentence = tlsrpt_simulation_sentence(s);
    json_t                     *text;

    ready = days >= ENOUGH_DAYS && s->sessions && s->lost == 0
            && s->uncertain == 0 && json_array_size(uncovered) == 0;

    text = json_sprintf("%s: %d day%s in testing, reports of %d sender%s; in "
                        "enforce would have been lost: %s%s.",
                        ready ? "Ready for enforce" : "Not yet for enforce",
                        days, days == 1 ? "" : "s",
                        (int) json_object_size(s->reporters),
                        json_object_size(s->reporters) == 1 ? "" : "s",
                        json_string_value(sentence),
                        json_array_size(uncovered)
                        ? "; and the last check saw mail servers that no line "
                          "covers" : "");
    json_decref(sentence);

    return json_pack("{s:b, s:i, s:I, s:I, s:I, s:I, s:o, s:o}", "ready",
                     ready, "days-in-testing", days, "senders",
                     (json_int_t) json_object_size(s->reporters), "sessions",
                     (json_int_t) s->sessions, "would-be-lost",
                     (json_int_t) s->lost, "uncertain",
                     (json_int_t) s->uncertain, "uncovered-mx", uncovered,
                     "text", text);
}


static void
advise_enforced(const past_t *p, const tlsrpt_version_t *v, json_t *advice)
{
    int  days = days_in_mode(p, v);

    if (days >= STEADY_DAYS && v->max_age < LONG_AGE) {
        say(advice, json_sprintf("The policy has been in enforce for %d days "
            "with a max_age of %d days: a longer one, of 30 days say, protects "
            "longer against who keeps senders from fetching it (RFC 8461 "
            "10.2).", days, (int) (v->max_age / TLSRPT_DAY)));
    }
}


/* Whoever fetches just now holds it until then. */

static void
advise_change(const past_t *p, const tlsrpt_version_t *v, json_t *advice)
{
    int64_t  until = tlsrpt_policy_held_until(&p->versions, v, p->now);
    char     text[TLSRPT_DAY_TEXT_LEN + 1];

    for (size_t i = 0; i < p->versions.n; i++) {
        int64_t  held = tlsrpt_policy_held_until(&p->versions,
                                                 &p->versions.list[i], p->now);

        until = held > until ? held : until;
    }

    tlsrpt_day_text(tlsrpt_day_of(until) + 1, text);

    if (v->mode == MTA_STS_NONE) {
        say(advice, json_sprintf("Mode none is served, so that senders forget "
            "the policy (RFC 8461 8.3): some may hold a version until the day "
            "before %s, in %d days. Withdraw policy and record from then on.",
            text, (int) ((until - p->now) / TLSRPT_DAY) + 1));
        return;
    }

    say(advice, json_sprintf("Before mail moves to a new mail server: publish "
        "a policy that names the old and the new one, change the MX record no "
        "earlier than %s (if the policy is published today; no sender holds an "
        "older one then), and take the old line out after that.", text));
}


/* Do DNS and the policy host show what is served? */

static int
add_published(past_t *p)
{
    tlsrpt_verdict_t            verdict;
    tlsrpt_published_policy_t   policy;
    const json_t               *served = json_object_get(p->answer, "policy");
    const json_t               *id = json_object_get(served, "id");
    const char                 *mode = json_string_value(
                                           json_object_get(served, "mode"));

    if (id == NULL || mode == NULL) {
        return json_object_set_new(p->answer, "published", json_null());
    }

    policy.domain = p->scan.domain;
    policy.id.data = json_string_value(id);
    policy.id.len = json_string_length(id);
    policy.mode = strcmp(mode, mta_sts_mode_name(MTA_STS_NONE)) == 0
                  ? MTA_STS_NONE : MTA_STS_TESTING;

    tlsrpt_published_policy(&p->seen, p->now, &policy, &verdict);

    return json_object_set_new(p->answer, "published",
                               tlsrpt_published_json(&verdict));
}


static int
add_past(past_t *p)
{
    json_t                  *advice = json_object_get(p->answer, "advice");
    const tlsrpt_version_t  *v = tlsrpt_versions_now(&p->versions, p->now);

    if (add_published(p) != 0
        || json_object_set_new(p->answer, "versions", versions_json(p)) != 0)
    {
        return -1;
    }

    if (v == NULL) {
        return 0;
    }

    p->simulation.seen = p->is_seen ? &p->seen : NULL;

    if (v->mode == MTA_STS_TESTING && p->is_ready
        && json_object_set_new(p->answer, "ready-for-enforce",
                               ready_json(p, v)) != 0)
    {
        return -1;
    }

    if (v->mode == MTA_STS_ENFORCE) {
        advise_enforced(p, v, advice);
    }

    if (p->is_seen) {
        tlsrpt_policy_held_advise(&p->versions, &p->seen, p->now, advice);
    }

    advise_change(p, v, advice);

    return 0;
}


/*
 * The answer
 */

static int
add_simulation(past_t *p)
{
    int      rc;
    json_t  *made;

    p->simulation.seen = p->is_seen ? &p->seen : NULL;
    made = tlsrpt_simulation_json(&p->simulation);
    rc = made ? json_object_update(p->answer, made) : -1;
    json_decref(made);

    return rc;
}


static json_t *
past_json(tlsrpt_lookup_t *lookup)
{
    int      rc;
    past_t  *p = (past_t *) lookup;

    rc = p->kind == SIMULATE ? add_simulation(p)
         : p->kind == PROPOSE
         ? tlsrpt_proposal_add(p->answer, p->is_seen ? &p->seen : NULL)
         : add_past(p);

    if (rc != 0
        || json_object_set_new(p->answer, "from", day_json(p->scan.from)) != 0
        || json_object_set_new(p->answer, "to", day_json(p->scan.to)) != 0)
    {
        return NULL;
    }

    return json_incref(p->answer);
}


static const tlsrpt_lookup_type_t  past_type = {
    past_next, past_add, past_seen, past_json, NULL, past_destroy
};


static past_t *
create(kind_t kind, const tlsrpt_query_t *query, tlsrpt_str_t domain,
    tlsrpt_str_t prefix, json_t *answer)
{
    past_t  *p = calloc(1, sizeof(*p));

    if (p == NULL) {
        json_decref(answer);
        return NULL;
    }

    p->lookup.type = &past_type;
    p->kind = kind;
    p->answer = answer;

    if (answer == NULL
        || tlsrpt_day_scan_init(&p->scan, query, domain, prefix) != 0)
    {
        past_destroy(&p->lookup);
        return NULL;
    }

    return p;
}


tlsrpt_lookup_t *
tlsrpt_policy_past_create(const tlsrpt_query_t *query, tlsrpt_str_t domain,
    tlsrpt_str_t prefix, int64_t now, json_t *answer)
{
    past_t  *p = create(PAST, query, domain, prefix, answer);

    if (p != NULL) {
        p->now = now;
    }

    return p ? &p->lookup : NULL;
}


tlsrpt_lookup_t *
tlsrpt_policy_simulate_create(const tlsrpt_query_t *query, tlsrpt_str_t domain,
    tlsrpt_str_t prefix, const mta_sts_policy_t *policy, json_t *answer)
{
    past_t  *p = create(SIMULATE, query, domain, prefix, answer);

    if (p == NULL) {
        return NULL;
    }

    p->policy = *policy;
    p->is_ready = 1;

    if (tlsrpt_simulation_init(&p->simulation, &p->policy) != 0) {
        past_destroy(&p->lookup);
        return NULL;
    }

    return &p->lookup;
}


tlsrpt_lookup_t *
tlsrpt_policy_proposal_create(const tlsrpt_query_t *query, tlsrpt_str_t domain,
    tlsrpt_str_t prefix, json_t *answer)
{
    past_t  *p = create(PROPOSE, query, domain, prefix, answer);

    return p ? &p->lookup : NULL;
}
