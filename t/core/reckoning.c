/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Which commands work a domain's problems out, and what they say; replies that
 * nobody expects, at each of them.  What becomes of it in Redis, however many
 * do it at once: t/redis/reckoning.t.
 */

#include "incident.h"
#include "tlsrpt_collect.h"
#include "tlsrpt_state.h"

#define MAX_COMMANDS  128
#define TODAY         20473                 /* 2026-01-20 */

static const char      *mark;               /* in the domain's hash */
static const char      *past;               /* "l" of it */
static long long        committed;          /* what the script answers */
static size_t           odd_at;             /* a command that gets odd, or */
static tlsrpt_reply_t  *odd;                /* NULL: none does */

static char             done_text[8192];    /* those that write, a line each */
static size_t           ncommands;
static unsigned         nevents;
static int              is_newer;
static tlsrpt_buf_t     committed_state;


static int
is_script(const tlsrpt_command_t *c, const tlsrpt_script_t *script)
{
    return c->script == script;
}


static int
is_reading(const tlsrpt_command_t *c)
{
    const char  *verb = c->argv[0];

    return c->script == &tlsrpt_month_script || strncmp(verb, "HGET", 4) == 0
           || strcmp(verb, "GET") == 0 || strcmp(verb, "HMGET") == 0
           || strcmp(verb, "LRANGE") == 0 || strcmp(verb, "LPOS") == 0;
}


/* "commit ARG...", without its keys and events, "release ARG...", or the
   command itself. */

static void
note(const tlsrpt_command_t *c)
{
    const int  commits = is_script(c, &tlsrpt_commit_script);
    size_t     i, len, first = commits ? 7 : c->script ? 4 : 0;

    if (is_reading(c)) {
        return;
    }

    strcat(done_text, commits ? "commit" : c->script ? "release" : "");

    for (i = first; i < c->argc && (!commits || i < 14); i++) {
        len = strlen(done_text);
        snprintf(done_text + len, sizeof(done_text) - len, "%s%s",
                 i || c->script ? " " : "",
                 commits && i == 11 ? c->argvlen[i] ? "STATE" : "-"
                 : c->argvlen[i] ? c->argv[i] : "-");
    }

    strcat(done_text, "\n");

    if (commits) {
        tlsrpt_buf_reset(&committed_state, 0);
        tlsrpt_buf_add(&committed_state, c->argv[11], c->argvlen[11]);
    }
}


/* HMGET all, p, l, w. */

static const tlsrpt_reply_t *
answer_domain(void)
{
    static tlsrpt_reply_t   reply, all, p, l, w;
    static tlsrpt_reply_t  *fields[4] = { &all, &p, &l, &w };

    memset(&p, 0, sizeof(p));
    memset(&l, 0, sizeof(l));
    memset(&w, 0, sizeof(w));
    answer_all(&all);

    if (mark != NULL) {
        set_string(&p, mark, strlen(mark));
    }

    if (past != NULL) {
        set_string(&l, past, strlen(past));
    }

    memset(&reply, 0, sizeof(reply));
    reply.type = TLSRPT_REPLY_ARRAY;
    reply.elements = fields;
    reply.nelements = 4;

    return &reply;
}


static const tlsrpt_reply_t *
reply_to(const tlsrpt_command_t *c)
{
    static tlsrpt_reply_t  number;

    if (odd != NULL && ncommands == odd_at) {
        return odd;
    }

    if (strcmp(c->argv[0], "HMGET") == 0) {
        return answer_domain();
    }

    if (is_reading(c)) {
        return answer_to(c);
    }

    number.type = TLSRPT_REPLY_INTEGER;
    number.integer = is_script(c, &tlsrpt_commit_script) ? committed : 1;

    return &number;
}


/* score "": it was not claimed. */

static void
work_out(const char *score)
{
    const tlsrpt_command_t  *c;
    tlsrpt_reckoning_t      *r;

    r = tlsrpt_reckoning_create(str("t"), str("example.com"), NULL, 400, NOW,
                                str(score));
    done_text[0] = '\0';
    ncommands = 0;

    while ((c = tlsrpt_reckoning_next(r)) != NULL && ncommands < MAX_COMMANDS) {
        note(c);
        tlsrpt_reckoning_add(r, reply_to(c));
        ncommands++;
    }

    ok(c == NULL && tlsrpt_reckoning_next(r) == NULL, "it ends");
    nevents = tlsrpt_reckoning_nevents(r);
    is_newer = tlsrpt_reckoning_newer(r);
    tlsrpt_reckoning_destroy(r);
}


static void
reports(const char *line)
{
    char   copy[256], *words[MAX_WORDS];
    size_t  n;

    snprintf(copy, sizeof(copy), "%s", line);
    n = split(copy, words);
    report(words, n);
}


static void
begin_failing(void)
{
    begin(TODAY, LAST);
    reports("3..1 Example post sts 10 40*certificate-expired "
            "mx=mx1.example.com");
    mark = "1 0";
    past = NULL;
    committed = 2;
    odd = NULL;
}


/*
 * What they say
 */

#define COMMIT_TAIL  " STATE 1 1 34603200\n"
#define INDEXES      "ZADD t:untold 1768910400000 example.com\n" \
                     "ZADD t:events 1768910400000 example.com\n"
#define AGAIN        "ZADD t:untold 1768910400001 example.com\n"
#define OPEN         "ZADD t:open 3 example.com\n"
#define RELEASE      "release example.com 1.5 86400\n"

static void
test_opening(void)
{
    char  want[1024], sha1[64];

    begin_failing();
    work_out("1.5");
    is_str(done_text, INDEXES "commit - 1 0 - -" COMMIT_TAIL AGAIN OPEN RELEASE,
           "a problem opens");
    is_int(nevents, 1, "one event");
    is_int(is_newer, 0, "all of it is known");

    committed = 1;
    work_out("1.5");
    is_str(done_text, INDEXES "commit - 1 0 - -" COMMIT_TAIL OPEN RELEASE,
           "where nothing is on its way any more");

    work_out("");
    is_str(done_text, INDEXES "commit - 1 0 - -" COMMIT_TAIL OPEN,
           "where it was not claimed");

    /* as it is kept from then on */
    tlsrpt_buf_reset(&kept, 0);
    tlsrpt_buf_add(&kept, committed_state.data, committed_state.len);
    mark = "1 1";
    work_out("1.5");
    memcpy(sha1, done_text, sizeof(sha1));
    sha1[7 + TLSRPT_COMMIT_SHA1] = '\0';
    is_int((long long) strspn(sha1 + 7, "0123456789abcdef"),
           TLSRPT_COMMIT_SHA1, "the state that was read is named");
    snprintf(want, sizeof(want), "%s 1 1 - -" COMMIT_TAIL OPEN RELEASE, sha1);
    is_str(done_text, want, "it is kept, and no event");
    is_int(nevents, 0, "none");

    past = "7";
    work_out("1.5");
    snprintf(want, sizeof(want), "%s 1 1 7 -" COMMIT_TAIL OPEN RELEASE, sha1);
    is_int(strncmp(done_text + strlen(done_text) - strlen(want), want, 50), 0,
           "what an import brought is named");
}


static void
test_nothing(void)
{
    begin(TODAY, LAST);
    mark = past = NULL;
    odd = NULL;
    work_out("1.5");
    is_str(done_text, "ZREM t:open example.com\nrelease example.com 1.5 0\n",
           "a domain without data is out of the lists");
    is_int((long long) ncommands, 9,
           "and no more is read than what a check may have seen, and totals");

    reports("3..1 Example post sts 10");
    mark = "1 0";
    work_out("1.5");
    is_str(done_text, "ZREM t:open example.com\n" RELEASE,
           "where all is well nothing is written");

    mark = NULL;
    committed = 1;
    work_out("1.5");
    is_str(done_text, "commit - - - - - 1 0 34603200\n"
                      "ZREM t:open example.com\n" RELEASE, "but a mark");
}


static void
test_newer(void)
{
    begin_failing();
    mark = "2 0";
    work_out("1.5");
    is_str(done_text, "release example.com 1.5 60\n",
           "what later rules have marked is left alone");
    is_int(is_newer, 1, "and told");

    begin_failing();
    tlsrpt_buf_reset(&kept, 0);
    tlsrpt_buf_add(&kept, "2 1\n", 4);
    work_out("1.5");
    is_str(done_text, "release example.com 1.5 60\n", "and what they keep");
    is_int(is_newer, 1, "and told");
    tlsrpt_buf_reset(&kept, 0);
}


static void
test_too_late(void)
{
    begin_failing();
    committed = 0;
    work_out("1.5");
    is_str(done_text, INDEXES "commit - 1 0 - -" COMMIT_TAIL
                      INDEXES "commit - 1 0 - -" COMMIT_TAIL
                      INDEXES "commit - 1 0 - -" COMMIT_TAIL,
           "where others are always first, three tries");
    is_int(nevents, 0, "and no event");
}


/*
 * Odd replies
 */

static void
test_odd(void)
{
    static tlsrpt_reply_t   error = { TLSRPT_REPLY_ERROR, 0, "ERR no", 6, 0,
                                      NULL };
    static tlsrpt_reply_t   nil, empty = { TLSRPT_REPLY_ARRAY, 0, NULL, 0, 0,
                                           NULL };
    static tlsrpt_reply_t   number = { TLSRPT_REPLY_INTEGER, -1, NULL, 0, 0,
                                       NULL };
    static tlsrpt_reply_t   text = { TLSRPT_REPLY_STRING, 0, "\xff\0{", 3, 0,
                                     NULL };
    static tlsrpt_reply_t  *three[3] = { &number, &number, &text };
    static tlsrpt_reply_t   array = { TLSRPT_REPLY_ARRAY, 0, NULL, 0, 3,
                                      three };
    tlsrpt_reply_t         *all[] = { &error, &nil, &empty, &number, &text,
                                      &array };
    size_t                  n;

    begin_failing();
    work_out("1.5");
    n = ncommands;

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        for (odd_at = 0; odd_at < n; odd_at++) {
            begin_failing();
            odd = all[i];
            work_out("1.5");

            if (odd == &error) {
                is_int((long long) ncommands, (long long) odd_at + 1,
                       "an error ends it: nothing after command %zu", odd_at);
            }
        }
    }

    odd = NULL;
    begin_failing();
    mark = "1 0 and more than anybody writes there";
    work_out("1.5");
    ok(strstr(done_text, "commit - - - -") != NULL, "a mark that is too long");
}


int
main(void)
{
    setbuf(stdout, NULL);
    file_name = "reckoning";
    reader = tlsrpt_reader_create();

    test_opening();
    test_nothing();
    test_newer();
    test_too_late();
    test_odd();

    begin(TODAY, LAST);
    tlsrpt_buf_free(&kept);
    tlsrpt_buf_free(&committed_state);
    tlsrpt_reader_destroy(reader);

    return done();
}
