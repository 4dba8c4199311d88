/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Reports as they are kept: the text comes back byte for byte, short or long;
 * of a report on several domains each has its own cut, which reads as the
 * report did; what it may take; and entries of every kind, back and forth.
 */

#include "tap.h"
#include "kept.h"
#include "report.h"
#include "tlsrpt_inflate.h"
#include "tlsrpt_listing.h"
#include "tlsrpt_zstd.h"

#define DAY  20463                          /* 2026-01-10 */

static tlsrpt_reader_t  *reader;
static tlsrpt_ingest_t   ingested;

static char              body[512 * 1024];
static size_t            body_len;


/*
 * Reports
 */

static void
put(const char *text)
{
    size_t  len = strlen(text);

    memcpy(body + body_len, text, len + 1);
    body_len += len;
}


/* An item of policies, and what stands around it; name NULL: none. */

static void
put_policy(const char *name, unsigned successful, const char *more)
{
    char  text[512];

    snprintf(text, sizeof(text), "{\"policy\":{\"policy-type\":\"sts\"%s%s%s},"
             "%s\"summary\":{\"total-successful-session-count\":%u,"
             "\"total-failure-session-count\":0}}",
             name != NULL ? ",\"policy-domain\":\"" : "",
             name != NULL ? name : "", name != NULL ? "\"" : "", more,
             successful);
    put(text);
}


static void
begin(const char *more)
{
    body_len = 0;
    put("{\"organization-name\":\"Example\","
        "\"contact-info\":\"me@sender.example\",");
    put(more);
    put("\"report-id\":\"1\",\"date-range\":{\"start-datetime\":"
        "\"2026-01-10T00:00:00Z\",\"end-datetime\":\"2026-01-10T23:59:59Z\"},"
        "\"policies\" : [ ");
}


static void
end(void)
{
    put(" ] }\n");
}


/* A member that makes the text a long one. */

static const char *
long_member(void)
{
    size_t       n = 0;
    static char  member[40000] = "\"x\":[";

    for (n = strlen(member); n < 30000; n++) {
        member[n] = "\"some more of it, and on and on\","[(n - 5) % 33];
    }

    while ((n - 5) % 33) {
        n--;
    }

    strcpy(member + n, "\"\"],");

    return member;
}


static const tlsrpt_report_t *
parse(const char *domain)
{
    const tlsrpt_report_t  *report = read_report(reader, body, body_len,
                                                 domain);

    if (report == NULL) {
        fprintf(stderr, "%s: %s\n", tlsrpt_reader_error(reader)->path,
                tlsrpt_reader_error(reader)->detail);
        abort();
    }

    ingested.original.data = body;
    ingested.original.len = body_len;

    return report;
}


static unsigned
domain_of(const tlsrpt_report_t *report, const char *name)
{
    unsigned  i = 0;

    while (!tlsrpt_str_is(report->domains[i], name)) {
        if (++i == report->ndomains) {
            abort();
        }
    }

    return i;
}


/*
 * What is kept, and what comes back
 */

static tlsrpt_buf_t        entry, text_key;
static tlsrpt_kept_head_t  head;
static char                text[sizeof(body)];
static size_t              text_len;


static void
unpack_long(void)
{
    int               rc = 0;
    size_t            n;
    tlsrpt_str_t      piece;
    tlsrpt_unzstd_t  *unzstd = tlsrpt_unzstd_create();

    /* by pieces of a few bytes, into room for a few */

    for (size_t i = 0; i < text_key.len && rc == 0; i += piece.len) {
        piece.data = text_key.data + i;
        piece.len = text_key.len - i < 7 ? text_key.len - i : 7;

        for (tlsrpt_str_t p = piece; rc == 0; ) {
            n = 100;
            rc = tlsrpt_unzstd_next(unzstd, &p, text + text_len, &n);
            text_len += n;

            if (p.len == 0 && n < 100) {
                break;
            }
        }
    }

    is_int(rc, 1, "a frame, to its end");
    tlsrpt_unzstd_destroy(unzstd);
}


/* Keeps the report's part of the domain, and reads it back; 1: it is kept. */

static int
keep_one(const tlsrpt_report_t *report, const char *name)
{
    int             rc;
    tlsrpt_tally_t  tally;
    tlsrpt_kept_t   kept;
    tlsrpt_reply_t  reply = { .type = TLSRPT_REPLY_STRING };
    unsigned        domain = domain_of(report, name);

    memset(&kept, 0, sizeof(kept));

    if (tlsrpt_tally_report(&tally, report, domain) != 0) {
        abort();
    }

    rc = tlsrpt_kept_encode(&kept, report, domain, &tally, &ingested,
                            (const unsigned char *) "12345678");
    tlsrpt_tally_free(&tally);
    tlsrpt_buf_reset(&entry, 0);
    tlsrpt_buf_free(&text_key);
    put_place(&entry, 300);
    tlsrpt_buf_add(&entry, kept.entry.data, kept.entry.len);
    text_key = kept.text;
    memset(&kept.text, 0, sizeof(kept.text));
    tlsrpt_kept_free(&kept);

    if (rc != 1) {
        return rc;
    }

    reply.str = entry.data;
    reply.len = entry.len;
    is_int(tlsrpt_kept_decode(&head, DAY, &reply), 0, "an entry");
    is_int(head.index, 300, "in its place");
    text_len = 0;

    if (head.digest == NULL) {
        text_len = tlsrpt_kept_text(&head, text);

    } else {
        unpack_long();
        is_int((long long) head.size, (long long) text_len, "of its size");
    }

    text[text_len] = '\0';

    return 1;
}


static void
is_text(const char *want, size_t len, const char *name)
{
    ok(text_len == len && memcmp(text, want, len) == 0, "%s", name);
}


/* What the text says of the domain is what the report did: the identity is
   made of all of it. */

static void
reads_the_same(const char *name, const char *given)
{
    tlsrpt_reader_t        *again = tlsrpt_reader_create();
    tlsrpt_str_t            domain = str(name);
    tlsrpt_tally_t          tally;
    const tlsrpt_report_t  *report;
    tlsrpt_reader_conf_t    conf;
    unsigned char           was[TLSRPT_DIGEST_LEN], is[TLSRPT_DIGEST_LEN];

    report = parse(given);

    if (tlsrpt_identity(report, domain_of(report, name), was) != 0) {
        abort();
    }

    tlsrpt_listing_conf(&conf, &head, domain);
    tlsrpt_reader_reset(again, &conf);
    ok(tlsrpt_reader_feed(again, text, text_len) == TLSRPT_OK
       && tlsrpt_reader_finish(again, &report) == TLSRPT_OK,
       "%s: what is kept is a report", name);
    ok(report->ndomains == 1
       && tlsrpt_str_equal(report->domains[0], domain), "on it alone");
    ok(tlsrpt_identity(report, 0, is) == 0
       && memcmp(was, is, sizeof(was)) == 0, "and says the same");
    ok(tlsrpt_tally_report(&tally, report, 0) == 0
       && tally.successful == head.successful, "and counts the same");
    tlsrpt_tally_free(&tally);
    tlsrpt_reader_destroy(again);
}


/*
 * Tests
 */

static void
test_whole(void)
{
    begin("");
    put_policy("a.example", 1, "");
    put(",\n");
    put_policy("a.example", 2, "");
    end();
    is_int(keep_one(parse(NULL), "a.example"), 1, "a short text");
    is_text(body, body_len, "byte for byte");
    is_int(head.flags, 0, "nothing is cut");
    reads_the_same("a.example", NULL);

    begin(long_member());
    put_policy("a.example", 1, "");
    end();
    is_int(keep_one(parse(NULL), "a.example"), 1, "a long text");
    is_text(body, body_len, "byte for byte");
    is_int(head.flags, TLSRPT_KEPT_LARGE, "in a key of its own");
    ok(memcmp(head.digest, "12345678", 8) == 0, "whose name is known");
    ok(tlsrpt_kept_text(&head, text) == 0, "and not in the entry");
    reads_the_same("a.example", NULL);
}


/* Of three domains, in each order, with white space of all kinds around. */

static void
test_cut(const char *more, unsigned flags)
{
    static const char *const  orders[] = {
        "abc", "aab", "bac", "cba", "ccaab", "abcabc", "ab", "ba"
    };

    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        char  name[] = "a.example";

        begin(more);

        for (const char *p = orders[i]; *p; p++) {
            name[0] = *p;
            put(p == orders[i] ? "" : p - orders[i] == 1 ? "," : " ,\t\n ");
            put_policy(name, (unsigned) (p - orders[i]) + 1, "");
        }

        end();

        for (const char *p = "abc"; *p; p++) {
            name[0] = *p;

            if (strchr(orders[i], *p) == NULL) {
                continue;
            }

            is_int(keep_one(parse(NULL), name), 1, "%s of %s", name,
                   orders[i]);
            is_int(head.flags, (long long) flags | TLSRPT_KEPT_CUT, "is cut");

            for (const char *q = "abc"; *q; q++) {
                char  other[] = "a.example";

                other[0] = *q;
                ok((strstr(text, other) != NULL) == (*q == *p),
                   "%s is in it, or not", other);
            }

            reads_the_same(name, NULL);
        }
    }
}


/* A policy that names nobody is whose it was taken for, and nobody else's;
   where nothing told, it stays left out. */

static void
test_unnamed(void)
{
    begin("");
    put_policy("a.example", 1, "");
    put(",");
    put_policy(NULL, 2, "");
    put(",");
    put_policy("b.example", 3, "");
    end();
    keep_one(parse("c.example"), "c.example");
    is_int(head.flags, TLSRPT_KEPT_UNNAMED | TLSRPT_KEPT_CUT, "given to c");
    ok(strstr(text, "a.example") == NULL, "without those of others");
    reads_the_same("c.example", "c.example");

    keep_one(parse("c.example"), "a.example");
    is_int(head.flags, TLSRPT_KEPT_CUT, "not to a");
    ok(strstr(text, "count\":2") == NULL, "who does not have it");

    keep_one(parse(NULL), "a.example");
    is_int(head.flags, TLSRPT_KEPT_CUT, "given to nobody");
    ok(strstr(text, "count\":2") != NULL, "all are shown it");
    reads_the_same("a.example", NULL);
}


/* All that is kept of a report takes at most 16 bytes for one of its body. */

static void
test_bounds(void)
{
    char         name[32];
    size_t       kept = 0, n, len;
    static char  more[16000] = "\"x\":\"";

    len = strlen(more);

    for (unsigned i = 1; len < 12000; i++) {
        len += (size_t) snprintf(more + len, sizeof(more) - len, "%x",
                                 i * i * 7919u * 7919u);
    }

    strcpy(more + len, "\",");
    begin(more);
    n = 0;

    for (unsigned i = 0; i < 8; i++) {
        snprintf(name, sizeof(name), "d%u.example", i);
        put(i ? "," : "");
        put_policy(name, i, "");
    }

    end();

    for (unsigned i = 0; i < 8; i++) {
        const tlsrpt_report_t  *report = parse(NULL);

        snprintf(name, sizeof(name), "d%u.example", i);
        ingested.original.len = 7000;       /* as if it had been zipped */

        if (keep_one(report, name) == 1) {
            kept += entry.len + 256;
            n++;
        }
    }

    ok(kept <= 16 * 7000, "%zu bytes of 7000", kept);
    ok(n == 8, "honest ones are all kept");

    for (size_t size = 100; size < 40000; size *= 2) {
        const tlsrpt_report_t  *report = parse(NULL);

        ingested.original.len = size;

        if (keep_one(report, "d3.example") == 1) {
            ok(8 * (entry.len - 5 + 256) <= 16 * size, "fits into %zu", size);

        } else {
            ok(size < 7000, "does not fit into %zu", size);
        }
    }
}


/* How it came, as only the entry knows. */

static void
test_way(void)
{
    begin("");
    put_policy("a.example", 1, "");
    end();
    ingested.via = TLSRPT_VIA_MAIL;
    ingested.signer = str("sender.example");
    ingested.address.data = "\xc0\x00\x02\x01";
    ingested.address.len = 4;

    for (long long after = -86400 * 3; after < 86400LL * 400; after += 50021) {
        ingested.now = (DAY + 1LL) * 86400 + after;
        keep_one(parse(NULL), "a.example");
        is_int(head.received, ingested.now, "received");
    }

    ok(head.flags & TLSRPT_KEPT_MAIL, "by mail");
    ok(tlsrpt_str_is(head.signer, "sender.example"), "who signed it");
    ok(head.address.len == 4
       && memcmp(head.address.data, "\xc0\x00\x02\x01", 4) == 0,
       "who sent it");
    is_text(body, body_len, "and the text");
    memset(&ingested.signer, 0, sizeof(ingested.signer));
    memset(&ingested.address, 0, sizeof(ingested.address));
    ingested.via = TLSRPT_VIA_HTTPS;
    ingested.now = NOW;
}


static int
is_id(const char *id)
{
    int32_t   day;
    unsigned  index;

    return tlsrpt_id_parse(id, strlen(id), &day, &index) == 0;
}


static void
test_ids(void)
{
    char      id[TLSRPT_ID_LEN + 1];
    int32_t   day;
    unsigned  index;

    static const char *const  none[] = {
        "", "20260110", "20260110-", "20260110-1", "20260110-1-0123456",
        "20260110-1-012345678", "20260110-01-01234567", "20260110--01234567",
        "20260110-1-0123456A", "20260110-65536-01234567", "20260132-1-01234567",
        "20260110-1x-01234567", "20260110-123456-01234567",
        "2026011011-01234567"
    };

    memset(&head, 0, sizeof(head));
    head.check = 0xabc;
    head.index = 65535;
    tlsrpt_id_make(id, DAY, &head);
    is_str(id, "20260110-65535-00000abc", "the longest id");
    is_int(tlsrpt_id_parse(id, strlen(id), &day, &index), 0, "is one");
    ok(day == DAY && index == 65535, "of its day and place");
    ok(is_id("20260110-0-01234567"), "the first");

    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        ok(!is_id(none[i]), "\"%s\" is none", none[i]);
    }
}


/* Others' bytes: nothing is read beyond them. */

static void
test_broken(void)
{
    char            *copy;
    tlsrpt_reply_t   reply = { .type = TLSRPT_REPLY_STRING };

    begin("");
    put_policy("a.example", 1, "");
    end();
    ingested.signer = str("sender.example");
    keep_one(parse(NULL), "a.example");

    for (size_t len = 0; len < entry.len; len++) {
        copy = malloc(len + 1);
        memcpy(copy, entry.data, len);
        reply.str = copy;
        reply.len = len;

        if (tlsrpt_kept_decode(&head, DAY, &reply) == 0) {
            is_int((long long) tlsrpt_kept_text(&head, text), 0,
                   "%zu bytes of it are no text", len);
        }

        free(copy);
    }

    entry.data[5] = TLSRPT_KEPT_VERSION + 1;
    reply.str = entry.data;
    reply.len = entry.len;
    is_int(tlsrpt_kept_decode(&head, DAY, &reply), -1, "of a later version");
    is_int(tlsrpt_kept_index(&reply), 300, "whose place is known");
}


int
main(void)
{
    reader = tlsrpt_reader_create();
    ingested.now = NOW;
    test_whole();
    test_cut("", 0);
    test_cut(long_member(), TLSRPT_KEPT_LARGE);
    test_unnamed();
    test_bounds();
    test_way();
    test_ids();
    test_broken();

    tlsrpt_buf_free(&entry);
    tlsrpt_buf_free(&text_key);
    tlsrpt_reader_destroy(reader);

    return done();
}
