/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Each allocation of the core failing in its turn: told as such, and nothing
 * is lost or used.  Linked with --wrap=malloc, calloc and realloc.
 */

#include "tap.h"

#include <stdlib.h>
#include <zlib.h>

#include "overview.h"
#include "tlsrpt_kept.h"
#include "tlsrpt_answer.h"
#include "tlsrpt_closed.h"
#include "tlsrpt_collect.h"
#include "tlsrpt_document.h"
#include "tlsrpt_inflate.h"
#include "tlsrpt_json.h"
#include "tlsrpt_packed.h"
#include "tlsrpt_problems.h"
#include "tlsrpt_registry.h"
#include "tlsrpt_reports.h"
#include "tlsrpt_transition.h"

#define MAX_ALLOCATIONS  2000
#define NOW              1717200000         /* 2024-06-01 */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

static long  nallocations;                  /* since begin */
static long  fail_at;                       /* 0: none */


static int
fails(void)
{
    return ++nallocations == fail_at;
}


void *
__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}


void *
__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}


void *
__wrap_realloc(void *p, size_t size)
{
    return fails() ? NULL : __real_realloc(p, size);
}


static tlsrpt_str_t
str(const char *s)
{
    tlsrpt_str_t  result = { s, strlen(s) };

    return result;
}


static unsigned char  body[4096];
static size_t         body_len;
static const char    *what_failed;


/* Runs the subject with each allocation failing in turn: all are refused for
   want of memory until there is none left to fail. */
static void
each_allocation(const char *name, int (*subject)(void))
{
    int   rc = TLSRPT_ERR_MEMORY;
    long  n, wrong = 0;

    for (n = 1; n <= MAX_ALLOCATIONS; n++) {
        fail_at = n;
        nallocations = 0;
        what_failed = "";
        rc = subject();
        fail_at = 0;

        if (nallocations < n) {
            break;
        }

        if (rc != TLSRPT_ERR_MEMORY) {
            printf("# %s: allocation %ld: %d %s\n", name, n, rc, what_failed);
            wrong++;
        }
    }

    is_int(rc, TLSRPT_OK, "%s: goes well without a failure", name);
    ok(n > 1, "%s: %ld allocations failed in turn", name, n - 1);
    is_int(wrong, 0, "%s: each was told", name);
}


static int
ignore_event(void *ctx, tlsrpt_json_event_t event, const char *s, size_t len)
{
    (void) ctx;
    (void) event;
    (void) s;
    (void) len;
    return TLSRPT_OK;
}


/* Text that makes each of the buffers grow, byte by byte. */
static int
read_json(void)
{
    char            text[64];
    int             rc = TLSRPT_OK, i, j, n;
    tlsrpt_json_t  *json = tlsrpt_json_create();

    if (json == NULL) {
        return TLSRPT_ERR_MEMORY;
    }

    tlsrpt_json_reset(json, ignore_event, NULL);

    for (i = 0; i < 100 && rc == TLSRPT_OK; i++) {
        n = snprintf(text, sizeof(text), "%s\"a-long-name-%d\":[%d,\"\\n%d\"",
                     i ? "," : "{", i, i, i);

        for (j = 0; j < n && rc == TLSRPT_OK; j++) {
            rc = tlsrpt_json_feed(json, text + j, 1);
        }

        for (j = 0; j < i && rc == TLSRPT_OK; j++) {
            rc = tlsrpt_json_feed(json, ",\"\\u00e9ight bytes\"", 19);
        }

        if (rc == TLSRPT_OK) {
            rc = tlsrpt_json_feed(json, "]", 1);
        }
    }

    if (rc == TLSRPT_OK) {
        rc = tlsrpt_json_feed(json, "}", 1);
    }

    if (tlsrpt_json_finish(json) != rc) {
        what_failed = "does not stay";
        rc = -1;
    }

    tlsrpt_json_destroy(json);
    return rc;
}


static int
ignore_text(void *ctx, const unsigned char *text, size_t len)
{
    (void) ctx;
    (void) text;
    (void) len;
    return TLSRPT_OK;
}


static int
inflate_body(void)
{
    int                rc;
    tlsrpt_inflate_t  *inf = tlsrpt_inflate_create();

    if (inf == NULL) {
        return TLSRPT_ERR_MEMORY;
    }

    tlsrpt_inflate_reset(inf, 100000, ignore_text, NULL);
    rc = tlsrpt_inflate_feed(inf, body, body_len);

    if (tlsrpt_inflate_finish(inf) != rc) {
        what_failed = "does not stay";
        rc = -1;
    }

    tlsrpt_inflate_destroy(inf);
    return rc;
}


static int
make_commands(const tlsrpt_report_t *report)
{
    unsigned           i;
    tlsrpt_ingest_t    ingest;
    tlsrpt_command_t  *command;

    memset(&ingest, 0, sizeof(ingest));
    ingest.prefix = str("tlsrpt");
    ingest.now = NOW;
    ingest.retention_days = 400;
    ingest.report_days = 30;
    ingest.original.data = (const char *) body;
    ingest.original.len = body_len;

    for (i = 0; i < report->ndomains; i++) {
        command = tlsrpt_ingest_command(report, i, &ingest);

        if (command == NULL) {
            return TLSRPT_ERR_MEMORY;
        }

        tlsrpt_command_destroy(command);
    }

    return TLSRPT_OK;
}


static int  keep_text;                      /* if not, it is inflated again */

static int
read_report(void)
{
    int                     rc;
    tlsrpt_reader_t        *reader = tlsrpt_reader_create();
    tlsrpt_reader_conf_t    conf = { .max_size = 100000,
                                     .domain = str("example.com") };
    const tlsrpt_report_t  *report;

    if (reader == NULL) {
        return TLSRPT_ERR_MEMORY;
    }

    conf.keep_text = keep_text;
    tlsrpt_reader_reset(reader, &conf);
    rc = tlsrpt_reader_feed(reader, body, body_len);

    if (rc == TLSRPT_OK) {
        rc = tlsrpt_reader_finish(reader, &report);
    }

    if (rc == TLSRPT_OK) {
        /* a warning that cannot be kept is counted, no more */
        rc = report->nwarnings_overflow > 0 ? TLSRPT_ERR_MEMORY
                                          : make_commands(report);

    } else if (tlsrpt_reader_error(reader)->code != rc) {
        what_failed = "another error is kept";
        rc = -1;
    }

    tlsrpt_reader_destroy(reader);
    return rc;
}


/* A day log with more groups than fit at first. */

static tlsrpt_buf_t  day_log;

static void
make_log(void)
{
    static char                 ips[100][16];
    static tlsrpt_tally_t       tally;
    static tlsrpt_tally_row_t   rows[100];

    for (int i = 0; i < 100; i++) {
        snprintf(ips[i], sizeof(ips[i]), "192.0.2.%d", i);
        rows[i].sending_mta_ip = str(ips[i]);
        rows[i].failed = 1;
    }

    tally.rows = rows;
    tally.nrows = 100;
    tally.ntypes = 1;
    tally.failed_in_details = tally.failed = tally.types[0].failed = 100;

    if (tlsrpt_packed_encode(&day_log, &tally, str("example.com"),
                             str("Example Sender"), 0, 0)
        != 0)
    {
        abort();
    }
}


/* A report of a day's list, as the script would have it, and another of its
   name. */

static tlsrpt_buf_t  entry;

static void
make_entry(void)
{
    tlsrpt_reader_t        *reader = tlsrpt_reader_create();
    tlsrpt_tally_t          tally;
    tlsrpt_kept_t           kept;
    tlsrpt_ingest_t         ingest;
    tlsrpt_reader_conf_t    conf = { .max_size = 100000, .keep_text = 1 };
    const tlsrpt_report_t  *report;

    memset(&kept, 0, sizeof(kept));
    memset(&ingest, 0, sizeof(ingest));
    ingest.now = NOW;
    ingest.signer = str("sender.example");
    ingest.original.len = 1000;
    tlsrpt_reader_reset(reader, &conf);

    if (tlsrpt_reader_feed(reader, body, body_len) != TLSRPT_OK
        || tlsrpt_reader_finish(reader, &report) != TLSRPT_OK
        || tlsrpt_tally_report(&tally, report, 0) != 0
        || tlsrpt_kept_encode(&kept, report, 0, &tally, &ingest,
                              (const unsigned char *) "12345678") != 1)
    {
        abort();
    }

    tlsrpt_buf_add(&entry, "\0\0\0\0\0", 5);
    kept.entry.data[1] |= TLSRPT_KEPT_CONFLICTS;
    tlsrpt_buf_add(&entry, kept.entry.data, kept.entry.len);

    tlsrpt_kept_free(&kept);
    tlsrpt_tally_free(&tally);
    tlsrpt_reader_destroy(reader);
}


static int
tell(tlsrpt_stats_t *stats)
{
    size_t   len;
    char    *csv;
    json_t  *json = tlsrpt_stats_json(stats);

    if (json == NULL) {
        return TLSRPT_ERR_MEMORY;
    }

    json_decref(json);
    csv = tlsrpt_stats_csv(stats, &len);

    if (csv == NULL) {
        return TLSRPT_ERR_MEMORY;
    }

    free(csv);
    return TLSRPT_OK;
}


static int
answer(void)
{
    int              rc = TLSRPT_OK;
    size_t           n;
    tlsrpt_reply_t   string = { TLSRPT_REPLY_STRING, 0, "10", 2, 0, NULL };
    tlsrpt_reply_t   value = { TLSRPT_REPLY_STRING, 0, "2 0 200 9", 9, 0,
                               NULL };
    tlsrpt_reply_t  *elements[2] = { &string, &value };
    tlsrpt_reply_t   array = { TLSRPT_REPLY_ARRAY, 0, NULL, 0, 2, elements };
    tlsrpt_reply_t   day = { TLSRPT_REPLY_STRING, 0, day_log.data, day_log.len,
                             0, NULL };
    tlsrpt_query_t   query;
    tlsrpt_error_t   error;
    tlsrpt_stats_t  *stats;

    const tlsrpt_command_t  *c;

    tlsrpt_query_init(&query, NOW);

    if (tlsrpt_query_param(&query, str("by"), str("day,sending-mta-ip"), &error)
        != TLSRPT_OK)
    {
        abort();
    }

    stats = tlsrpt_stats_create(&query, str("example.com"), str("tlsrpt"));

    if (stats == NULL) {
        return TLSRPT_ERR_MEMORY;
    }

    while (rc == TLSRPT_OK && (c = tlsrpt_stats_next(stats, &n)) != NULL) {
        rc = tlsrpt_stats_add(stats, n, beside(c,
                                  strcmp(verb_of(c), "GET") == 0 ? &day
                                  : strcmp(verb_of(c), "HGETALL") == 0 ? &array
                                  : &value));
    }

    rc = rc == TLSRPT_OK ? tell(stats) : rc;
    tlsrpt_stats_destroy(stats);

    return rc;
}


static int
domain_line(void)
{
    json_t             *json;
    tlsrpt_query_t      query;
    tlsrpt_overview_t  *overview;

    tlsrpt_query_init(&query, NOW);
    overview = tlsrpt_overview_create(&query, str("example.com"),
                                      str("tlsrpt"));

    if (overview == NULL) {
        return TLSRPT_ERR_MEMORY;
    }

    json = tlsrpt_overview_json(overview, NULL);
    tlsrpt_overview_destroy(overview);

    if (json == NULL) {
        return TLSRPT_ERR_MEMORY;
    }

    json_decref(json);
    return TLSRPT_OK;
}


/* What Redis keeps: each day's log, totals, and a list of one report. */

static const tlsrpt_reply_t *
kept(const tlsrpt_command_t *c)
{
    static char             totals[TOTALS_SIZE];
    static tlsrpt_reply_t   name, value, day, array, place;
    static tlsrpt_reply_t  *elements[2] = { &name, &value };
    static tlsrpt_reply_t  *places[1] = { &place };
    const int               list = strcmp(verb_of(c), "LRANGE") == 0;

    name.type = value.type = day.type = TLSRPT_REPLY_STRING;
    name.str = list ? "abc" : "10";
    name.len = strlen(name.str);
    value.str = list ? entry.data : totals;
    value.len = list ? entry.len : put_totals(totals, "2 0 200 9");
    day.str = day_log.data;
    day.len = day_log.len;
    array.type = TLSRPT_REPLY_ARRAY;
    array.elements = elements;
    array.nelements = 2;

    if (strcmp(verb_of(c), "LPOS") == 0) {  /* another one has the name */
        place.type = TLSRPT_REPLY_INTEGER;
        place.integer = 20;
        array.elements = places;
        array.nelements = 1;
    }

    return beside(c, strcmp(verb_of(c), "GET") == 0 ? &day
                  : strcmp(verb_of(c), "HGET") == 0 ? &value : &array);
}


static int
read_all(tlsrpt_lookup_t *lookup)
{
    int      rc = TLSRPT_OK;
    size_t   n;
    json_t  *json;

    const tlsrpt_command_t  *c;

    if (lookup == NULL) {
        return TLSRPT_ERR_MEMORY;
    }

    while (rc == TLSRPT_OK && (c = lookup->type->next(lookup, &n)) != NULL) {
        rc = lookup->type->add(lookup, n, kept(c));
    }

    json = rc == TLSRPT_OK ? lookup->type->json(lookup) : NULL;
    lookup->type->destroy(lookup);

    if (json == NULL) {
        return TLSRPT_ERR_MEMORY;
    }

    json_decref(json);
    return TLSRPT_OK;
}


static int
problems(void)
{
    tlsrpt_query_t  query;

    tlsrpt_query_init(&query, NOW);

    return read_all(tlsrpt_problems_create(&query, str("example.com"),
                                           str("tlsrpt"), NULL, query.to));
}


/* What was found without failures, and the state that came of it. */

static tlsrpt_found_t  found;
static json_t         *old;

static int
transition(void)
{
    tlsrpt_follow_t      how = { .now = NOW + 86400 };
    tlsrpt_transition_t  t;

    if (tlsrpt_transition(found.evidence, found.list, found.n, old, &how, &t)
        != 0)
    {
        return TLSRPT_ERR_MEMORY;
    }

    tlsrpt_transition_free(&t);
    return TLSRPT_OK;
}


/* jansson's allocations fail, too: a text may be a shorter one then, and
   nothing else happens. */

static void
each_of_jansson(int (*subject)(void))
{
    int   rc;
    long  n, ntold = 0;

    json_set_alloc_funcs(__wrap_malloc, free);

    for (n = 1; n <= MAX_ALLOCATIONS; n++) {
        fail_at = n;
        nallocations = 0;
        rc = subject();
        fail_at = 0;
        ntold += rc == TLSRPT_ERR_MEMORY;

        if (nallocations < n) {
            break;
        }
    }

    json_set_alloc_funcs(__real_malloc, free);
    ok(rc == TLSRPT_OK && ntold > 10, "%ld of %ld were told", ntold, n);
}


static void
test_transition(void)
{
    size_t               n;
    tlsrpt_query_t       query;
    tlsrpt_follow_t      how = { .now = NOW };
    tlsrpt_lookup_t     *lookup;
    tlsrpt_transition_t  t;

    const tlsrpt_command_t  *c;

    tlsrpt_query_init(&query, NOW);
    lookup = tlsrpt_problems_follow(&query, str("example.com"), str("tlsrpt"),
                                    NULL, NOW, NULL);

    while ((c = lookup->type->next(lookup, &n)) != NULL) {
        if (lookup->type->add(lookup, n, kept(c)) != TLSRPT_OK) {
            abort();
        }
    }

    if (tlsrpt_problems_found(lookup, &found) != 0
        || tlsrpt_transition(found.evidence, found.list, found.n, NULL, &how,
                             &t) != 0)
    {
        abort();
    }

    is_int(t.open, 1, "a problem opens");
    each_allocation("a problem opens", transition);
    each_of_jansson(transition);
    old = t.state;
    each_allocation("a problem stays open", transition);
    each_of_jansson(transition);
    found.n = 0;
    each_allocation("a problem ends", transition);
    each_of_jansson(transition);
    tlsrpt_transition_free(&t);
    lookup->type->destroy(lookup);
}


static int
reports(void)
{
    tlsrpt_reports_query_t  query;

    tlsrpt_reports_query_init(&query, NOW);

    return read_all(tlsrpt_reports_create(&query, str("example.com"),
                                          str("tlsrpt")));
}


static int
senders(void)
{
    tlsrpt_query_t  query;

    tlsrpt_query_init(&query, NOW);

    return read_all(tlsrpt_senders_create(&query, str("example.com"),
                                          str("tlsrpt")));
}


/* A state, there and back. */

static int
state(void)
{
    int             rc;
    json_t         *json = json_pack("{s:[{s:s}], s:[], s:[]}", "open", "type",
                                     "tlsa-invalid", "past", "waiting");
    tlsrpt_buf_t    bytes = { NULL, 0, 0, 0 };
    tlsrpt_reply_t  reply;
    tlsrpt_state_t  read = { 0, 0, NULL };

    rc = tlsrpt_state_write(json, &bytes);

    if (rc == 0) {
        memset(&reply, 0, sizeof(reply));
        reply.type = TLSRPT_REPLY_STRING;
        reply.str = bytes.data;
        reply.len = bytes.len;
        rc = tlsrpt_state_read(&reply, &read);
    }

    if (rc == 0 && read.json == NULL) {
        what_failed = "nothing is kept";
        rc = 1;
    }

    tlsrpt_state_free(&read);
    tlsrpt_buf_free(&bytes);
    json_decref(json);

    return rc < 0 ? TLSRPT_ERR_MEMORY : rc;
}


/* What is open over domains: two of them, one group. */

static int
whats_open(void)
{
    int              rc = 0;
    json_t          *json = json_pack("{s:[{s:s, s:s, s:s, s:s, s:{s:s, s:[s],"
                                      " s:[s], s:[{s:s}]}}], s:[], s:[]}",
                        "open", "type", "tlsa-invalid", "cause", "mx.example",
                        "severity", "high", "lost", "no", "problem", "title",
                        "It is wrong", "organization-names", "Example",
                        "receiving-mx-hostnames", "mx.example", "steps",
                        "text", "Mend it.", "past", "waiting");
    tlsrpt_buf_t     bytes = { NULL, 0, 0, 0 }, out = { NULL, 0, 0, 0 };
    tlsrpt_open_t   *open = tlsrpt_open_create(10);
    tlsrpt_reply_t   reply = { TLSRPT_REPLY_STRING, 0, NULL, 0, 0, NULL };

    if (open == NULL || tlsrpt_state_write(json, &bytes) != 0) {
        rc = -1;
    }

    reply.str = bytes.data;
    reply.len = bytes.len;

    for (int i = 0; i < 2 && rc == 0; i++) {
        rc = tlsrpt_open_add(open, str(i ? "b.example" : "a.example"), &reply);
    }

    while (rc == 0 && (rc = tlsrpt_open_write(open, &out)) > 0) {
        rc = 0;
    }

    if (rc == 0 && (out.len < 100 || memchr(out.data, 'M', out.len) == NULL)) {
        what_failed = "nothing is written";
        rc = 1;
    }

    tlsrpt_open_destroy(open);
    tlsrpt_buf_free(&bytes);
    tlsrpt_buf_free(&out);
    json_decref(json);

    return rc < 0 ? TLSRPT_ERR_MEMORY : rc;
}


static int
events(void)
{
    int                    rc = -1;
    tlsrpt_buf_t           out = { NULL, 0, 0, 0 };
    tlsrpt_reply_t         entry, *elements[] = { &entry }, reply;
    tlsrpt_events_t       *page = tlsrpt_events_create(1, 1);
    tlsrpt_events_part_t   part = { "a.example", 9, 0, 0, 0 };

    static const char  texts[2][160] = {
        "{\"id\":\"2\",\"time\":\"2026-01-20T00:00:01Z\",\"type\":\"x\","
        "\"domain\":\"a.example\",\"title\":\"t\",\"late\":true}",
        "{\"id\":\"1\",\"time\":\"2026-01-20T00:00:00Z\",\"type\":\"x\","
        "\"domain\":\"a.example\",\"title\":\"t\"}"
    };

    memset(&entry, 0, sizeof(entry));
    memset(&reply, 0, sizeof(reply));
    entry.type = TLSRPT_REPLY_STRING;
    reply.type = TLSRPT_REPLY_ARRAY;
    reply.elements = elements;
    reply.nelements = 1;

    for (int i = 0; page != NULL && i < 2; i++) {
        entry.str = texts[i];
        entry.len = strlen(texts[i]);
        rc = tlsrpt_events_add(page, &part, &reply);

        if (rc < 0) {
            break;
        }
    }

    if (rc >= 0) {
        rc = tlsrpt_events_write(page, str("a.example"), &out);
    }

    if (rc == 0 && (out.len == 0 || memchr(out.data, 'Z', out.len) == NULL)) {
        what_failed = "nothing is written";
        rc = 1;
    }

    tlsrpt_buf_free(&out);
    tlsrpt_events_destroy(page);

    return rc < 0 ? TLSRPT_ERR_MEMORY : rc;
}


/* What it says to what is read and written while problems are worked out. */

static const tlsrpt_reply_t *
worked_out(const tlsrpt_command_t *c)
{
    static tlsrpt_reply_t   nil, all, mark, fields, number;
    static tlsrpt_reply_t  *elements[4] = { &all, &mark, &nil, &nil };

    all.type = mark.type = TLSRPT_REPLY_STRING;
    all.str = mark.str = "1 0";
    all.len = mark.len = 3;
    fields.type = TLSRPT_REPLY_ARRAY;
    fields.elements = elements;
    fields.nelements = 4;
    number.type = TLSRPT_REPLY_INTEGER;
    number.integer = 2;

    return strcmp(c->argv[0], "HMGET") == 0 ? &fields
           : strcmp(c->argv[0], "ZADD") == 0
             || (c->script != NULL && c->script != &tlsrpt_month_script)
           ? &number
           : strstr(key_of(c), ":problems") != NULL ? &nil : kept(c);
}


static int
reckoning(void)
{
    int                      released = 0;
    tlsrpt_reckoning_t      *r;
    const tlsrpt_command_t  *c;

    r = tlsrpt_reckoning_create(str("tlsrpt"), str("example.com"), NULL, 400,
                                NOW, str("1.5"));

    while (r != NULL && (c = tlsrpt_reckoning_next(r)) != NULL) {
        released = c->script == &tlsrpt_due_release_script;
        tlsrpt_reckoning_add(r, worked_out(c));
    }

    tlsrpt_reckoning_destroy(r);

    return released ? TLSRPT_OK : TLSRPT_ERR_MEMORY;
}


/*
 * A month is closed: one that has a chunk and a run, a log, and a digest.
 */

static tlsrpt_buf_t  closed_head, closed_chunk;


static void
make_closed(void)
{
    tlsrpt_buf_t     text = { NULL, 0, 0, 0 };
    tlsrpt_closed_t  closed;

    memset(&closed, 0, sizeof(closed));
    tlsrpt_chunk_add(&text, 3, day_log.data, day_log.len);
    closed.stream = text.len;
    closed.nchunks = 1;
    closed.nruns = 1;
    closed.days[2].reports = 1;
    tlsrpt_closed_put(&closed_head, &closed);

    if (tlsrpt_chunk_write(&closed_chunk, 0, &text) != 0) {
        abort();
    }

    tlsrpt_buf_free(&text);
}


static void
set_text(tlsrpt_reply_t *reply, const char *text, size_t len)
{
    memset(reply, 0, sizeof(*reply));
    reply->type = TLSRPT_REPLY_STRING;
    reply->str = text;
    reply->len = len;
}


static void
set_list(tlsrpt_reply_t *reply, tlsrpt_reply_t **elements, size_t n)
{
    memset(reply, 0, sizeof(*reply));
    reply->type = TLSRPT_REPLY_ARRAY;
    reply->elements = elements;
    reply->nelements = n;
}


static const tlsrpt_reply_t *
slice(void)
{
    static char            totals[TOTALS_SIZE];
    static tlsrpt_reply_t  of[6], month[2], log[3], set, member, all;
    static tlsrpt_reply_t *parts[6] = { of, of + 1, of + 2, of + 3, of + 4,
                                        of + 5 };
    static tlsrpt_reply_t *months[2] = { month, month + 1 }, *sets = &set;
    static tlsrpt_reply_t *logs[3] = { log, log + 1, log + 2 };
    static tlsrpt_reply_t *members = &member;

    set_text(&of[0], closed_head.data, closed_head.len);
    set_text(&of[1], closed_chunk.data, closed_chunk.len);
    set_text(&of[2], "sorted", 6);
    set_text(&month[0], "5", 1);
    set_text(&month[1], totals, put_totals(totals, "1 20 0 4"));
    set_list(&of[3], months, 2);
    memset(&log[0], 0, sizeof(log[0]));
    log[0].type = log[1].type = TLSRPT_REPLY_INTEGER;
    log[0].integer = 5;
    log[1].integer = (long long) day_log.len;
    set_text(&log[2], day_log.data, day_log.len);
    set_list(&of[4], logs, 3);
    set_text(&member, "17", 2);
    set_list(&set, &members, 1);
    set_list(&of[5], &sets, 1);
    set_list(&all, parts, 6);

    return &all;
}


static int
closing(void)
{
    unsigned           moved;
    tlsrpt_reply_t     name, due, domain, done_all;
    tlsrpt_reply_t    *fields[2] = { &name, &due };
    tlsrpt_closing_t  *c;

    const tlsrpt_command_t  *command;

    set_text(&name, "o:2024-02", 9);
    set_text(&due, "1", 1);
    set_list(&domain, fields, 2);
    memset(&done_all, 0, sizeof(done_all));
    done_all.type = TLSRPT_REPLY_INTEGER;
    done_all.integer = 2;

    c = tlsrpt_closing_create(str("tlsrpt"), str("example.com"), 400, NOW);

    if (c == NULL) {
        return TLSRPT_ERR_MEMORY;
    }

    while (tlsrpt_closing_moved(c) == 0
           && (command = tlsrpt_closing_next(c)) != NULL)
    {
        tlsrpt_closing_add(c, command->script == NULL ? &domain
                              : command->script == &tlsrpt_slice_script
                              ? slice() : &done_all);
    }

    moved = tlsrpt_closing_moved(c);
    tlsrpt_closing_destroy(c);

    return moved ? TLSRPT_OK : TLSRPT_ERR_MEMORY;
}


/* The page of a report that was read without failures. */

static const tlsrpt_report_t  *told;

static int
page(void)
{
    size_t             len;
    char              *text;
    tlsrpt_document_t  doc = { told, { NULL, 0 }, NULL, 0, NULL };

    text = tlsrpt_document_text(&doc, &len);

    if (text == NULL) {
        return TLSRPT_ERR_MEMORY;
    }

    free(text);
    return TLSRPT_OK;
}


static void
test_page(void)
{
    tlsrpt_reader_conf_t   conf = { .max_size = 1 << 20 };
    tlsrpt_reader_t       *reader = tlsrpt_reader_create();

    tlsrpt_reader_reset(reader, &conf);

    if (tlsrpt_reader_feed(reader, body, body_len) != TLSRPT_OK
        || tlsrpt_reader_finish(reader, &told) != TLSRPT_OK)
    {
        abort();
    }

    each_allocation("page", page);
    tlsrpt_reader_destroy(reader);
}


static void
gzip_body(void)
{
    static unsigned char  out[sizeof(body)];
    z_stream              z;

    memset(&z, 0, sizeof(z));

    if (deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY)
        != Z_OK)
    {
        abort();
    }

    z.next_in = body;
    z.avail_in = (uInt) body_len;
    z.next_out = out;
    z.avail_out = sizeof(out);

    if (deflate(&z, Z_FINISH) != Z_STREAM_END) {
        abort();
    }

    body_len = z.total_out;
    memcpy(body, out, body_len);
    deflateEnd(&z);
}


static const char  document[] =
    "{\"organization-name\":\"Example Sender\",\"contact-info\":\"tls@sender."
    "example\",\"report-id\":\"2024-05-30_1\",\"date-range\":{\"start-datetime"
    "\":\"2024-05-30T00:00:00Z\",\"end-datetime\":\"2024-05-30T23:59:59Z\"},"
    "\"policies\":[{\"policy\":{\"policy-type\":\"sts\",\"policy-string\":["
    "\"version: STSv1\",\"mode: testing\",\"mx: *.example.com\",\"max_age: "
    "86400\"],\"policy-domain\":\"example.com\",\"mx-host\":[\"*.example.com\"]"
    "},\"summary\":{\"total-successful-session-count\":10,\"total-failure-"
    "session-count\":3},\"failure-details\":[{\"result-type\":\"certificate-"
    "expired\",\"sending-mta-ip\":\"192.0.2.1\",\"receiving-mx-hostname\":"
    "\"mx1.example.com\",\"receiving-ip\":\"2001:db8::1\",\"failed-session-"
    "count\":2,\"additional-information\":\"caf\\u00e9\"},{\"result-type\":"
    "\"starttls-not-supported\",\"failed-session-count\":1,\"receiving-ip\":"
    "\"x.x.x.x\"}]},{\"policy\":{\"policy-type\":\"no-policy-found\","
    "\"policy-domain\":\"example.net\"},\"summary\":{\"total-successful-"
    "session-count\":\"1\"}}]}";


/* A domain is enrolled by the operator for another than its holder. */

static int
enrol(void)
{
    int                          broken, rc = TLSRPT_ERR_MEMORY;
    json_t                      *json = NULL;
    tlsrpt_served_t              served = { 0, 0, "", NULL };
    tlsrpt_change_t              change;
    tlsrpt_command_t            *command = NULL;
    tlsrpt_provider_t            provider = { NULL, 0, { NULL, 0 } };
    tlsrpt_change_how_t          how;
    tlsrpt_enrol_error_t         error;
    static tlsrpt_enrol_body_t   put;
    tlsrpt_registry_record_t    *record;

    static const char  was[] = "3 {\"v\":1,\"holder\":{\"state\":\"active\","
        "\"token\":\"aaaaaaaaaaaaaaaaaaaaaaaaaa\",\"since\":1,"
        "\"value\":\"bbbbbbbbbbbbbbbbbbbbbbbbbb\"}}";
    static const char  text[] = "{\"owner\":\"b\",\"verified\":true,"
        "\"mode\":\"testing\",\"max-age\":86400,\"mx\":[\"a.example\"]}";

    memset(&change, 0, sizeof(change));
    memset(&how, 0, sizeof(how));
    how.domain = str("example.com");
    how.now = NOW;
    how.is_operator = 1;
    record = tlsrpt_registry_record_read(was, sizeof(was) - 1, &broken);

    if (record == NULL
        || tlsrpt_enrol_body_read(text, sizeof(text) - 1, &put, &error) != 0)
    {
        goto done;
    }

    tlsrpt_change_put(&change, record, &how, &put, NULL, NULL);

    if (change.status != TLSRPT_CHANGE_OK) {
        what_failed = change.text;
        rc = change.status == TLSRPT_CHANGE_MEMORY ? rc : -1;
        goto done;
    }

    command = tlsrpt_registry_put_command(str("t"), &change);

    if (command != NULL
        && tlsrpt_served_read(&served, record->holder, NULL, NOW) == 0)
    {
        json = tlsrpt_enrolment_json(record->holder, how.domain, &served,
                                     &provider);
        rc = json ? TLSRPT_OK : rc;
    }

done:

    json_decref(json);
    tlsrpt_served_free(&served);
    tlsrpt_command_destroy(command);
    tlsrpt_change_free(&change);
    tlsrpt_registry_record_destroy(record);

    return rc;
}


int
main(void)
{
    each_allocation("JSON", read_json);
    each_allocation("a domain is enrolled", enrol);
    each_of_jansson(enrol);

    body_len = sizeof(document) - 1;
    memcpy(body, document, body_len);
    each_allocation("plain report", read_report);
    keep_text = 1;
    make_entry();
    each_allocation("plain report, short", read_report);
    keep_text = 0;

    test_page();

    gzip_body();
    each_allocation("gzip", inflate_body);
    each_allocation("report", read_report);

    gzip_body();
    each_allocation("gzip twice", inflate_body);

    make_log();
    each_allocation("answer", answer);
    each_allocation("problems", problems);
    each_allocation("state", state);
    each_allocation("what is open", whats_open);
    each_allocation("events", events);
    each_allocation("reckoning", reckoning);
    test_transition();
    each_allocation("reports", reports);
    each_allocation("senders", senders);
    make_closed();
    each_allocation("a month is closed", closing);
    free(closed_head.data);
    free(closed_chunk.data);
    free(day_log.data);
    free(entry.data);
    each_allocation("a domain's line", domain_line);

    return done();
}
