/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_count.h"
#include "tlsrpt_open.h"
#include "tlsrpt_open_group.h"


static const char *const  severities[] = { "", "low", "medium", "high" };
static const char *const  losses[] = { "", "no", "perhaps", "yes" };

#define NSEVERITIES  4


tlsrpt_str_t
tlsrpt_open_text(const json_t *object, const char *name)
{
    const json_t  *value = json_object_get(object, name);

    return (tlsrpt_str_t) { json_string_value(value),
                            json_string_length(value) };
}


/* 0: none of these. */

static int
position(const char *const *names, tlsrpt_str_t name)
{
    for (int i = 1; name.data != NULL && i < NSEVERITIES; i++) {
        if (tlsrpt_str_is(name, names[i])) {
            return i;
        }
    }

    return 0;
}


int
tlsrpt_open_severity(tlsrpt_str_t name)
{
    return position(severities, name);
}


int
tlsrpt_open_rank(tlsrpt_open_rank_t *rank, const json_t *entry)
{
    const json_t  *problem = json_object_get(entry, "problem");
    json_int_t     failed = json_integer_value(json_object_get(problem,
                                                "failed-session-count"));

    rank->severity = position(severities, tlsrpt_open_text(entry, "severity"));
    rank->lost = position(losses, tlsrpt_open_text(entry, "lost"));
    rank->failed = failed > 0 ? (uint64_t) failed : 0;

    return rank->severity == 0
           || tlsrpt_open_text(problem, "title").data == NULL
           || tlsrpt_open_text(entry, "type").data == NULL
           || tlsrpt_open_text(entry, "cause").data == NULL ? -1 : 0;
}


/* Below 0: a is worse. */

int
tlsrpt_open_rank_order(const tlsrpt_open_rank_t *a, const tlsrpt_open_rank_t *b)
{
    if (a->severity != b->severity) {
        return b->severity - a->severity;
    }

    if (a->lost != b->lost) {
        return b->lost - a->lost;
    }

    return (a->failed < b->failed) - (a->failed > b->failed);
}


int
tlsrpt_open_group_order(const tlsrpt_open_group_t *a,
    const tlsrpt_open_group_t *b)
{
    int  rc = tlsrpt_open_rank_order(&a->rank, &b->rank);

    return rc ? rc : strcmp(a->id, b->id);
}


void
tlsrpt_open_group_free(tlsrpt_open_group_t *g)
{
    json_decref(g->type);
    json_decref(g->title);
    json_decref(g->lost_mail);
    json_decref(g->servers);
    json_decref(g->senders);
    free(g->steps);

    for (size_t i = 0; i < g->nmembers; i++) {
        json_decref(g->members[i].name);
    }

    free(g->members);
}


static void
replace(json_t **to, json_t *from)
{
    json_decref(*to);
    *to = json_incref(from);
}


/* Is one of that text there already? */

static int
has(const json_t *array, const json_t *text)
{
    size_t   i;
    json_t  *item;

    json_array_foreach((json_t *) array, i, item) {
        if (json_equal(item, text)) {
            return 1;
        }
    }

    return 0;
}


/* At most so many names, those of the worst domain first; NULL: no memory. */

static json_t *
merge_names(const json_t *first, const json_t *second)
{
    size_t         i;
    json_t        *name, *merged = json_array();
    const json_t  *lists[] = { first, second };

    for (int k = 0; merged != NULL && k < 2; k++) {
        json_array_foreach((json_t *) lists[k], i, name) {
            if (json_array_size(merged) == TLSRPT_OPEN_NAMES) {
                return merged;
            }

            if (json_is_string(name) && !has(merged, name)
                && json_array_append(merged, name) != 0)
            {
                json_decref(merged);
                return NULL;
            }
        }
    }

    return merged;
}


static int
take_names(json_t **names, const json_t *more, int worse)
{
    json_t  *merged;

    if (!worse && json_array_size(*names) == TLSRPT_OPEN_NAMES) {
        return 0;
    }

    merged = worse ? merge_names(more, *names) : merge_names(*names, more);

    if (merged == NULL) {
        return -1;
    }

    json_decref(*names);
    *names = merged;

    return 0;
}


static int
grow_members(tlsrpt_open_group_t *g)
{
    size_t     size = g->size ? 2 * g->size : 1;
    tlsrpt_open_member_t  *p = realloc(g->members, size * sizeof(*p));

    if (p == NULL) {
        return -1;
    }

    g->members = p;
    g->size = size;

    return 0;
}


static int
take_member(tlsrpt_open_group_t *g, const tlsrpt_open_rank_t *rank,
    tlsrpt_str_t domain)
{
    size_t  i = g->nmembers;

    g->ndomains++;

    while (i > 0) {
        const tlsrpt_open_member_t  *before = &g->members[i - 1];
        tlsrpt_str_t     name = { json_string_value(before->name),
                                  json_string_length(before->name) };
        int              rc = tlsrpt_open_rank_order(rank, &before->rank);

        if (rc > 0 || (rc == 0 && strcmp(domain.data, name.data) > 0)) {
            break;
        }

        i--;
    }

    if (i == TLSRPT_OPEN_DOMAINS) {
        return 0;
    }

    if (g->nmembers == TLSRPT_OPEN_DOMAINS) {
        json_decref(g->members[--g->nmembers].name);
    }

    if (g->nmembers == g->size && grow_members(g) != 0) {
        return -1;
    }

    memmove(&g->members[i + 1], &g->members[i],
            (g->nmembers - i) * sizeof(tlsrpt_open_member_t));
    g->members[i].rank = *rank;
    g->members[i].name = json_stringn(domain.data, domain.len);
    g->nmembers++;

    return g->members[i].name ? 0 : -1;
}


/* What is told of the group is told of its worst domain. */

static int
take_worst(tlsrpt_open_group_t *g, const tlsrpt_open_rank_t *rank,
    const json_t *problem)
{
    json_t  *steps = json_object_get(problem, "steps");

    g->worst = *rank;
    replace(&g->type, json_object_get(problem, "result-type"));
    replace(&g->title, json_object_get(problem, "title"));
    replace(&g->lost_mail, json_object_get(problem, "lost-mail"));
    free(g->steps);
    g->steps = steps ? json_dumps(steps, JSON_COMPACT) : NULL;

    return steps == NULL || g->steps != NULL ? 0 : -1;
}


static void
take_day(char day[TLSRPT_DAY_TEXT_LEN + 1], tlsrpt_str_t text, int is_first)
{
    int32_t  number;

    if (text.data == NULL
        || tlsrpt_day_parse(text.data, text.len, &number) != 0)
    {
        return;
    }

    if (day[0] == '\0' || (strcmp(text.data, day) < 0) == is_first) {
        tlsrpt_day_text(number, day);
    }
}


static int
take_facts(tlsrpt_open_group_t *g, const tlsrpt_open_rank_t *rank,
    const json_t *problem)
{
    int  worse = g->ndomains == 0
                 || tlsrpt_open_rank_order(rank, &g->worst) < 0;

    g->rank.failed = tlsrpt_count_add(g->rank.failed, rank->failed);

    if (rank->severity > g->rank.severity) {
        g->rank.severity = rank->severity;
    }

    if (rank->lost > g->rank.lost) {
        g->rank.lost = rank->lost;
    }

    if (json_is_true(json_object_get(problem, "ongoing"))) {
        g->ongoing = 1;
    }

    take_day(g->first, tlsrpt_open_text(problem, "first-day"), 1);
    take_day(g->last, tlsrpt_open_text(problem, "last-day"), 0);

    return take_names(&g->servers,
                      json_object_get(problem, "receiving-mx-hostnames"),
                      worse) != 0
           || take_names(&g->senders,
                         json_object_get(problem, "organization-names"),
                         worse) != 0
           || (worse && take_worst(g, rank, problem) != 0) ? -1 : 0;
}


int
tlsrpt_open_group_add(tlsrpt_open_group_t *g, tlsrpt_str_t name,
    const tlsrpt_open_rank_t *rank, const json_t *problem)
{
    return take_facts(g, rank, problem) != 0
           || take_member(g, rank, name) != 0 ? -1 : 0;
}


static json_t *
names_json(const tlsrpt_open_group_t *g)
{
    json_t  *array = json_array();

    for (size_t i = 0; array != NULL && i < g->nmembers; i++) {
        if (json_array_append(array, g->members[i].name) != 0) {
            json_decref(array);
            array = NULL;
        }
    }

    return array;
}


static json_t *
or_null(json_t *value)
{
    return json_is_string(value) ? json_incref(value) : json_null();
}


json_t *
tlsrpt_open_group_json(const tlsrpt_open_group_t *g)
{
    json_t  *steps = g->steps ? json_loads(g->steps, 0, NULL) : json_array();

    return json_pack("{s:s, s:o, s:s, s:O, s:o, s:s, s:s, s:I, s:o, s:O, s:O,"
                     " s:o, s:o, s:I}",
                     "id", g->id, "result-type", or_null(g->type),
                     "severity", severities[g->rank.severity],
                     "title", g->title,
                     "ongoing", g->ongoing ? json_true() : json_null(),
                     "first-day", g->first, "last-day", g->last,
                     "failed-session-count", (json_int_t) g->rank.failed,
                     "lost-mail", or_null(g->lost_mail),
                     "receiving-mx-hostnames", g->servers,
                     "organization-names", g->senders,
                     "steps", steps, "domains", names_json(g),
                     "domain-count", (json_int_t) g->ndomains);
}
