/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "tlsrpt_count.h"
#include "tlsrpt_domain.h"
#include "tlsrpt_open.h"
#include "tlsrpt_state.h"
#include "tlsrpt_time.h"


#define MAX_STATES  100000                  /* domains; further ones are not
                                               looked at */
#define PIECE       256                     /* groups, of what is done at a
                                               time */
#define ID_LEN      16                      /* hex digits */

/* How bad it is: by severity, then by lost mail, then by sessions. */
typedef struct {
    int       severity;                     /* position in the names below */
    int       lost;
    uint64_t  failed;
} rank_t;

typedef struct {
    rank_t   rank;
    json_t  *name;
} member_t;

typedef struct {
    char       id[ID_LEN + 1];
    rank_t     rank;                        /* of all of it, failed the sum */
    rank_t     worst;                       /* of the domain that it is told
                                               of: */
    json_t    *type;                        /* NULL: not given */
    json_t    *title;
    json_t    *lost_mail;
    char      *steps;                       /* JSON, as it is small so; NULL */

    int        ongoing;
    char       first[TLSRPT_DAY_TEXT_LEN + 1];
    char       last[TLSRPT_DAY_TEXT_LEN + 1];
    json_t    *servers;                     /* arrays, the worst domain's
                                               first */
    json_t    *senders;

    member_t  *members;                     /* the worst, in order */
    size_t     nmembers;
    size_t     size;
    size_t     ndomains;
} group_t;

struct tlsrpt_open {
    size_t     limit;
    int        severity;                    /* 0: any */
    int        begins_after;
    rank_t     after;                       /* of the cursor */
    char       after_id[ID_LEN + 1];

    json_t    *seen;                        /* domain -> true */
    json_t    *places;                      /* id -> position in groups */
    group_t   *groups;
    size_t     n;
    size_t     size;

    size_t     chosen;                      /* groups that were looked at: is
                                               it one of the page? */
    size_t     npage;
    size_t     nwritten;                    /* of the page */
    size_t     nfreed;                      /* groups, after that */
    group_t  **page;                        /* in order, one more than limit
                                               tells that another follows */
};

static const char *const  severities[] = { "", "low", "medium", "high" };
static const char *const  losses[] = { "", "no", "perhaps", "yes" };

#define NSEVERITIES  4


tlsrpt_open_t *
tlsrpt_open_create(size_t limit)
{
    tlsrpt_open_t  *open = calloc(1, sizeof(*open));

    if (open == NULL) {
        return NULL;
    }

    open->limit = limit;
    open->seen = json_object();
    open->places = json_object();
    open->page = calloc(limit + 1, sizeof(*open->page));

    if (open->seen == NULL || open->places == NULL || open->page == NULL) {
        tlsrpt_open_destroy(open);
        return NULL;
    }

    return open;
}


static void
free_group(group_t *g)
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


void
tlsrpt_open_destroy(tlsrpt_open_t *open)
{
    if (open == NULL) {
        return;
    }

    for (size_t i = open->nfreed; i < open->n; i++) {
        free_group(&open->groups[i]);
    }

    free(open->groups);
    free(open->page);
    json_decref(open->seen);
    json_decref(open->places);
    free(open);
}


/*
 * The order, and where a page begins
 */

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


/* Below 0: a is worse. */

static int
order(const rank_t *a, const rank_t *b)
{
    if (a->severity != b->severity) {
        return b->severity - a->severity;
    }

    if (a->lost != b->lost) {
        return b->lost - a->lost;
    }

    return (a->failed < b->failed) - (a->failed > b->failed);
}


static int
order_groups(const group_t *a, const group_t *b)
{
    int  rc = order(&a->rank, &b->rank);

    return rc ? rc : strcmp(a->id, b->id);
}


int
tlsrpt_open_severity(tlsrpt_str_t name)
{
    return position(severities, name);
}


void
tlsrpt_open_filter(tlsrpt_open_t *open, int severity)
{
    open->severity = severity;
}


/* "SEVERITY-LOST-FAILED-ID", as add_next() makes it. */

int
tlsrpt_open_after(tlsrpt_open_t *open, tlsrpt_str_t cursor)
{
    int   n = 0;
    char  text[64];

    if (cursor.len >= sizeof(text)) {
        return -1;
    }

    memcpy(text, cursor.data, cursor.len);
    text[cursor.len] = '\0';

    if (sscanf(text, "%1d-%1d-%16" SCNu64 "-%16[0-9a-f]%n",
               &open->after.severity, &open->after.lost, &open->after.failed,
               open->after_id, &n) != 4
        || (size_t) n != cursor.len || strlen(open->after_id) != ID_LEN)
    {
        return -1;
    }

    open->begins_after = 1;

    return 0;
}


/*
 * States become groups
 */

static tlsrpt_str_t
text_of(const json_t *object, const char *name)
{
    const json_t  *value = json_object_get(object, name);

    return (tlsrpt_str_t) { json_string_value(value),
                            json_string_length(value) };
}


/* 0, or -1: no memory. */

static int
make_id(char id[ID_LEN + 1], tlsrpt_str_t type, tlsrpt_str_t cause)
{
    int            failed;
    tlsrpt_buf_t   name = { NULL, 0, 0, 0 };
    unsigned char  digest[SHA256_DIGEST_LENGTH];

    tlsrpt_buf_add(&name, type.data, type.len);
    tlsrpt_buf_add(&name, "\n", 1);
    tlsrpt_buf_add(&name, cause.data, cause.len);
    failed = name.failed;

    if (!failed) {
        SHA256((unsigned char *) name.data, name.len, digest);

        for (int i = 0; i < ID_LEN / 2; i++) {
            snprintf(id + 2 * i, 3, "%02x", digest[i]);
        }
    }

    tlsrpt_buf_free(&name);

    return failed ? -1 : 0;
}


static int
grow(void **list, size_t n, size_t *size, size_t each)
{
    void    *p;
    size_t   more = *size ? 2 * *size : 4;

    if (n < *size) {
        return 0;
    }

    p = realloc(*list, more * each);

    if (p == NULL) {
        return -1;
    }

    *list = p;
    *size = more;

    return 0;
}


/* NULL: no memory, or *full: there are too many. */

static group_t *
group_of(tlsrpt_open_t *open, tlsrpt_str_t type, tlsrpt_str_t cause, int *full)
{
    char      id[ID_LEN + 1];
    json_t   *place;
    group_t  *g;

    if (make_id(id, type, cause) != 0) {
        return NULL;
    }

    place = json_object_get(open->places, id);

    if (place != NULL) {
        return &open->groups[json_integer_value(place)];
    }

    *full = (open->n == TLSRPT_OPEN_GROUPS);

    if (*full
        || grow((void **) &open->groups, open->n, &open->size,
                sizeof(group_t)) != 0
        || json_object_set_new(open->places, id,
                               json_integer((json_int_t) open->n)) != 0)
    {
        return NULL;
    }

    g = &open->groups[open->n++];
    memset(g, 0, sizeof(*g));
    memcpy(g->id, id, sizeof(id));

    return g;
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
take_member(group_t *g, const rank_t *rank, tlsrpt_str_t domain)
{
    size_t  i = g->nmembers;

    g->ndomains++;

    while (i > 0) {
        const member_t  *before = &g->members[i - 1];
        tlsrpt_str_t     name = { json_string_value(before->name),
                                  json_string_length(before->name) };
        int              rc = order(rank, &before->rank);

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

    if (grow((void **) &g->members, g->nmembers, &g->size, sizeof(member_t))
        != 0)
    {
        return -1;
    }

    memmove(&g->members[i + 1], &g->members[i],
            (g->nmembers - i) * sizeof(member_t));
    g->members[i].rank = *rank;
    g->members[i].name = json_stringn(domain.data, domain.len);
    g->nmembers++;

    return g->members[i].name ? 0 : -1;
}


/* What is told of the group is told of its worst domain. */

static int
take_worst(group_t *g, const rank_t *rank, const json_t *problem)
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
take_facts(group_t *g, const rank_t *rank, const json_t *problem)
{
    int  worse = g->ndomains == 0 || order(rank, &g->worst) < 0;

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

    take_day(g->first, text_of(problem, "first-day"), 1);
    take_day(g->last, text_of(problem, "last-day"), 0);

    return take_names(&g->servers,
                      json_object_get(problem, "receiving-mx-hostnames"),
                      worse) != 0
           || take_names(&g->senders,
                         json_object_get(problem, "organization-names"),
                         worse) != 0
           || (worse && take_worst(g, rank, problem) != 0) ? -1 : 0;
}


static int
add_entry(tlsrpt_open_t *open, tlsrpt_str_t domain, const json_t *entry)
{
    int            full = 0;
    rank_t         rank;
    group_t       *g;
    json_int_t     failed;
    const json_t  *problem = json_object_get(entry, "problem");

    rank.severity = position(severities, text_of(entry, "severity"));
    rank.lost = position(losses, text_of(entry, "lost"));
    failed = json_integer_value(json_object_get(problem,
                                                "failed-session-count"));
    rank.failed = failed > 0 ? (uint64_t) failed : 0;

    if (rank.severity == 0 || text_of(problem, "title").data == NULL
        || text_of(entry, "type").data == NULL
        || text_of(entry, "cause").data == NULL)
    {
        return 0;                           /* not written by us */
    }

    g = group_of(open, text_of(entry, "type"), text_of(entry, "cause"), &full);

    if (g == NULL) {
        return full ? 0 : -1;
    }

    return take_facts(g, &rank, problem) != 0
           || take_member(g, &rank, domain) != 0 ? -1 : 0;
}


int
tlsrpt_open_add(tlsrpt_open_t *open, tlsrpt_str_t domain,
    const tlsrpt_reply_t *reply)
{
    int             rc = 0;
    char            name[TLSRPT_DOMAIN_LEN + 1];
    size_t          i;
    json_t         *entry;
    tlsrpt_str_t    text = { name, domain.len };
    tlsrpt_state_t  state;

    if (domain.len > TLSRPT_DOMAIN_LEN
        || json_object_size(open->seen) == MAX_STATES)
    {
        return 0;
    }

    memcpy(name, domain.data, domain.len);
    name[domain.len] = '\0';

    if (json_object_get(open->seen, name) != NULL) {
        return 0;
    }

    if (json_object_set_new(open->seen, name, json_true()) != 0
        || tlsrpt_state_read(reply, &state) != 0)
    {
        return -1;
    }

    json_array_foreach(json_object_get(state.json, "open"), i, entry) {
        rc = add_entry(open, text, entry);

        if (rc != 0) {
            break;
        }
    }

    json_decref(state.json);

    return rc;
}


/*
 * Answering
 */

static json_t *
names_json(const group_t *g)
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


static json_t *
group_json(const group_t *g)
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


static int
add_to_buf(const char *text, size_t len, void *data)
{
    tlsrpt_buf_t  *out = data;

    tlsrpt_buf_add(out, text, len);

    return out->failed ? -1 : 0;
}


static int
add_json(tlsrpt_buf_t *out, json_t *json)
{
    int  rc = json_dump_callback(json, add_to_buf, out,
                                 JSON_COMPACT | JSON_ENCODE_ANY);

    json_decref(json);

    return rc;
}


static int
is_shown(const tlsrpt_open_t *open, const group_t *g)
{
    int  rc;

    if (open->severity && g->rank.severity != open->severity) {
        return 0;
    }

    if (!open->begins_after) {
        return 1;
    }

    rc = order(&open->after, &g->rank);

    return rc < 0 || (rc == 0 && strcmp(open->after_id, g->id) < 0);
}


static void
put_on_page(tlsrpt_open_t *open, group_t *g)
{
    size_t  low = 0, high = open->npage, middle;

    while (low < high) {
        middle = (low + high) / 2;

        if (order_groups(g, open->page[middle]) < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }

    if (low > open->limit) {
        return;
    }

    open->npage -= open->npage > open->limit;
    memmove(&open->page[low + 1], &open->page[low],
            (open->npage - low) * sizeof(*open->page));
    open->page[low] = g;
    open->npage++;
}


static void
choose(tlsrpt_open_t *open)
{
    for (size_t i = 0; i < PIECE && open->chosen < open->n; i++) {
        group_t  *g = &open->groups[open->chosen++];

        if (is_shown(open, g)) {
            put_on_page(open, g);
        }
    }
}


static json_t *
next_json(const tlsrpt_open_t *open)
{
    const group_t  *last;

    if (open->npage <= open->limit) {
        return json_null();
    }

    last = open->page[open->limit - 1];

    return json_sprintf("%d-%d-%" PRIu64 "-%s", last->rank.severity,
                        last->rank.lost, last->rank.failed, last->id);
}


/* Freeing very many takes its time, too. */

static int
free_piece(tlsrpt_open_t *open)
{
    for (size_t i = 0; i < PIECE && open->nfreed < open->n; i++) {
        free_group(&open->groups[open->nfreed++]);
    }

    return open->nfreed < open->n;
}


static int
write_next(tlsrpt_open_t *open, tlsrpt_buf_t *out)
{
    tlsrpt_buf_add(out, open->nwritten ? "," : "{\"problems\":[",
                   open->nwritten ? 1 : 13);

    return add_json(out, group_json(open->page[open->nwritten++]));
}


static int
write_end(tlsrpt_open_t *open, tlsrpt_buf_t *out)
{
    const char  *text = open->nwritten ? "],\"next\":"
                                       : "{\"problems\":[],\"next\":";

    tlsrpt_buf_add(out, text, strlen(text));

    if (add_json(out, next_json(open)) != 0) {
        return -1;
    }

    tlsrpt_buf_add(out, "}", 1);

    return out->failed ? -1 : 0;
}


int
tlsrpt_open_write(tlsrpt_open_t *open, tlsrpt_buf_t *out)
{
    if (open->chosen < open->n) {
        choose(open);
        return 1;
    }

    if (open->nfreed > 0) {
        return free_piece(open);
    }

    if (open->nwritten < open->npage && open->nwritten < open->limit) {
        return write_next(open, out) == 0 ? 1 : -1;
    }

    if (write_end(open, out) != 0) {
        return -1;
    }

    return free_piece(open);
}
