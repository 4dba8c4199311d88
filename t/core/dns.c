/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * TXT records: what is said of one that somebody wrote, and those we make.
 */

#include <stdlib.h>

#include "tap.h"
#include "mta_sts_policy.h"
#include "tlsrpt_dns.h"

#define MAILTO  "v=TLSRPTv1; rua=mailto:tls@example.com"
#define STS     "v=STSv1; id=20260101"


static tlsrpt_str_t
str(const char *text)
{
    tlsrpt_str_t  s = { text, text != NULL ? strlen(text) : 0 };

    return s;
}


/*
 * Checking
 */

static json_t *
check(const char *text, size_t len)
{
    json_t  *json = tlsrpt_dns_check(text, len);

    if (json == NULL) {
        abort();
    }

    return json;
}


/* Of a list of the answer: "at message", or "" where there is none. */

static const char *
nth(json_t *json, const char *list, size_t n)
{
    static char  text[512];
    json_t      *item = json_array_get(json_object_get(json, list), n);

    text[0] = '\0';

    if (json_is_string(item)) {
        snprintf(text, sizeof(text), "%s", json_string_value(item));

    } else if (item != NULL) {
        snprintf(text, sizeof(text), "%lld %s",
                 (long long) json_integer_value(json_object_get(item, "at")),
                 json_string_value(json_object_get(item, "message")));
    }

    return text;
}


static size_t
count(json_t *json, const char *list)
{
    return json_array_size(json_object_get(json, list));
}


/* It is valid, and there are so many warnings. */

static void
is_valid(const char *text, size_t nwarnings, const char *name)
{
    json_t  *json = check(text, strlen(text));

    if (!ok(json_is_true(json_object_get(json, "valid"))
            && count(json, "errors") == 0
            && count(json, "warnings") == nwarnings, "%s", name))
    {
        tap_show("error", nth(json, "errors", 0));
        tap_show("warning", nth(json, "warnings", 0));
    }

    json_decref(json);
}


/* The first item of the list is at this byte and says this, among others. */

static void
says(const char *list, const char *text, long at, const char *piece)
{
    char         want[32];
    json_t      *json = check(text, strlen(text));
    const char  *got = nth(json, list, 0);

    snprintf(want, sizeof(want), "%ld ", at);

    if (!ok(strncmp(got, want, strlen(want)) == 0
            && strstr(got, piece) != NULL
            && json_is_true(json_object_get(json, "valid"))
               == (count(json, "errors") == 0),
            "%s: %s", text, piece))
    {
        tap_show("got", got);
    }

    json_decref(json);
}


static void
test_sound(void)
{
    json_t  *json;

    is_valid(MAILTO, 0, "one address");
    is_valid(MAILTO ";", 0, "a semicolon at the end");
    is_valid("v=TLSRPTv1;rua=mailto:tls@example.com,https://r.example/v1", 0,
             "two URIs, no blanks");
    is_valid("v=TLSRPTv1;\t rua=mailto:tls@example.com , "
             "https://r.example/v1?token=x", 0, "blanks about");
    is_valid("v=TLSRPTv1; rua=mailto:a@example.com,https://[2001:db8::1]:8443/",
             0, "an address for a host");
    is_valid("v=TLSRPTv1; rua=MAILTO:tls@EXAMPLE.com", 0,
             "schemes in upper case");
    is_valid(MAILTO "?subject=x%20y", 0, "parameters of mailto:");
    is_valid(STS, 0, "a record of MTA-STS");
    is_valid("v=STSv1; id=a;", 0, "the shortest id");
    is_valid("v=STSv1; id=12345678901234567890123456789012", 0, "the longest");
    is_valid(MAILTO "\r\n", 0, "the end of a line");

    json = check("v=TLSRPTv1; rua=mailto:a@example.com,https://r.example/",
                 strlen("v=TLSRPTv1; rua=mailto:a@example.com,"
                        "https://r.example/"));
    is_int((long long) count(json, "rua"), 2, "its URIs");
    is_str(nth(json, "rua", 0), "mailto:a@example.com", "the first");
    is_str(nth(json, "rua", 1), "https://r.example/", "the second");
    json_decref(json);
}


static void
test_quoted(void)
{
    is_valid("\"v=TLSRPTv1; rua=mailto:\" \"tls@example.com\"", 0,
             "strings are put together without a blank");
    is_valid("\"v=TLSRPTv1\\; rua=mailto:tls@example.com\"", 0,
             "an escaped semicolon");
    says("errors", "\"v=TLSRPTv1; rua=mailto:tls@example.com", 39,
         "closing quotation mark");
    /* where it stands in what was given, quotation marks and all */
    says("errors", "\"v=TLSRPTv1;\" \" rua=ftp\"", 20, "not a URI");
    is_valid("v=TLSRPTv1; rua=mailto:tls@example.com; a=\\x", 1,
             "without quotation marks a backslash is one");
}


static void
test_version(void)
{
    says("errors", "", 0, "neither");
    says("errors", "v=TLSRPTv2; rua=mailto:a@example.com", 0, "neither");
    says("errors", "v=tlsrptv1; rua=mailto:a@example.com", 0, "neither");
    says("errors", " " MAILTO, 0, "neither");
    says("errors", "v=spf1 -all", 0, "neither");
    says("errors", "v=TLSRPTv1 rua=mailto:a@example.com", 11, "semicolon");
    says("errors", "v=TLSRPTv10; rua=mailto:a@example.com", 10, "semicolon");
}


static void
test_rua(void)
{
    says("errors", "v=TLSRPTv1", 10, "rua is missing");
    says("errors", "v=TLSRPTv1; a=b", 15, "rua is missing");
    says("errors", "v=TLSRPTv1; rua=", 16, "a URI is missing");
    says("errors", MAILTO ",", 39, "a URI is missing");
    says("errors", "v=TLSRPTv1; rua=tls@example.com", 16, "not a URI");
    says("errors", "v=TLSRPTv1; rua=mailto:tls", 23, "not a mail address");
    says("errors", "v=TLSRPTv1; rua=mailto:@example.com", 23,
         "not a mail address");
    says("errors", "v=TLSRPTv1; rua=mailto:tls@", 23, "not a mail address");
    says("errors", "v=TLSRPTv1; rua=mailto:tls@a..b", 23,
         "not a mail address");
    says("errors", "v=TLSRPTv1; rua=mailto:x?to=a@example.com", 23,
         "not a mail address");
    says("errors", "v=TLSRPTv1; rua=https:///path,mailto:a@example.com", 16,
         "the host is missing");
    says("errors", "v=TLSRPTv1; rua=https:r.example,mailto:a@example.com", 16,
         "the host is missing");
    says("errors", "v=TLSRPTv1; rua=mailto:tls<@example.com", 26,
         "not allowed in a URI");
    says("errors", "v=TLSRPTv1; rua=mailto:tls%4@example.com", 26,
         "hexadecimal");
    says("errors", "v=TLSRPTv1; rua=mailto:tls%g1@example.com", 26,
         "hexadecimal");
    says("errors", "v=TLSRPTv1; rua=mailto:tls@example.com%4", 38,
         "hexadecimal");
    says("errors", "v=TLSRPTv1; rua=mailto:tls@example.com!10m", 38, "%21");
    says("errors", "v=TLSRPTv1; rua=mailto:t,ls@example.com", 23,
         "mail address");
    says("errors", "v=TLSRPTv1; rua=mailto:t;ls@example.com", 23,
         "mail address");
    says("warnings", "v=TLSRPTv1; rua=mailto://tls@example.com", 23, "slashes");
    says("warnings", "v=TLSRPTv1 ; rua=mailto:tls@example.com", 10, "discard");
    says("errors", "v=TLSRPTv1; rua =mailto:tls@example.com", 12, "lower case");
    says("errors", "v=TLSRPTv1; RUA=mailto:tls@example.com", 12, "lower case");
    says("errors", "v=TLSRPTv1;\xc2\xa0rua=mailto:tls@example.com", 11,
         "no-break space");
    says("errors", "_smtp._tls.example.com. 3600 IN TXT \"v=TLSRPTv1; "
         "rua=mailto:tls@example.com\"", 0, "behind TXT");
    says("warnings", MAILTO ",http://r.example/", 39, "https:");
    says("warnings", MAILTO ",ftp://r.example/", 39, "mailto: and https:");
    says("warnings", "v=TLSRPTv1; rua=https://r.example/", 34, "no mailto:");
    says("warnings", "v=TLSRPTv1; rua=https://r.example/,mailto:a@example.com",
         16, "the first URI only");
    says("warnings", MAILTO "; rua=mailto:b@example.com", 40, "second rua");
}


static void
test_extension(void)
{
    says("warnings", MAILTO "; x=y", 40, "does not know");
    says("errors", MAILTO "; x", 41, "name=value");
    says("errors", MAILTO "; =y", 40, "name=value");
    says("errors", MAILTO "; -x=y", 40, "name=value");
    is_valid(MAILTO "; a_b-c.d=y", 1, "a name with signs");
    says("errors", MAILTO "; x=", 42, "value is missing");
    says("errors", MAILTO "; x=a b", 43, "not allowed in a field's value");
    says("errors", MAILTO "; x=a=b", 43, "not allowed in a field's value");
    says("errors", MAILTO "; x=a\x7f", 43, "not allowed in a field's value");
    says("errors", MAILTO "; x=\xc3\xa4", 42, "not allowed in a field's value");
    is_valid(MAILTO "; a2345678901234567890123456789012=y", 1, "32 bytes");
    says("errors", MAILTO "; a23456789012345678901234567890123=y", 73,
         "name=value");
    says("errors", MAILTO "; ; x=y", 40, "name=value");
}


static void
test_sts(void)
{
    says("errors", "v=STSv1", 7, "id is missing");
    says("errors", "v=STSv1; id=", 12, "1 to 32");
    says("errors", "v=STSv1; id=123456789012345678901234567890123", 12,
         "1 to 32");
    says("errors", "v=STSv1; id=2026-01-01", 16, "letters and digits");
    says("warnings", STS "; id=2", 22, "second id");
    says("warnings", STS "; mode=enforce", 22, "does not know");
}


static void
test_bounds(void)
{
    size_t   len, n = 0;
    char    *text = malloc(2 * TLSRPT_MAX_RECORD);
    json_t  *json;

    if (text == NULL) {
        abort();
    }

    len = (size_t) sprintf(text, "v=TLSRPTv1; rua=mailto:a@example.com");

    while (len + 30 < TLSRPT_MAX_RECORD) {
        len += (size_t) sprintf(text + len, ",mailto:a%zu@example.com", n++);
    }

    while (len < TLSRPT_MAX_RECORD) {
        text[len++] = ';';
    }

    json = check(text, len);
    is_int((long long) count(json, "rua"), TLSRPT_MAX_RUA,
           "so many URIs are looked at, and no more");
    ok(strstr(nth(json, "errors", 0), "more than 32 URIs") != NULL,
       "which is said");
    json_decref(json);

    memcpy(text + len - 31, ";rua=mailto:other@example.com", 29);
    json = check(text, len);
    is_int((long long) count(json, "rua"), TLSRPT_MAX_RUA,
           "those of a second rua neither");
    json_decref(json);
    memset(text + len - 31, ';', 29);

    text[len++] = ';';
    json = check(text, len);
    is_str(nth(json, "errors", 0), "4096 longer than 4096 bytes", "too long");
    is_int((long long) count(json, "rua"), 0, "it is not read at all");
    json_decref(json);

    says("errors", MAILTO "\n" MAILTO, 0, "several records");
    says("errors", STS "\n" STS, 0, "several records");
    says("warnings", MAILTO "\n\n" STS, 0, "senders discard them");
    says("warnings", "other=1\n" MAILTO "\nv=spf1 -all", 8, "discard them");
    says("errors", "other=1\nv=TLSRPTv1; rua=mailto:x!y@example.com", 32,
         "%21");
    is_valid(MAILTO "\n\n\n", 0, "empty lines are no records");
    free(text);
}


/*
 * Making
 */

static void
test_make(void)
{
    char          text[64];
    json_t       *json, *record;
    tlsrpt_str_t  rua[TLSRPT_MAX_RUA];

    rua[0] = str("mailto:a,b!c;d@example.com");
    rua[1] = str("https://r.example/?a,b");
    json = tlsrpt_dns_make(rua, 2);
    record = json_object_get(json, "record");
    is_str(json_string_value(json_object_get(record, "value")),
           "v=TLSRPTv1; rua=mailto:a%2Cb%21c%3Bd@example.com,"
           "https://r.example/?a%2Cb", "what a record cannot hold is encoded");
    is_str(json_string_value(json_object_get(record, "name")), "_smtp._tls",
           "its name");
    is_str(json_string_value(json_object_get(record, "type")), "TXT",
           "its type");
    ok(json_is_true(json_object_get(json, "valid")), "and it is checked");
    is_int((long long) count(json, "rua"), 2, "both are in it");
    json_decref(json);

    rua[0] = str("https://r.example/1");
    rua[1] = str("MAILTO:a@example.com");
    rua[2] = str("https://r.example/2");
    rua[3] = str("mailto:b@example.com");
    json = tlsrpt_dns_make(rua, 4);
    is_str(json_string_value(json_object_get(json_object_get(json, "record"),
                                             "value")),
           "v=TLSRPTv1; rua=MAILTO:a@example.com,mailto:b@example.com,"
           "https://r.example/1,https://r.example/2", "mailto: comes first");
    is_int((long long) count(json, "warnings"), 0, "as it should");
    json_decref(json);

    rua[0] = str("tls@example.com");
    json = tlsrpt_dns_make(rua, 1);
    ok(json_is_false(json_object_get(json, "valid")), "no URI");
    json_decref(json);

    json = tlsrpt_dns_make(rua, 0);
    is_str(nth(json, "errors", 0), "16 a URI is missing here", "none at all");
    json_decref(json);

    snprintf(text, sizeof(text), "mailto:some-long-name@some.long.example");

    for (size_t i = 0; i < TLSRPT_MAX_RUA; i++) {
        rua[i] = str(text);
    }

    json = tlsrpt_dns_make(rua, TLSRPT_MAX_RUA);
    is_int((long long) count(json, "rua"), TLSRPT_MAX_RUA, "as many as go");
    json_decref(json);
}


/* URIs that together are longer than a record may be. */

static void
test_make_long(void)
{
    char         *text = malloc(2 * TLSRPT_MAX_RECORD);
    json_t       *json;
    tlsrpt_str_t  rua[2];

    if (text == NULL) {
        abort();
    }

    memset(text, ',', 2 * TLSRPT_MAX_RECORD);
    memcpy(text, "mailto:", 7);

    for (size_t len = TLSRPT_MAX_RECORD / 3 - 12;
         len < TLSRPT_MAX_RECORD / 3 + 4; len++)
    {
        rua[0].data = text;
        rua[0].len = len;
        rua[1] = str("mailto:a@example.com");
        json = tlsrpt_dns_make(rua, 2);
        ok(json != NULL && json_string_length(json_object_get(
               json_object_get(json, "record"), "value")) < TLSRPT_MAX_RECORD,
           "%zu commas", len - 7);
        json_decref(json);
    }

    free(text);
}


/*
 * What to publish
 */

static tlsrpt_dns_domain_t
domain(const char *first, const char *second, const char *id, int mode)
{
    tlsrpt_dns_domain_t  d;

    memset(&d, 0, sizeof(d));
    d.domain = str("example.com");
    d.policy_id = str(id);
    d.mode = mode;
    d.rua[0] = str(first);
    d.rua[1] = str(second);
    d.nrua = (first != NULL) + (second != NULL);

    return d;
}


static json_t *
records_of(const tlsrpt_dns_domain_t *d)
{
    json_t  *json = tlsrpt_dns_records(d);

    if (json == NULL) {
        abort();
    }

    return json;
}


static void
is_record(json_t *json, size_t n, const char *name, const char *type,
    const char *value)
{
    json_t  *r = json_array_get(json_object_get(json, "records"), n);

    is_str(json_string_value(json_object_get(r, "name")), name, "a name");
    is_str(json_string_value(json_object_get(r, "type")), type, "its type");
    is_str(json_string_value(json_object_get(r, "value")), value, "its value");
    ok(json_string_length(json_object_get(r, "purpose")) > 20, "its purpose");
}


static void
advises(json_t *json, const char *piece)
{
    size_t   i;
    json_t  *advice;

    json_array_foreach(json_object_get(json, "advice"), i, advice) {
        if (strstr(json_string_value(advice), piece) != NULL) {
            ok(1, "advice: %s", piece);
            return;
        }
    }

    ok(0, "advice: %s", piece);
}


static void
test_records(void)
{
    json_t               *json;
    tlsrpt_dns_domain_t   d;

    d = domain("https://r.example:8443/v1", "mailto:tls@example.com", "id1",
               MTA_STS_ENFORCE);
    json = records_of(&d);
    is_str(json_string_value(json_object_get(json, "domain")), "example.com",
           "the domain");
    is_int((long long) count(json, "records"), 3, "three records");
    is_record(json, 0, "_smtp._tls.example.com", "TXT",
              "v=TLSRPTv1; rua=mailto:tls@example.com,"
              "https://r.example:8443/v1");
    is_record(json, 1, "mta-sts.example.com", "CNAME", "r.example.");
    is_record(json, 2, "_mta-sts.example.com", "TXT", "v=STSv1; id=id1");
    is_int((long long) count(json, "advice"), 0, "nothing to be better");
    json_decref(json);

    d = domain("https://r.example/", NULL, NULL, MTA_STS_NONE);
    json = records_of(&d);
    is_int((long long) count(json, "records"), 1, "without a policy: one");
    is_int((long long) count(json, "advice"), 2, "two pieces of advice");
    advises(json, "mailto:");
    advises(json, "No MTA-STS policy");
    json_decref(json);

    d = domain(NULL, NULL, "id1", MTA_STS_TESTING);
    json = records_of(&d);
    is_int((long long) count(json, "records"), 1, "without an address: one");
    is_int((long long) count(json, "advice"), 3, "three pieces of advice");
    advises(json, "does not know under which address");
    advises(json, "A and AAAA");
    advises(json, "mode testing");
    json_decref(json);

    d = domain("https://r.example/", "mailto:tls@example.com", "id1",
               MTA_STS_NONE);
    json = records_of(&d);
    is_int((long long) count(json, "records"), 3, "mode none has its records");
    is_int((long long) count(json, "advice"), 1, "one piece of advice");
    advises(json, "largest max_age");
    json_decref(json);

    d = domain("mailto:tls@example.com", "https://[2001:db8::1]/", "id1",
               MTA_STS_ENFORCE);
    json = records_of(&d);
    is_int((long long) count(json, "records"), 2,
           "an address is no target of a CNAME");
    advises(json, "A and AAAA");
    json_decref(json);
}


static void
test_zone(void)
{
    char                 *zone, *strings, uri[600];
    size_t                len;
    json_t               *json;
    tlsrpt_dns_domain_t   d;

    d = domain("https://r.example/", "mailto:tls@example.com", "id1",
               MTA_STS_ENFORCE);
    json = records_of(&d);
    zone = tlsrpt_dns_zone(json, &len);
    json_decref(json);
    is_int((long long) strlen(zone), (long long) len, "its length");
    ok(strstr(zone, "\n_smtp._tls.example.com. 3600 IN TXT \"v=TLSRPTv1; "
                    "rua=mailto:tls@example.com,https://r.example/\"\n")
       != NULL, "a TXT record, quoted");
    ok(strstr(zone, "\nmta-sts.example.com. 3600 IN CNAME r.example.\n")
       != NULL, "a CNAME is not");
    ok(zone[0] == ';' && zone[1] == ' ', "a comment says why");
    free(zone);

    /* v=TLSRPTv1; rua= and this: 16 and 512 bytes */
    memset(uri, 'a', sizeof(uri));
    memcpy(uri, "mailto:", 7);
    strcpy(uri + 500, "@example.com");
    d = domain(uri, NULL, NULL, MTA_STS_NONE);
    json = records_of(&d);
    zone = tlsrpt_dns_zone(json, &len);
    json_decref(json);
    strings = strstr(zone, "TXT ");
    is_int((long long) strcspn(strings + 5, "\""), 255,
           "a string has 255 bytes");
    ok(strncmp(strings + 4 + 257, " \"a", 3) == 0, "and another follows");
    is_int((long long) strcspn(strings + 4 + 257 + 2, "\""), 255,
           "of 255 again");
    is_int((long long) strcspn(strings + 4 + 257 + 2 + 258, "\""),
           16 + 512 - 510, "and the rest");
    free(zone);
}


int
main(void)
{
    test_sound();
    test_quoted();
    test_version();
    test_rua();
    test_extension();
    test_sts();
    test_bounds();
    test_make();
    test_make_long();
    test_records();
    test_zone();

    return done();
}
