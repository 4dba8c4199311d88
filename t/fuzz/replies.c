/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Replies of a Redis in which anybody may have written anything -> each answer
 * there is: it is made, of the bounds it has, and is JSON.  The first byte says
 * which answer, and whether replies come in the order of their commands.
 */

#include "replies.h"

#include "tlsrpt_dns.h"
#include "tlsrpt_metrics.h"
#include "tlsrpt_policy_past.h"
#include "tlsrpt_problems.h"
#include "tlsrpt_query.h"
#include "tlsrpt_reports.h"
#include "tlsrpt_setup.h"
#include "tlsrpt_time.h"

#define NOW      1768910400                 /* 2026-01-20T12:00:00Z */
#define WINDOW   8                          /* commands in flight */
#define MAX_ASK  (6 + 2 * TLSRPT_DEFAULT_DAYS + 2 * TLSRPT_CLOSED_CHUNKS)

static const tlsrpt_str_t  domain = { "example.com", 11 };
static const tlsrpt_str_t  prefix = { "t", 1 };

/* One answer: how it is asked for. */
typedef struct {
    const tlsrpt_command_t *(*next)(void *object, size_t *n);
    int (*add)(void *object, size_t n, const tlsrpt_reply_t *reply);
} asker_t;


static void
check_json(json_t *json)
{
    char  *text;

    CHECK(json_is_object(json));
    text = json_dumps(json, JSON_ENSURE_ASCII);     /* so all is UTF-8 */
    CHECK(text != NULL);
    free(text);
    json_decref(json);
}


static void
answer_one(const asker_t *asker, void *object, tape_t *tape, size_t *asked,
    size_t *n, size_t which)
{
    int              rc;
    tlsrpt_reply_t  *reply = reply_make(tape, 0);

    rc = asker->add(object, asked[which], reply);
    CHECK(rc == TLSRPT_OK);
    reply_free(reply);
    memmove(asked + which, asked + which + 1,
            (--*n - which) * sizeof(asked[0]));
}


/* All that it asks for; disorder: the replies come in any order. */

static void
answer_all(const asker_t *asker, void *object, tape_t *tape, int disorder)
{
    size_t                   asked[WINDOW], n = 0, number, total = 0;
    const tlsrpt_command_t  *command;

    for ( ;; ) {
        command = n < WINDOW ? asker->next(object, &number) : NULL;

        if (command != NULL) {
            CHECK(command->argc >= 2 && ++total <= MAX_ASK);
            asked[n++] = number;
            continue;
        }

        if (n == 0) {
            return;
        }

        answer_one(asker, object, tape, asked, &n,
                   disorder ? take(tape) % n : 0);
    }
}


/*
 * Readings
 */

static const tlsrpt_command_t *
lookup_next(void *object, size_t *n)
{
    tlsrpt_lookup_t  *lookup = object;

    return lookup->type->next(lookup, n);
}


static int
lookup_add(void *object, size_t n, const tlsrpt_reply_t *reply)
{
    tlsrpt_lookup_t  *lookup = object;

    return lookup->type->add(lookup, n, reply);
}


static void
answer_lookup(tlsrpt_lookup_t *lookup, tape_t *tape, int disorder)
{
    static const asker_t  asker = { lookup_next, lookup_add };

    CHECK(lookup != NULL);
    answer_all(&asker, lookup, tape, disorder);
    (void) lookup->type->seen(lookup);
    check_json(lookup->type->json(lookup));
    lookup->type->destroy(lookup);
}


static void
reports(tape_t *tape, int disorder)
{
    tlsrpt_reports_query_t  query;

    tlsrpt_reports_query_init(&query, NOW);
    query.limit = 1 + take(tape) % 3;
    answer_lookup(tlsrpt_reports_create(&query, domain, prefix), tape,
                  disorder);
}


static void
senders(tape_t *tape, int disorder)
{
    tlsrpt_query_t  query;

    tlsrpt_query_init(&query, NOW);
    answer_lookup(tlsrpt_senders_create(&query, domain, prefix), tape,
                  disorder);
}


static void
problems(tape_t *tape, int disorder)
{
    tlsrpt_query_t     query;
    mta_sts_policy_t   policy;
    unsigned           served = take(tape);

    memset(&policy, 0, sizeof(policy));
    policy.mode = MTA_STS_ENFORCE;
    policy.max_age = 86400;
    policy.nmx = 1;
    strcpy(policy.mx[0], "*.example.com");

    tlsrpt_query_init(&query, NOW);
    answer_lookup(tlsrpt_problems_create(&query, domain, prefix,
                                         served % 2 ? &policy : NULL,
                                         tlsrpt_day_of(NOW)
                                         - (int32_t) (served / 2 % 40)
                                         + 4),
                  tape, disorder);
}


/*
 * Others
 */

static const tlsrpt_command_t *
stats_next(void *object, size_t *n)
{
    return tlsrpt_stats_next(object, n);
}


static int
stats_add(void *object, size_t n, const tlsrpt_reply_t *reply)
{
    return tlsrpt_stats_add(object, n, reply);
}


static void
stats(tape_t *tape, int disorder)
{
    static const asker_t  asker = { stats_next, stats_add };

    char            *csv;
    size_t           len;
    unsigned         by = take(tape);
    int              is_csv = by & 1;       /* there is one answer */
    tlsrpt_query_t   query;
    tlsrpt_stats_t  *s;

    tlsrpt_query_init(&query, NOW);

    for ( ; by % 16; by >>= 4) {
        unsigned  dimension = by % 16 - 1;

        if (dimension < TLSRPT_NDIMENSIONS
            && !tlsrpt_query_groups_by(&query, dimension))
        {
            query.by[query.nby++] = (unsigned char) dimension;
        }
    }

    s = tlsrpt_stats_create(&query, domain, prefix);
    CHECK(s != NULL);
    answer_all(&asker, s, tape, disorder);
    (void) tlsrpt_stats_seen(s);

    if (is_csv) {
        csv = tlsrpt_stats_csv(s, &len);
        CHECK(csv != NULL && len > 2 && memcmp(csv + len - 2, "\r\n", 2) == 0);
        free(csv);

    } else {
        check_json(tlsrpt_stats_json(s));
    }

    tlsrpt_stats_destroy(s);
}


static void
totals(tape_t *tape, int disorder)
{
    size_t              n, numbers[64];
    tlsrpt_query_t      query;
    tlsrpt_reply_t     *reply;
    tlsrpt_overview_t  *t;

    tlsrpt_query_init(&query, NOW);
    query.nby = take(tape) & 1;             /* by day */
    t = tlsrpt_overview_create(&query, domain, prefix);
    CHECK(t != NULL);

    while (!tlsrpt_overview_is_done(t)) {
        for (n = 0; tlsrpt_overview_next(t, &numbers[n]) != NULL; n++) {
            CHECK(n < 63);
        }

        for (size_t i = 0; i < n; i++) {
            reply = reply_make(tape, 0);
            CHECK(tlsrpt_overview_add(t, numbers[disorder ? n - 1 - i : i],
                                      reply) == TLSRPT_OK);
            reply_free(reply);
        }
    }

    CHECK(tlsrpt_overview_status(t) < TLSRPT_NSTATUSES);
    (void) tlsrpt_overview_seen(t);
    check_json(tlsrpt_overview_json(t, "enforce"));
    tlsrpt_overview_destroy(t);
}


/* A text of lines, each a comment or a sample that ends with a number. */

static void
check_metrics(const char *text, size_t len)
{
    const char  *end;

    CHECK(len >= 6 && memcmp(text + len - 6, "# EOF\n", 6) == 0);

    for ( ; len; len -= (size_t) (end + 1 - text), text = end + 1) {
        end = memchr(text, '\n', len);
        CHECK(end != NULL && end > text);
        CHECK(*text == '#' || (end[-1] >= '0' && end[-1] <= '9'));
        CHECK(memchr(text, '\0', (size_t) (end - text)) == NULL);
    }
}


static void
metrics(tape_t *tape, int disorder)
{
    char              *text;
    size_t             len;
    tlsrpt_reply_t    *reply;
    tlsrpt_metrics_t  *m = tlsrpt_metrics_create(disorder);

    CHECK(m != NULL);

    for (int i = 0; i < 3; i++) {
        reply = reply_make(tape, 0);
        tlsrpt_metrics_add(m, domain, reply);
        reply_free(reply);
    }

    text = tlsrpt_metrics_text(m, &len);
    CHECK(text != NULL);
    check_metrics(text, len);
    free(text);
    tlsrpt_metrics_destroy(m);
}


/* What a slice may be: of six parts. */

static tlsrpt_reply_t *
slice_make(tape_t *tape)
{
    tlsrpt_reply_t  *reply = reply_new(TLSRPT_REPLY_ARRAY);

    reply->elements = calloc(6, sizeof(tlsrpt_reply_t *));
    CHECK(reply->elements != NULL);

    while (reply->nelements < 6) {
        reply->elements[reply->nelements++] = reply_make(tape, 1);
    }

    return reply;
}


static void
closing(tape_t *tape, int disorder)
{
    tlsrpt_reply_t          *reply;
    tlsrpt_closing_t        *c;
    const tlsrpt_command_t  *command;

    c = tlsrpt_closing_create(prefix, domain, 400, NOW);
    CHECK(c != NULL);

    while ((command = tlsrpt_closing_next(c)) != NULL) {
        reply = command->script == &tlsrpt_slice_script && !disorder
                ? slice_make(tape) : reply_make(tape, 0);
        tlsrpt_closing_add(c, reply);
        reply_free(reply);
    }

    tlsrpt_closing_destroy(c);
}


/*
 * Around a policy
 */

static json_t *
policy_answer(void)
{
    return json_pack("{s:{s:s, s:s}, s:[]}", "policy", "id", "abc", "mode",
                     "testing", "advice");
}


static void
policies(tape_t *tape, int disorder)
{
    tlsrpt_query_t    query;
    mta_sts_policy_t  policy;
    const unsigned    which = take(tape) % 3;

    memset(&policy, 0, sizeof(policy));
    policy.mode = MTA_STS_ENFORCE;
    policy.max_age = 86400;
    policy.nmx = 1;
    strcpy(policy.mx[0], "*.example.com");
    tlsrpt_query_init(&query, NOW);

    answer_lookup(which == 0
                  ? tlsrpt_policy_past_create(&query, domain, prefix, NOW,
                                              policy_answer())
                  : which == 1
                  ? tlsrpt_policy_simulate_create(&query, domain, prefix,
                                                  &policy, policy_answer())
                  : tlsrpt_policy_proposal_create(&query, domain, prefix,
                                                  policy_answer()),
                  tape, disorder);
}


static void
setup(tape_t *tape, int disorder)
{
    static const tlsrpt_str_t   id = { "abc", 3 };

    const unsigned              first = take(tape);
    const tlsrpt_dns_domain_t   dns = {
        .domain = domain, .rua = { TLSRPT_STR("mailto:a@example.com") },
        .nrua = 1, .policy_id = id
    };
    tlsrpt_setup_ask_t          ask = {
        .domain = domain, .prefix = prefix, .records = tlsrpt_dns_records(&dns),
        .policy_id = id, .mode = (int) (first / 4 % 3), .steps = first % 2,
        .is_pending = first / 2 % 2, .now = NOW
    };

    CHECK(ask.records != NULL);
    answer_lookup(tlsrpt_setup_create(&ask), tape, disorder);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const  answers[])(tape_t *tape, int disorder) = {
        stats, totals, reports, senders, problems, metrics, closing, policies,
        setup
    };

    unsigned  first;
    tape_t    tape = { data, size, 0 };

    if (reply_samples[0].data == NULL) {
        reply_init();
    }

    first = take(&tape);
    answers[first % 9](&tape, first / 9 % 2);

    return 0;
}
