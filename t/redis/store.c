/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The core on a real Redis, one command a time, so that a test can do something
 * in between.  Usage: store SOCKET.  Reads lines, answers each with one:
 *
 *     now SECONDS                  the time, from now on
 *     retention DAYS               400 at first
 *     ingest REPORT                counts a report (JSON, in one line): what
 *                                  the script answers, for its first domain
 *     close DOMAIN                 begins to close what is due of it
 *     step                         the next command of that: "read", "moved N"
 *                                  (slices so far) or "done"
 *     all                          all of them: "done N"
 *     claim                        claims a domain: "DOMAIN SCORE" or "none"
 *     reckon N DOMAIN SCORE        begins the N-th reckoning (0 to 3); "-": no
 *                                  score
 *     reckon-step N                the next command of that: its name and its
 *                                  key, or "done"
 *     reckon-all N                 all of them: "done EVENTS NEWER"
 *     reckon-twice N               likewise, each of them sent twice, as by a
 *                                  client that has lost the first reply
 *     keep DAYS                    originals from now on; 0 at first
 *     sign DOMAIN                  what is counted from now on came by mail,
 *                                  signed so; "-": by POST
 *     strike DOMAIN ID             begins to strike a report out
 *     restore DOMAIN ID            takes that back
 *     strike-step                  the next command of that: its name and its
 *                                  key, or "done OUTCOME"
 *     strike-all                   all of them
 *     strike-twice                 likewise, each of them sent twice
 *     metrics DOMAIN               its metrics; "|" ends a line
 *     reports DOMAIN FROM TO PARAMS  asks
 *     senders DOMAIN FROM TO       asks
 *     stats DOMAIN FROM TO PARAMS  asks ("-": no PARAMS)
 *     problems DOMAIN FROM TO      asks
 *     overview DOMAIN FROM TO      asks
 *     ask N                        sends N commands of that, or what is left:
 *                                  how many
 *     answer                       the rest, and the JSON
 *     put WHO DOMAIN BODY          enrols or changes: WHO "-" is the operator;
 *                                  BODY in one line without spaces.  Below:
 *                                  "STATUS RESULT VERSION LOOK", the change's
 *                                  and the put's; RESULT "-": none was sent
 *     leave WHO DOMAIN NOW         "1": at once
 *     looked DOMAIN VERIFY REPORTING  "-": none
 *     expire DOMAIN
 *     hold                         the next change is not sent, but kept
 *     send                         sends what is kept: "RESULT VERSION"
 *     twice                        the next change is sent twice
 *     erase DOMAIN SINCE           what was counted since that day (days since
 *                                  1970; 0: all of it): "N FAILED"
 *     upkeep                       the registry's: "N MORE", N: commands
 *     cost                         CPU, in microseconds: of this process since
 *                                  it was asked last, and the longest of what
 *                                  came between two commands to Redis
 */

#define _POSIX_C_SOURCE  200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <hiredis/hiredis.h>

#include "tlsrpt_answer.h"
#include "tlsrpt_closing.h"
#include "tlsrpt_collect.h"
#include "tlsrpt_registry.h"

#define MAX_SIZE    (10 * 1024 * 1024)
#define RECKONINGS  4

static redisContext       *redis;
static tlsrpt_reader_t    *reader;
static tlsrpt_closing_t   *closing;
static tlsrpt_reckoning_t *reckonings[RECKONINGS];
static tlsrpt_stats_t     *stats;
static tlsrpt_lookup_t    *problems;
static tlsrpt_overview_t  *overview;
static int64_t             now;
static unsigned            retention = 400;
static unsigned            keep;
static char                signer[64];
static tlsrpt_strike_t    *strike;
static double              longest, since, total;
static tlsrpt_command_t   *kept;
static int                 holds, twice;


static void
fail(const char *why)
{
    fprintf(stderr, "store: %s\n", why);
    exit(1);
}


static double
cpu(void)
{
    struct timespec  t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);

    return (double) t.tv_sec * 1e6 + (double) t.tv_nsec / 1e3;
}


static tlsrpt_str_t
str(const char *text)
{
    tlsrpt_str_t  s = { text, text != NULL ? strlen(text) : 0 };

    return s;
}


/*
 * Replies
 */

static void
reply_free(tlsrpt_reply_t *reply)
{
    for (size_t i = 0; i < reply->nelements; i++) {
        reply_free(reply->elements[i]);
    }

    free(reply->elements);
    free(reply);
}


/* Its strings are the other's. */

static tlsrpt_reply_t *
reply_of(const redisReply *from)
{
    tlsrpt_reply_t  *reply = calloc(1, sizeof(*reply));

    if (reply == NULL) {
        fail("no memory");
    }

    reply->type = from->type == REDIS_REPLY_INTEGER ? TLSRPT_REPLY_INTEGER
                  : from->type == REDIS_REPLY_ERROR ? TLSRPT_REPLY_ERROR
                  : from->type == REDIS_REPLY_ARRAY ? TLSRPT_REPLY_ARRAY
                  : from->type == REDIS_REPLY_NIL ? TLSRPT_REPLY_NIL
                  : TLSRPT_REPLY_STRING;
    reply->integer = from->integer;
    reply->str = from->str;
    reply->len = from->len;
    reply->nelements = from->elements;
    reply->elements = calloc(from->elements + 1, sizeof(*reply->elements));

    if (reply->elements == NULL) {
        fail("no memory");
    }

    for (size_t i = 0; i < from->elements; i++) {
        reply->elements[i] = reply_of(from->element[i]);
    }

    return reply;
}


/* *from: the strings of it; freeReplyObject(). */

static tlsrpt_reply_t *
ask_redis(const tlsrpt_command_t *command, redisReply **from)
{
    size_t        argc = command->argc;
    const char   *argv[4096];
    size_t        len[4096];
    redisReply   *r;

    if (argc > 4096) {
        fail("a command that is too long");
    }

    memcpy(argv, command->argv, argc * sizeof(*argv));
    memcpy(len, command->argvlen, argc * sizeof(*len));
    r = redisCommandArgv(redis, (int) argc, argv, len);

    if (r != NULL && r->type == REDIS_REPLY_ERROR
        && strncmp(r->str, "NOSCRIPT", 8) == 0)
    {
        freeReplyObject(r);
        argv[0] = "EVAL";
        len[0] = 4;
        argv[1] = command->script->text;
        len[1] = command->script->len;
        r = redisCommandArgv(redis, (int) argc, argv, len);
    }

    if (r == NULL) {
        fail("Redis is away");
    }

    *from = r;

    return reply_of(r);
}


/*
 * Counting and closing
 */

static void
ingest(const char *text)
{
    redisReply             *from;
    tlsrpt_reply_t         *reply;
    tlsrpt_ingest_t         conf;
    tlsrpt_command_t       *command;
    const tlsrpt_report_t  *report = NULL;
    tlsrpt_reader_conf_t    reader_conf = { .max_size = MAX_SIZE,
                                            .keep_text = 1 };

    memset(&conf, 0, sizeof(conf));
    conf.prefix = str("t");
    conf.now = now;
    conf.retention_days = retention;
    conf.report_days = keep;
    conf.original = str(text);
    conf.via = signer[0] ? TLSRPT_VIA_MAIL : TLSRPT_VIA_HTTPS;

    if (signer[0]) {
        conf.signer = str(signer);
    }

    tlsrpt_reader_reset(reader, &reader_conf);

    if (tlsrpt_reader_feed(reader, text, strlen(text)) != TLSRPT_OK
        || tlsrpt_reader_finish(reader, &report) != TLSRPT_OK)
    {
        fail(tlsrpt_reader_error(reader)->detail);
    }

    command = tlsrpt_ingest_command(report, 0, &conf);
    reply = ask_redis(command, &from);

    if (reply->type == TLSRPT_REPLY_ERROR) {
        printf("%s\n", reply->str);
    } else {
        printf("%lld\n", reply->integer);
    }

    tlsrpt_command_destroy(command);
    reply_free(reply);
    freeReplyObject(from);
}


/* 0: there is no more. */

static int
step(int says)
{
    double                   start = cpu(), took;
    redisReply              *from;
    tlsrpt_reply_t          *reply;
    const tlsrpt_command_t  *command = closing ? tlsrpt_closing_next(closing)
                                               : NULL;

    if (command == NULL) {
        printf("done %u\n", closing ? tlsrpt_closing_moved(closing) : 0);
        tlsrpt_closing_destroy(closing);
        closing = NULL;
        return 0;
    }

    took = cpu() - start;
    reply = ask_redis(command, &from);

    if (reply->type == TLSRPT_REPLY_ERROR) {
        fprintf(stderr, "store: %s\n", reply->str);
    }

    start = cpu();
    tlsrpt_closing_add(closing, reply);
    took += cpu() - start;
    total += took;
    longest = took > longest ? took : longest;

    if (says && reply->type == TLSRPT_REPLY_INTEGER) {
        printf("moved %u\n", tlsrpt_closing_moved(closing));
    } else if (says) {
        printf("read\n");
    }

    reply_free(reply);
    freeReplyObject(from);

    return 1;
}


/*
 * Problems, worked out
 */

static void
claim(void)
{
    redisReply        *from;
    tlsrpt_str_t       domain, score;
    tlsrpt_reply_t    *reply;
    tlsrpt_command_t  *command = tlsrpt_due_claim(str("t"), 1,
                                                  TLSRPT_DUE_HOLD);

    reply = ask_redis(command, &from);

    if (tlsrpt_due_claimed(reply, 0, &domain, &score)) {
        printf("%.*s %.*s\n", (int) domain.len, domain.data, (int) score.len,
               score.data);
    } else {
        printf("%s\n", reply->type == TLSRPT_REPLY_ERROR ? reply->str
                                                          : "none");
    }

    tlsrpt_command_destroy(command);
    reply_free(reply);
    freeReplyObject(from);
}


static void
reckon(unsigned n, const char *domain, const char *score)
{
    tlsrpt_reckoning_destroy(reckonings[n]);
    reckonings[n] = tlsrpt_reckoning_create(str("t"), str(domain), NULL,
                        retention, now,
                        str(strcmp(score, "-") == 0 ? "" : score));
    printf("begun\n");
}


/* 0: there is no more. */

static int
reckon_step(unsigned n, int says, int twice)
{
    redisReply              *from;
    tlsrpt_reply_t          *reply;
    const tlsrpt_command_t  *command = tlsrpt_reckoning_next(reckonings[n]);

    if (command == NULL) {
        printf("done %u %d\n", tlsrpt_reckoning_nevents(reckonings[n]),
               tlsrpt_reckoning_newer(reckonings[n]));
        return 0;
    }

    if (says) {
        printf("%s %s\n", command->argv[0], command->argv[command->key]);
    }

    reply = ask_redis(command, &from);

    if (twice) {
        reply_free(reply);
        freeReplyObject(from);
        reply = ask_redis(command, &from);
    }

    if (reply->type == TLSRPT_REPLY_ERROR) {
        fprintf(stderr, "store: %s\n", reply->str);
    }

    tlsrpt_reckoning_add(reckonings[n], reply);
    reply_free(reply);
    freeReplyObject(from);

    return 1;
}


static unsigned
slot(const char *text)
{
    unsigned long  n = strtoul(text, NULL, 10);

    if (n >= RECKONINGS) {
        fail("there is no such reckoning");
    }

    return (unsigned) n;
}


/*
 * The registry
 */

/* A record; borrowed until it is destroyed. */

static tlsrpt_registry_record_t *
record_of(const char *domain)
{
    int                        broken;
    redisReply                *from;
    tlsrpt_reply_t            *reply;
    tlsrpt_key_read_t          read;
    tlsrpt_registry_record_t  *record;

    reply = ask_redis(tlsrpt_registry_get(&read, str("t"), str(domain)), &from);
    record = tlsrpt_registry_record_of(reply, &broken);
    reply_free(reply);
    freeReplyObject(from);

    if (record == NULL) {
        fail("no record");
    }

    return record;
}


static void
send_put(tlsrpt_command_t *command)
{
    int              result;
    uint64_t         version;
    redisReply      *from;
    tlsrpt_reply_t  *reply = ask_redis(command, &from);

    if (reply->type == TLSRPT_REPLY_ERROR) {
        printf("%s", reply->str);
    } else {
        result = tlsrpt_registry_put_result(reply, &version);
        printf("%d %llu", result, (unsigned long long) version);
    }

    reply_free(reply);
    freeReplyObject(from);
}


static void
write_change(const tlsrpt_change_t *change)
{
    tlsrpt_command_t  *command;

    printf("%d ", change->status);

    if (change->status != TLSRPT_CHANGE_OK) {
        printf("- 0 %lld\n", (long long) change->look);
        return;
    }

    command = tlsrpt_registry_put_command(str("t"), change);

    if (holds) {
        holds = 0;
        kept = command;
        printf("held\n");
        return;
    }

    if (twice) {
        twice = 0;
        send_put(command);
        printf(" ");
    }

    send_put(command);
    printf(" %lld\n", (long long) change->look);
    tlsrpt_command_destroy(command);
}


static tlsrpt_change_how_t
how_of(const char *who, const char *domain)
{
    tlsrpt_change_how_t  how;

    memset(&how, 0, sizeof(how));
    how.domain = str(domain);
    how.now = now;
    how.max = 3;

    if (strcmp(who, "-") == 0) {
        how.is_operator = 1;
    } else {
        how.owner = str(who);
    }

    for (size_t i = 0; i < sizeof(how.random); i++) {
        how.random[i] = (unsigned char) rand();
    }

    return how;
}


static void
change_domain(const char *what, const char *a, const char *b, const char *c)
{
    int                         leaves = strcmp(what, "leave") == 0;
    int                         puts = strcmp(what, "put") == 0;
    tlsrpt_str_t                verify = str(b), reporting = str(c);
    tlsrpt_other_t              next;
    const char                 *domain = puts || leaves ? b : a;
    tlsrpt_shown_t              shown = {
        1, &verify, b && *b != '-', 1, &reporting, c && *c != '-'
    };
    tlsrpt_change_t             change;
    tlsrpt_change_how_t         how = how_of(puts || leaves ? a : "x", domain);
    tlsrpt_enrol_error_t        error;
    static tlsrpt_enrol_body_t  body;
    tlsrpt_registry_record_t   *record = record_of(domain), *other = NULL;

    memset(&change, 0, sizeof(change));

    if (puts) {
        if (tlsrpt_enrol_body_read(c, strlen(c), &body, &error) != 0) {
            fail(error.text);
        }

        if (body.same_as[0]) {
            other = record_of(body.same_as);
            tlsrpt_other_enrolled(&next, other, now);
        }

        tlsrpt_change_put(&change, record, &how, &body, other ? &next : NULL,
                          NULL);
    } else if (leaves) {
        tlsrpt_change_leave(&change, record, &how, *c == '1', NULL, NULL, 0);
    } else if (strcmp(what, "looked") == 0) {
        tlsrpt_change_looked(&change, record, &how, &shown, NULL);
    } else {
        tlsrpt_change_expire(&change, record, &how, NULL, 0);
    }

    write_change(&change);
    tlsrpt_change_free(&change);
    tlsrpt_registry_record_destroy(record);
    tlsrpt_registry_record_destroy(other);
}


static void
send_kept(void)
{
    send_put(kept);
    printf("\n");
    tlsrpt_command_destroy(kept);
    kept = NULL;
}


static void
upkeep(void)
{
    unsigned                   n = 0;
    redisReply                *from;
    unsigned char              random[TLSRPT_TOKEN_BYTES] = "upkeep";
    tlsrpt_reply_t            *reply;
    const tlsrpt_command_t    *command;
    tlsrpt_registry_upkeep_t  *u;

    u = tlsrpt_registry_upkeep_create(str("t"), now, retention, random);

    while ((command = tlsrpt_registry_upkeep_next(u)) != NULL) {
        reply = ask_redis(command, &from);

        if (reply->type == TLSRPT_REPLY_ERROR) {
            fprintf(stderr, "store: %s\n", reply->str);
        }

        tlsrpt_registry_upkeep_add(u, reply);
        reply_free(reply);
        freeReplyObject(from);
        n++;
    }

    printf("%u %d\n", n, tlsrpt_registry_upkeep_more(u));
    tlsrpt_registry_upkeep_destroy(u);
}


/*
 * Striking out
 */

static void
begin_strike(const char *domain, const char *id, int restore)
{
    static int64_t         times;
    tlsrpt_strike_conf_t   conf = {
        .prefix = str("t"), .domain = str(domain), .id = str(id),
        .actor = str(TLSRPT_ACTOR_OPERATOR), .restore = restore,
        .retention_days = retention
    };

    conf.milliseconds = now * 1000 + ++times % 1000;
    tlsrpt_strike_destroy(strike);
    strike = tlsrpt_strike_create(&conf);
    printf("begun\n");
}


/* 0: there is no more. */

static int
strike_step(int says, int again)
{
    redisReply              *from;
    tlsrpt_reply_t          *reply;
    const tlsrpt_command_t  *command = tlsrpt_strike_next(strike);

    if (command == NULL) {
        printf("done %d\n", tlsrpt_strike_outcome(strike));
        return 0;
    }

    reply = ask_redis(command, &from);

    if (says) {
        printf("%s %s\n", command->argv[0], command->argv[command->key]);
    }

    if (again) {
        reply_free(reply);
        freeReplyObject(from);
        reply = ask_redis(command, &from);
    }

    if (reply->type == TLSRPT_REPLY_ERROR) {
        fprintf(stderr, "store: %s\n", reply->str);
    }

    tlsrpt_strike_add(strike, reply);
    reply_free(reply);
    freeReplyObject(from);

    return 1;
}


static void
erase(const char *domain, const char *since)
{
    unsigned                 n = 0;
    redisReply              *from;
    tlsrpt_reply_t          *reply;
    tlsrpt_erase_t          *e;
    const tlsrpt_command_t  *command;

    e = tlsrpt_erase_create(str("t"), str(domain), retention, now,
                            (int32_t) atoi(since));

    while ((command = tlsrpt_erase_next(e)) != NULL) {
        reply = ask_redis(command, &from);
        tlsrpt_erase_add(e, reply);
        reply_free(reply);
        freeReplyObject(from);
        n++;
    }

    printf("%u %d\n", n, tlsrpt_erase_failed(e));
    tlsrpt_erase_destroy(e);
}


static void
metrics(const char *domain)
{
    char                *text;
    size_t               len;
    redisReply          *from;
    tlsrpt_reply_t      *reply;
    tlsrpt_metrics_t    *all = tlsrpt_metrics_create(0);
    tlsrpt_key_read_t    read;

    tlsrpt_key_domain(&read.key, str("t"), str(domain), "");
    reply = ask_redis(tlsrpt_key_read(&read, "HGETALL", NULL, 0), &from);
    tlsrpt_metrics_add(all, str(domain), reply);
    text = tlsrpt_metrics_text(all, &len);

    for (size_t i = 0; text != NULL && i < len; i++) {
        putchar(text[i] == '\n' ? '|' : text[i]);
    }

    putchar('\n');
    free(text);
    tlsrpt_metrics_destroy(all);
    reply_free(reply);
    freeReplyObject(from);
}


/*
 * Asking
 */

static const tlsrpt_command_t *
next(size_t *n)
{
    if (overview != NULL) {
        return tlsrpt_overview_next(overview, n);
    }

    return stats ? tlsrpt_stats_next(stats, n)
                 : problems->type->next(problems, n);
}


static int
add(size_t n, const tlsrpt_reply_t *reply)
{
    return overview ? tlsrpt_overview_add(overview, n, reply)
           : stats ? tlsrpt_stats_add(stats, n, reply)
           : problems->type->add(problems, n, reply);
}


static size_t
ask(size_t most)
{
    size_t                   n, count = 0;
    double                   start, took;
    redisReply              *from;
    tlsrpt_reply_t          *reply;
    const tlsrpt_command_t  *command;

    while (count < most && (command = next(&n)) != NULL) {
        reply = ask_redis(command, &from);

        if (reply->type == TLSRPT_REPLY_ERROR) {
            fail(reply->str);
        }

        start = cpu();

        if (add(n, reply) != TLSRPT_OK) {
            fail("no memory");
        }

        took = cpu() - start;
        total += took;
        longest = took > longest ? took : longest;
        reply_free(reply);
        freeReplyObject(from);
        count++;
    }

    return count;
}


static void
answer(void)
{
    char    *text;
    json_t  *json;

    ask((size_t) -1);
    json = overview ? tlsrpt_overview_json(overview, NULL)
           : stats ? tlsrpt_stats_json(stats) : problems->type->json(problems);
    text = json ? json_dumps(json, JSON_SORT_KEYS) : NULL;
    printf("%s\n", text ? text : "null");
    free(text);
    json_decref(json);
}


/* A list of reports, which takes other parameters. */

static tlsrpt_lookup_t *
begin_reports(const char *domain, const char *from, const char *to,
    char *params)
{
    char                    *p, *save = NULL;
    tlsrpt_error_t           error;
    tlsrpt_reports_query_t   query;

    tlsrpt_reports_query_init(&query, now);
    tlsrpt_query_retain(&query.query, retention);

    if (tlsrpt_reports_query_param(&query, str("from"), str(from), &error)
        != TLSRPT_OK
        || tlsrpt_reports_query_param(&query, str("to"), str(to), &error)
           != TLSRPT_OK)
    {
        fail(error.detail);
    }

    for (p = strtok_r(params, "&", &save); p && *p != '-';
         p = strtok_r(NULL, "&", &save))
    {
        char  *value = strchr(p, '=');

        *value++ = '\0';

        if (tlsrpt_reports_query_param(&query, str(p), str(value), &error)
            != TLSRPT_OK)
        {
            fail(error.detail);
        }
    }

    return tlsrpt_reports_create(&query, str(domain), str("t"));
}


static void
begin(const char *what, const char *domain, const char *from, const char *to,
    char *params)
{
    char            *p, *save = NULL;
    tlsrpt_query_t   query;
    tlsrpt_error_t   error;

    tlsrpt_stats_destroy(stats);
    tlsrpt_overview_destroy(overview);

    if (problems != NULL) {
        problems->type->destroy(problems);
    }

    stats = NULL;
    overview = NULL;
    problems = NULL;

    if (strcmp(what, "reports") == 0) {
        problems = begin_reports(domain, from, to, params);
        printf("begun\n");
        return;
    }

    tlsrpt_query_init(&query, now);
    tlsrpt_query_retain(&query, retention);

    if (tlsrpt_query_param(&query, str("from"), str(from), &error) != TLSRPT_OK
        || tlsrpt_query_param(&query, str("to"), str(to), &error) != TLSRPT_OK)
    {
        fail(error.detail);
    }

    for (p = strtok_r(params, "&", &save); p && *p != '-';
         p = strtok_r(NULL, "&", &save))
    {
        char  *value = strchr(p, '=');

        *value++ = '\0';

        if (tlsrpt_query_param(&query, str(p), str(value), &error)
            != TLSRPT_OK)
        {
            fail(error.detail);
        }
    }

    if (strcmp(what, "stats") == 0) {
        stats = tlsrpt_stats_create(&query, str(domain), str("t"));
    } else if (strcmp(what, "overview") == 0) {
        overview = tlsrpt_overview_create(&query, str(domain), str("t"));
    } else if (strcmp(what, "senders") == 0) {
        problems = tlsrpt_senders_create(&query, str(domain), str("t"));
    } else {
        problems = tlsrpt_problems_create(&query, str(domain), str("t"), NULL,
                                          tlsrpt_day_of(now));
    }

    printf("begun\n");
}


static void
do_line(char *line)
{
    char  *save = NULL, none[] = "-", *word, *args[4];

    word = strtok_r(line, " ", &save);

    if (strcmp(word, "ingest") == 0) {
        ingest(save);
        return;
    }

    for (int i = 0; i < 4; i++) {
        args[i] = strtok_r(NULL, " ", &save);
    }

    if (strcmp(word, "now") == 0) {
        now = strtoll(args[0], NULL, 10);
        printf("now\n");

    } else if (strcmp(word, "retention") == 0) {
        retention = (unsigned) strtoul(args[0], NULL, 10);
        printf("retention\n");

    } else if (strcmp(word, "keep") == 0) {
        keep = (unsigned) strtoul(args[0], NULL, 10);
        printf("keep\n");

    } else if (strcmp(word, "sign") == 0) {
        snprintf(signer, sizeof(signer), "%s",
                 strcmp(args[0], "-") == 0 ? "" : args[0]);
        printf("sign\n");

    } else if (strcmp(word, "strike") == 0 || strcmp(word, "restore") == 0) {
        begin_strike(args[0], args[1], word[0] == 'r');

    } else if (strcmp(word, "strike-step") == 0) {
        strike_step(1, 0);

    } else if (strcmp(word, "strike-all") == 0) {
        while (strike_step(0, 0)) { /* void */ }

    } else if (strcmp(word, "strike-twice") == 0) {
        while (strike_step(0, 1)) { /* void */ }

    } else if (strcmp(word, "metrics") == 0) {
        metrics(args[0]);

    } else if (strcmp(word, "close") == 0) {
        tlsrpt_closing_destroy(closing);
        closing = tlsrpt_closing_create(str("t"), str(args[0]), retention,
                                        now);
        printf("begun\n");

    } else if (strcmp(word, "step") == 0) {
        step(1);

    } else if (strcmp(word, "all") == 0) {
        while (step(0)) { /* void */ }

    } else if (strcmp(word, "claim") == 0) {
        claim();

    } else if (strcmp(word, "reckon") == 0) {
        reckon(slot(args[0]), args[1], args[2]);

    } else if (strcmp(word, "reckon-step") == 0) {
        reckon_step(slot(args[0]), 1, 0);

    } else if (strcmp(word, "reckon-all") == 0) {
        while (reckon_step(slot(args[0]), 0, 0)) { /* void */ }

    } else if (strcmp(word, "reckon-twice") == 0) {
        while (reckon_step(slot(args[0]), 0, 1)) { /* void */ }

    } else if (strcmp(word, "ask") == 0) {
        printf("%zu\n", ask(strtoul(args[0], NULL, 10)));

    } else if (strcmp(word, "answer") == 0) {
        answer();

    } else if (strcmp(word, "put") == 0 || strcmp(word, "leave") == 0
               || strcmp(word, "looked") == 0 || strcmp(word, "expire") == 0)
    {
        change_domain(word, args[0], args[1], args[2]);

    } else if (strcmp(word, "hold") == 0) {
        holds = 1;
        printf("hold\n");

    } else if (strcmp(word, "twice") == 0) {
        twice = 1;
        printf("twice\n");

    } else if (strcmp(word, "send") == 0) {
        send_kept();

    } else if (strcmp(word, "erase") == 0) {
        erase(args[0], args[1]);

    } else if (strcmp(word, "upkeep") == 0) {
        upkeep();

    } else if (strcmp(word, "cost") == 0) {
        printf("%.0f %.0f %.0f\n", cpu() - since, longest, total);
        longest = 0;
        total = 0;
        since = cpu();

    } else {
        begin(word, args[0], args[1], args[2], args[3] ? args[3] : none);
    }
}


int
main(int argc, char **argv)
{
    char     *line = NULL;
    size_t    size = 0;
    ssize_t   n;

    redis = argc == 2 ? redisConnectUnix(argv[1]) : NULL;
    reader = tlsrpt_reader_create();

    if (redis == NULL || redis->err || reader == NULL) {
        fail("cannot connect");
    }

    setvbuf(stdout, NULL, _IOLBF, 0);

    while ((n = getline(&line, &size, stdin)) > 1) {
        line[n - 1] = '\0';
        do_line(line);
    }

    free(line);
    tlsrpt_closing_destroy(closing);
    tlsrpt_strike_destroy(strike);
    tlsrpt_stats_destroy(stats);
    tlsrpt_overview_destroy(overview);

    for (unsigned i = 0; i < RECKONINGS; i++) {
        tlsrpt_reckoning_destroy(reckonings[i]);
    }

    if (problems != NULL) {
        problems->type->destroy(problems);
    }

    tlsrpt_reader_destroy(reader);
    redisFree(redis);

    return 0;
}
