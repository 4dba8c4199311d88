/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Closed months as they are stored: heads, chunks, runs of digests, and what
 * is none of these; when a month is closed; what of them a scan of days shows.
 */

#define _GNU_SOURCE

#include "tap.h"
#include "report.h"
#include "tlsrpt_closed.h"
#include "tlsrpt_day_scan.h"

#define JANUARY  20454                      /* 2026-01-01 */
#define MARCH    (JANUARY + 59)


static tlsrpt_reply_t
string(const void *data, size_t len)
{
    tlsrpt_reply_t  reply;

    memset(&reply, 0, sizeof(reply));
    reply.type = TLSRPT_REPLY_STRING;
    reply.str = data;
    reply.len = len;

    return reply;
}


static void
test_due(void)
{
    is_int(tlsrpt_closed_due(JANUARY), JANUARY + 31 + 7,
           "a week after its end");
    is_int(tlsrpt_closed_due(JANUARY + 30), JANUARY + 31 + 7, "whatever day");
    is_int(tlsrpt_closed_due(JANUARY - 1), JANUARY + 7, "over the year's end");
    ok(!tlsrpt_closed_perhaps(JANUARY, JANUARY + 35), "not yet");
    ok(tlsrpt_closed_perhaps(JANUARY, JANUARY + 36),
       "two days before, another's clock may say so");
    ok(!tlsrpt_closed_perhaps(JANUARY, JANUARY), "a day itself");
    ok(!tlsrpt_closed_perhaps(JANUARY + 30, JANUARY), "a day to come");
}


static void
fill(tlsrpt_closed_t *closed)
{
    memset(closed, 0, sizeof(*closed));
    memset(closed->salt, 's', sizeof(closed->salt));
    closed->stream = 70000;
    closed->nchunks = 2;
    closed->nruns = 3;
    closed->ndigests = 1ULL << 40;
    closed->days[0].reports = 1;
    closed->days[30].reports = TLSRPT_MAX_COUNT;
    closed->days[30].successful = TLSRPT_MAX_COUNT;
    closed->days[30].failed = 300;
    closed->days[30].overflow = 5;
}


static void
test_head(void)
{
    tlsrpt_buf_t     buf = { NULL, 0, 0, 0 };
    tlsrpt_reply_t   reply;
    tlsrpt_closed_t  closed, read, none;

    memset(&none, 0, sizeof(none));
    fill(&closed);
    tlsrpt_closed_put(&buf, &closed);
    reply = string(buf.data, buf.len);
    is_int(tlsrpt_closed_parse(&reply, &read), 1, "a head is read");
    ok(memcmp(&read, &closed, sizeof(read)) == 0, "as it was put");

    reply.len = 35;
    is_int(tlsrpt_closed_parse(&reply, &read), 1, "one of no days");
    is_int((long long) read.days[0].reports, 0, "has none");

    for (size_t len = 1; len < buf.len; len++) {
        reply.len = len;

        if (len != 35 && len != 40
            && !ok(tlsrpt_closed_parse(&reply, &read) == -1
                   && memcmp(&read, &none, sizeof(read)) == 0,
                   "%zu bytes of it are none", len))
        {
            break;
        }
    }

    buf.data[0] = 2;
    reply.len = buf.len;
    is_int(tlsrpt_closed_parse(&reply, &read), -1, "a later version");
    buf.data[0] = 1;
    buf.data[35] = 32;
    is_int(tlsrpt_closed_parse(&reply, &read), -1, "the 32nd of a month");
    reply.len = 0;
    is_int(tlsrpt_closed_parse(&reply, &read), 0, "an empty one");
    reply.type = TLSRPT_REPLY_NIL;
    is_int(tlsrpt_closed_parse(&reply, &read), 0, "none");
    reply.type = TLSRPT_REPLY_INTEGER;
    is_int(tlsrpt_closed_parse(&reply, &read), -1, "a number");
    tlsrpt_buf_free(&buf);
}


static void
test_chunk(void)
{
    tlsrpt_buf_t    text = { NULL, 0, 0, 0 }, buf = { NULL, 0, 0, 0 };
    tlsrpt_reply_t  reply;
    tlsrpt_chunk_t  chunk = { NULL, 0, 0, 0 };
    tlsrpt_piece_t  piece;

    tlsrpt_chunk_add(&text, 1, "one", 3);
    tlsrpt_chunk_add(&text, 31, "", 0);
    tlsrpt_chunk_add(&text, 7, "seven\0", 6);
    is_int(tlsrpt_chunk_write(&buf, 1000, &text), 0, "a chunk is written");
    reply = string(buf.data, buf.len);
    is_int(tlsrpt_chunk_read(&chunk, &reply), 0, "and read");
    ok(tlsrpt_chunk_next(&chunk, &piece) && piece.day == 1 && piece.len == 3
       && piece.at == 1000 && memcmp(piece.data, "one", 3) == 0, "a piece");
    ok(tlsrpt_chunk_next(&chunk, &piece) && piece.day == 31 && piece.len == 0
       && piece.at == 1005, "an empty one");
    ok(tlsrpt_chunk_next(&chunk, &piece) && piece.day == 7 && piece.len == 6
       && memcmp(piece.data, "seven\0", 6) == 0, "the last");
    ok(!tlsrpt_chunk_next(&chunk, &piece), "no more");
    ok(!tlsrpt_chunk_next(&chunk, &piece), "nor later");

    for (size_t len = 0; len < buf.len; len++) {
        reply.len = len;

        if (!ok(tlsrpt_chunk_read(&chunk, &reply) == 0
                && !tlsrpt_chunk_next(&chunk, &piece),
                "%zu bytes of it are none", len))
        {
            break;
        }
    }

    /* what is no piece ends the text */
    text.len = 0;
    buf.len = 0;
    tlsrpt_chunk_add(&text, 32, "x", 1);
    tlsrpt_chunk_add(&text, 1, "x", 1);
    is_int(tlsrpt_chunk_write(&buf, 0, &text), 0, "the 32nd of a month");
    reply = string(buf.data, buf.len);
    ok(tlsrpt_chunk_read(&chunk, &reply) == 0
       && !tlsrpt_chunk_next(&chunk, &piece), "is none");

    tlsrpt_chunk_free(&chunk);
    tlsrpt_buf_free(&text);
    tlsrpt_buf_free(&buf);
}


static void
test_run(void)
{
    size_t            half;
    tlsrpt_buf_t      run = { NULL, 0, 0, 0 }, one = { NULL, 0, 0, 0 };
    tlsrpt_reply_t    members[4], *elements[4], array;
    tlsrpt_closed_t   closed;
    static const char *const names[] = { "-5", "17", "9223372036854775807",
                                         "17" };

    fill(&closed);
    memset(&array, 0, sizeof(array));
    array.type = TLSRPT_REPLY_ARRAY;
    array.elements = elements;
    array.nelements = 4;

    for (int i = 0; i < 4; i++) {
        members[i] = string(names[i], strlen(names[i]));
        elements[i] = &members[i];
    }

    tlsrpt_run_add(&run, &closed, &array);
    is_int((long long) run.len, 24, "six bytes a digest");
    tlsrpt_run_sort(&run);
    is_int((long long) run.len, 18, "each once");
    ok(memcmp(run.data, run.data + 6, 6) < 0
       && memcmp(run.data + 6, run.data + 12, 6) < 0, "in order");

    half = run.len;
    tlsrpt_run_add(&run, &closed, &array);
    tlsrpt_run_sort(&run);
    is_int((long long) run.len, (long long) half, "the same again add nothing");

    closed.salt[0]++;
    tlsrpt_run_add(&one, &closed, &array);
    ok(memmem(run.data, run.len, one.data, 6) == NULL,
       "another month has others");

    elements[0]->type = TLSRPT_REPLY_INTEGER;
    array.nelements = 1;
    one.len = 0;
    tlsrpt_run_add(&one, &closed, &array);
    tlsrpt_run_sort(&one);
    is_int((long long) one.len, 0, "what is no string is passed over");
    tlsrpt_buf_free(&run);
    tlsrpt_buf_free(&one);
}


/*
 * A scan
 */

static char            totals[TOTALS_SIZE];
static tlsrpt_buf_t    head, later, chunk;
static tlsrpt_reply_t  parts[4], *elements[4], pair, open;
static tlsrpt_reply_t *of_pair[2] = { &parts[0], &open };


/* [head, what is beside it] */

static const tlsrpt_reply_t *
pair_of(const tlsrpt_buf_t *of, tlsrpt_reply_t beside_it)
{
    parts[0] = string(of->data, of->len);
    open = beside_it;
    memset(&pair, 0, sizeof(pair));
    pair.type = TLSRPT_REPLY_ARRAY;
    pair.elements = of_pair;
    pair.nelements = 2;

    return &pair;
}


/* The 2nd of January has a report in the closed month, and one beside it. */

static tlsrpt_reply_t
open_month(void)
{
    tlsrpt_reply_t  month;

    memset(&month, 0, sizeof(month));
    month.type = TLSRPT_REPLY_ARRAY;
    month.elements = elements;
    month.nelements = 2;
    parts[1] = string("2", 1);
    parts[2] = string(totals, put_totals(totals, "1 20 0 4"));
    elements[0] = &parts[1];
    elements[1] = &parts[2];

    return month;
}


static void
put_closed(void)
{
    tlsrpt_buf_t     text = { NULL, 0, 0, 0 };
    tlsrpt_closed_t  closed;

    fill(&closed);
    closed.nchunks = 1;
    memset(closed.days, 0, sizeof(closed.days));
    closed.days[1].reports = 1;
    closed.days[1].successful = 10;

    tlsrpt_chunk_add(&text, 2, "closed", 6);
    closed.stream = text.len;
    tlsrpt_closed_put(&head, &closed);

    /* what was open is closed, too */
    tlsrpt_chunk_add(&text, 2, "open", 4);
    tlsrpt_chunk_add(&text, 3, "other", 5);
    closed.stream = text.len;
    tlsrpt_closed_put(&later, &closed);

    if (tlsrpt_chunk_write(&chunk, 0, &text) != 0) {
        abort();
    }

    tlsrpt_buf_free(&text);
}


/* What logs the scan shows, in one text; moved: the log has been closed between
   the totals and it. */

static const char *
scan_logs(const tlsrpt_query_t *query, int moved)
{
    size_t                   n, day;
    tlsrpt_str_t             log;
    tlsrpt_reply_t           reply;
    tlsrpt_day_scan_t        scan;
    const tlsrpt_command_t  *c;
    const tlsrpt_reply_t    *r;
    static char              text[256];

    text[0] = '\0';

    if (tlsrpt_day_scan_init(&scan, query, str("example.com"), str("t")) != 0) {
        abort();
    }

    while ((c = tlsrpt_day_scan_next(&scan, &n)) != NULL) {
        memset(&reply, 0, sizeof(reply));

        if (strcmp(verb_of(c), "HGETALL") == 0
            && strstr(key_of(c), "2026-01"))
        {
            r = pair_of(&head, open_month());

        } else if (strcmp(verb_of(c), "GET") == 0) {
            r = pair_of(moved ? &later : &head,
                        moved ? string("", 0) : string("open", 4));

        } else if (c->argc == 3 && strcmp(c->argv[2], "c0") == 0) {
            reply = string(chunk.data, chunk.len);
            r = &reply;

        } else {
            r = &reply;
        }

        if (tlsrpt_day_scan_add(&scan, n, r) != 0) {
            abort();
        }

        while (tlsrpt_day_scan_log(&scan, &day, &log)) {
            size_t  len = strlen(text);

            snprintf(text + len, sizeof(text) - len, "%zu:%.*s ", day,
                     (int) log.len, log.data);
        }
    }

    is_int((long long) scan.days[1].reports, query->oldest > JANUARY ? 0 : 2,
           "its totals");
    is_int((long long) scan.days[1].successful,
           query->oldest > JANUARY ? 0 : 30, "are the sums of both");
    tlsrpt_day_scan_free(&scan);

    return text;
}


static void
test_scan(void)
{
    tlsrpt_query_t  query;

    put_closed();
    tlsrpt_query_init(&query, (int64_t) MARCH * TLSRPT_DAY);
    query.from = JANUARY;
    query.to = JANUARY + 30;
    is_str(scan_logs(&query, 0), "1:open 1:closed ",
           "the log, and what was closed when it was read");
    is_str(scan_logs(&query, 1), "1:closed 1:open ",
           "closed in between: it is read there, once");
    tlsrpt_query_retain(&query, (unsigned) (MARCH - JANUARY - 2));
    is_str(scan_logs(&query, 0), "", "past the retention: none");

    tlsrpt_buf_free(&head);
    tlsrpt_buf_free(&later);
    tlsrpt_buf_free(&chunk);
}


int
main(void)
{
    test_due();
    test_head();
    test_chunk();
    test_run();
    test_scan();

    return done();
}
