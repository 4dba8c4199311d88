/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * MTA-STS policies: what is read, what is refused or advised and where, and
 * what is served.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "mta_sts_policy.h"


#define HEAD   "version: STSv1\n"
#define SOUND  HEAD "mode: enforce\nmx: mx.example.com\nmax_age: 604800\n"

static mta_sts_policy_t  policy;
static char              told[16384];


/* Each remark as a line: "E2 message". */

static void
tell(void *ctx, int is_error, size_t at, const char *section,
    const char *message)
{
    size_t  len = strlen(told);

    (void) ctx;

    if (strncmp(section, "RFC 8461 ", 9) != 0) {
        abort();
    }

    snprintf(told + len, sizeof(told) - len, "%c%zu %s\n",
             is_error ? 'E' : 'A', at, message);
}


/* The text is read from memory of just its size. */

static int
parse_bytes(const char *text, size_t len)
{
    int    rc;
    char  *copy = malloc(len ? len : 1);

    if (copy == NULL) {
        abort();
    }

    memcpy(copy, text, len);
    told[0] = '\0';
    rc = mta_sts_policy_parse(copy, len, &policy, tell, NULL);
    free(copy);

    return rc;
}


static int
parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}


static const char *
text_of(void)
{
    static char  text[MTA_STS_MAX_SIZE + 1];

    text[mta_sts_policy_text(&policy, text, MTA_STS_MAX_SIZE)] = '\0';

    return text;
}


/* Lives for one call more. */

static const char *
id_of(const char *text)
{
    static char  ids[2][MTA_STS_ID_LEN + 1];
    static int   n;
    char        *id = ids[n++ % 2];

    if (parse(text) != 0) {
        abort();
    }

    mta_sts_policy_id(&policy, id);

    return id;
}


/* Read, and nothing to say. */

static void
test_sound(void)
{
    static const char *const  texts[] = {
        SOUND,
        HEAD "mode: enforce\nmx: mx.example.com\nmax_age: 604800",
        "version: STSv1\r\nmode: enforce\r\nmx: mx.example.com\r\n"
            "max_age: 604800\r\n",
        "version:STSv1 \nmode:\tenforce\t \r\nmx:  MX.Example.COM\n"
            "max_age: 0000604800\r\n",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        is_int(parse(texts[i]), 0, "sound policy %zu", i);
        is_str(told, "", "nothing is told of it");
        is_str(text_of(), "version: STSv1\r\nmode: enforce\r\n"
                          "mx: mx.example.com\r\nmax_age: 604800\r\n",
               "it is served in CRLF lines");
    }

    is_int(parse(HEAD "mode: none\nmax_age: 86400\n"), 0, "none needs no mx");
    is_str(told, "", "and a day is right for it");
    is_int(policy.mode, MTA_STS_NONE, "mode none");
    is_int(parse(HEAD "mode: testing\nmx: *.example.net\nmx: a.example\n"
                 "max_age: 31557600\n"), 0, "testing, the longest max_age");
    is_int(policy.mode, MTA_STS_TESTING, "mode testing");
    is_int(policy.max_age, 31557600, "max_age");
    is_int((long long) policy.nmx, 2, "two patterns");
    is_str(policy.mx[0], "*.example.net", "a wildcard");
    is_str(policy.mx[1], "a.example", "a name");
}


typedef struct {
    const char  *text;
    const char  *told;
} remark_t;

/* One error each, and the start of its message. */
static const remark_t  errors[] = {
    { "", "E1 the policy is empty" },
    { "\xef\xbb\xbf" SOUND, "E1 the policy starts with a byte order mark" },
    { "mode: enforce\nmx: a.example\nmax_age: 604800\n",
      "E1 version is missing" },
    { HEAD "mx: a.example\nmax_age: 604800\n", "E3 mode is missing" },
    { HEAD "mode: enforce\nmx: a.example\n", "E3 max_age is missing" },
    { HEAD "mode: enforce\nmax_age: 604800\n",
      "E2 mode \"enforce\" needs at least one mx" },
    { HEAD "max_age: 604800\nmode: testing\n",
      "E3 mode \"testing\" needs at least one mx" },
    { "version: STSv2\nmode: none\nmax_age: 604800\n",
      "E1 version \"STSv2\" must be \"STSv1\"" },
    { "version: stsv1\nmode: none\nmax_age: 604800\n",
      "E1 version \"stsv1\" must be" },
    { HEAD "mode: enforec\nmax_age: 604800\n",
      "E2 mode \"enforec\" is not one of" },
    { HEAD "mode: Enforce\nmax_age: 604800\n",
      "E2 mode \"Enforce\" must be in lower case: \"enforce\"" },
    { HEAD "mode: none\nmax_age: 31557601\n",
      "E3 max_age 31557601 is over the maximum, 31557600" },
    { HEAD "mode: none\nmax_age: 9999999999\n", "E3 max_age 9999999999 is ov" },
    { HEAD "mode: none\nmax_age: 00000604800\n", "E3 max_age \"00000604800\"" },
    { HEAD "mode: none\nmax_age: -1\n", "E3 max_age \"-1\" must be seconds" },
    { HEAD "mode: none\nmax_age: 7d\n", "E3 max_age \"7d\" must be seconds" },
    { SOUND "\n", "E5 the line is empty" },
    { HEAD "\nmode: none\nmax_age: 604800\n", "E2 the line is empty" },
    { HEAD " \r\nmode: none\nmax_age: 604800\n", "E2 the line is empty" },
    { SOUND "# a comment\n", "E5 \"# a comment\" has no \":\"" },
    { SOUND " mx: a.example\n", "E5 blanks before the field" },
    { SOUND "\tmx: a.example\n", "E5 blanks before the field" },
    { SOUND "mx: 10 a.example\n",
      "E5 mx \"10 a.example\": a host name only: no priority, no comment" },
    { SOUND "mx: a.example # first\n",
      "E5 mx \"a.example # first\": a host name only: no priority" },
    { SOUND "mx:\xc2\xa0" "a.example\n", "E5 a no-break space, which looks" },
    { "\xff\xfev\0e\0", "E1 the text is UTF-16; save it as UTF-8" },
    { "\xfe\xff", "E1 the text is UTF-16; save it as UTF-8" },
    { SOUND "a : b\n", "E5 \"a \" is not a field's name" },
    { SOUND ": b\n", "E5 \"\" is not a field's name" },
    { SOUND "_a: b\n", "E5 \"_a\" is not a field's name" },
    { SOUND "a23456789012345678901234567890123: b\n",
      "E5 \"a23456789012345678901234567890123\" is not a field's name" },
    { SOUND "a:\n", "E5 the field has no value" },
    { SOUND "a: \t \n", "E5 the field has no value" },
    { SOUND "a: b\tc\n", "E5 a tab within the line" },
    { SOUND "a: b\001c\n", "E5 a control character" },
    { SOUND "a: b\177\n", "E5 a control character" },
    { SOUND "a: b\rc\n", "E5 a CR without LF" },
    { SOUND "a: b\r\r\n", "E5 a CR without LF" },
    { SOUND "a: b\r", "E5 a CR without LF" },
    { SOUND "a: \xff\n", "E5 the line is not UTF-8" },
    { SOUND "a: \xc0\x80\n", "E5 the line is not UTF-8" },
    { SOUND "a: \xe0\x9f\xbf\n", "E5 the line is not UTF-8" },
    { SOUND "a: \xed\xa0\x80\n", "E5 the line is not UTF-8" },
    { SOUND "a: \xf0\x8f\xbf\xbf\n", "E5 the line is not UTF-8" },
    { SOUND "a: \xf4\x90\x80\x80\n", "E5 the line is not UTF-8" },
    { SOUND "a: \xe2\x82", "E5 the line is not UTF-8" },
    { SOUND "mx: mail.*.example.com\n",
      "E5 mx \"mail.*.example.com\": \"*\" may only be the whole first label" },
    { SOUND "mx: *\n", "E5 mx \"*\": \"*\" may only be" },
    { SOUND "mx: *mail.example.com\n", "E5 mx \"*mail.example.com\": \"*\"" },
    { SOUND "mx: *.*.example.com\n", "E5 mx \"*.*.example.com\": \"*\" may" },
    { SOUND "mx: *.\n", "E5 mx \"*.\" has no domain name" },
    { SOUND "mx: .\n", "E5 mx \".\" is not a domain name" },
    { SOUND "mx: a..example\n", "E5 mx \"a..example\" is not a domain name" },
    { SOUND "mx: .a.example\n", "E5 mx \".a.example\" is not a domain name" },
    { SOUND "mx: -a.example\n", "E5 mx \"-a.example\" is not a domain name" },
    { SOUND "mx: a-.example\n", "E5 mx \"a-.example\" is not a domain name" },
    { SOUND "mx: a.example-\n", "E5 mx \"a.example-\" is not a domain name" },
    { SOUND "mx: a_b.example\n", "E5 mx \"a_b.example\" is not a domain name" },
    { SOUND "mx: a.example:25\n", "E5 mx \"a.example:25\" is not a domain" },
    { SOUND "mx: a.example, b.example\n",
      "E5 mx \"a.example, b.example\": every pattern needs an \"mx\" of" },
    { SOUND "mx: a.example b.example\n",
      "E5 mx \"a.example b.example\": every pattern needs an \"mx\" of" },
    { SOUND "mx: 192.0.2.1\n", "E5 mx \"192.0.2.1\" is an IP address" },
    { SOUND "mx: 192.0.2.1.\n", "E5 mx \"192.0.2.1.\" is an IP address" },
    { SOUND "mx: *.0.2.1\n", "E5 mx \"*.0.2.1\" is an IP address" },
    { SOUND "mx: [192.0.2.1]\n", "E5 mx \"[192.0.2.1]\" is an IP address" },
    { SOUND "mx: 2001:db8::1\n", "E5 mx \"2001:db8::1\" is an IP address" },
    { SOUND "mx: [IPv6:2001:db8::1]\n",
      "E5 mx \"[IPv6:2001:db8::1]\" is an IP address" },
    { SOUND "mx: b\xc3\xbc" "cher.example\n",
      "E5 mx \"b\xc3\xbc" "cher.example\" is a U-label; write the A-label "
      "\"xn--bcher-kva.example\"" },
    { SOUND "mx: *.b\xc3\xbc" "cher.example\n",
      "E5 mx \"*.b\xc3\xbc" "cher.example\" is a U-label; write the A-label "
      "\"*.xn--bcher-kva.example\"" },
};

/* One piece of advice each. */
static const remark_t  advice[] = {
    { SOUND "sender: x\n", "A5 the field \"sender\" is unknown and ignored" },
    { SOUND "Mode: none\n", "A5 \"Mode\" is ignored; the field is \"mode\"" },
    { SOUND "max-age: 1\n", "A5 \"max-age\" is ignored; the field is \"max_a" },
    { SOUND "a: \xe2\x82\xac \xf0\x9f\x93\xa7 b\n", "A5 the field \"a\" is " },
    { SOUND "mode: none\n", "A5 \"mode\" is given again, after line 2" },
    { SOUND "mode: wrong\n", "A5 \"mode\" is given again, after line 2" },
    { SOUND "max_age: 9\n", "A5 \"max_age\" is given again, after line 4" },
    { SOUND "version: 9\n", "A5 \"version\" is given again, after line 1" },
    { SOUND "mx: MX.example.com\n", "A5 mx \"MX.example.com\" is given twice" },
    { SOUND "mx: a.example.\n", "A5 mx \"a.example.\" ends in a dot" },
    { SOUND "mx: *.example\n", "A5 mx \"*.example\" allows every host" },
    { SOUND "mx: mail\n", "A5 mx \"mail\" is a single label" },
    { "mode: enforce\nversion: STSv1\nmx: a.example\nmax_age: 604800\n",
      "A2 version is not the first field" },
    { HEAD "mode: none\nmax_age: 604800\nmx: a.example\n",
      "A4 mx is given, but in mode \"none\"" },
    { HEAD "mode: testing\nmx: a.example\nmax_age: 86399\n",
      "A4 max_age 86399 is under a day" },
    { HEAD "mode: none\nmax_age: 0\n", "A3 max_age 0 is under a day" },
    { HEAD "mode: testing\nmx: a.example\nmax_age: 86400\n",
      "A4 max_age 86400 is under a week" },
    { HEAD "mode: testing\nmx: a.example\nmax_age: 604799\n",
      "A4 max_age 604799 is under a week" },
};


static void
test_remark(const remark_t *remark, int rc)
{
    char  *lf;

    is_int(parse(remark->text), rc, rc ? "refused" : "accepted");

    lf = strchr(told, '\n');
    ok(lf != NULL && lf[1] == '\0', "one remark");

    told[strlen(remark->told)] = '\0';
    is_str(told, remark->told, "its kind, line and message");
}


/* The grammar leaves the order free and lets the first of a field count. */

static void
test_first_wins(void)
{
    is_int(parse(SOUND "mode: none\nmax_age: 9\nversion: x\n"), 0, "repeated");
    is_str(text_of(), "version: STSv1\r\nmode: enforce\r\n"
                      "mx: mx.example.com\r\nmax_age: 604800\r\n",
           "the first of each field counts");

    is_int(parse(SOUND "mx: b.example.\nmx: MX.EXAMPLE.com.\n"), 0, "sloppy");
    is_str(text_of(), "version: STSv1\r\nmode: enforce\r\n"
                      "mx: mx.example.com\r\nmx: b.example\r\n"
                      "max_age: 604800\r\n",
           "patterns are served normalized, once");
}


static void
test_several(void)
{
    is_int(parse("mode: enforced\nmx: *\nmax_age: x"), -1, "all wrong");
    ok(strstr(told, "E1 mode") && strstr(told, "E2 mx")
       && strstr(told, "E3 max_age") && strstr(told, "E1 version"),
       "every error is told at once");
    ok(strstr(told, "needs at least") == NULL && strstr(told, "day") == NULL,
       "and nothing that only follows from one");

    is_int(parse_bytes("version: STSv1\0\n", 16), -1, "a NUL");
    ok(strncmp(told, "E1 a control character", 22) == 0, "is a control");
}


/* What comes from outside is bounded. */

static void
test_limits(void)
{
    int     n = 0;
    char   *text = malloc(MTA_STS_MAX_SIZE + 2), *p = text;
    char    mx[TLSRPT_DOMAIN_LEN + 1];
    size_t  len;

    if (text == NULL) {
        abort();
    }

    memset(text, '\n', MTA_STS_MAX_SIZE + 1);
    is_int(parse_bytes(text, MTA_STS_MAX_SIZE), -1, "64 kilobytes of lines");

    for (p = told; (p = strchr(p, '\n')) != NULL; p++) {
        n++;
    }

    is_int(n, 64, "64 errors are told");
    is_int(parse_bytes(text, MTA_STS_MAX_SIZE + 1), -1, "a byte more");
    is_int(strncmp(told, "E1 the policy is larger", 23), 0, "is too large");

    p = text + sprintf(text, "%s", SOUND);

    for (int i = 1; i < 64; i++) {
        p += sprintf(p, "mx: m%d.example.com\n", i);
    }

    is_int(parse(text), 0, "64 patterns");
    is_int((long long) policy.nmx, 64, "are kept");
    (void) sprintf(p, "mx: m64.example.com\n");
    is_int(parse(text), -1, "65 are not");
    is_str(told, "E68 more than 64 mx patterns\n", "and it is told");

    /* the longest names, as many as can be */

    p = text + sprintf(text, HEAD "mode: enforce\nmax_age: 604800\n");

    for (int i = 0; i < 64; i++) {
        memset(mx, 'a', 253);
        mx[63] = mx[127] = mx[191] = '.';
        mx[0] = (char) ('a' + i % 8);
        mx[1] = (char) ('a' + i / 8);
        p += sprintf(p, "mx: *.%.253s\n", mx);
    }

    is_int(parse(text), 0, "64 of the longest names");
    len = mta_sts_policy_text(&policy, NULL, 0);
    is_int((long long) strlen(text_of()), (long long) len, "the length asked");
    is_int((long long) strlen(id_of(text)), 24, "and an id");

    (void) sprintf(p, "mx: a%.253s\n", mx);
    is_int(parse(text), -1, "a name of 254 bytes");

    free(text);
}


static void
test_id(void)
{
    char  id[MTA_STS_ID_LEN + 1];

    snprintf(id, sizeof(id), "%s", id_of(SOUND));

    is_int((long long) strlen(id), 24, "24 characters");
    is_int((long long) strspn(id, "0123456789abcdef"), 24, "letters, digits");

    is_str(id_of("version:STSv1\r\nmax_age: 0604800\r\nmx: MX.example.com.\r\n"
                 "foo: bar\r\nmode: enforce"), id,
           "another spelling, the same policy, the same id");
    is_str(id_of(SOUND "mx: a.example\nmx: b.example\n"),
           id_of(SOUND "mx: b.example\nmx: a.example\n"),
           "the order of the patterns has no meaning");

    ok(strcmp(id_of(SOUND "mx: a.example\n"), id), "another mx, another id");
    ok(strcmp(id_of(HEAD "mode: testing\nmx: mx.example.com\n"
                    "max_age: 604800\n"), id), "another mode, another id");
    ok(strcmp(id_of(HEAD "mode: enforce\nmx: mx.example.com\n"
                    "max_age: 604801\n"), id), "another max_age, another id");
}


static int
match(const char *pattern, const char *host)
{
    return mta_sts_mx_match((tlsrpt_str_t) { pattern, strlen(pattern) },
                            (tlsrpt_str_t) { host, strlen(host) });
}


static void
test_match(void)
{
    ok(match("mx.example.com", "mx.example.com"), "the name");
    ok(!match("mx.example.com", "my.example.com"), "another name");
    ok(!match("example.com", "mx.example.com"), "a host below");
    ok(match("*.example.com", "mx.example.com"), "one label");
    ok(!match("*.example.com", "a.mx.example.com"), "not two");
    ok(!match("*.example.com", "example.com"), "not none");
    ok(!match("*.example.com", ".example.com"), "not an empty one");
    ok(!match("*.example.com", "mx.example.org"), "another domain");
    ok(!match("*.example.com", ""), "no host");
    ok(!match("*.com", "com"), "a single label");
}


/* As a directive does it. */

static void
test_pieces(void)
{
    const char        *reason;
    mta_sts_policy_t   p = { .max_age = 31557601 };

    is_int(mta_sts_policy_set_mode(&p, "testingX", 7, &reason), 0, "mode");
    ok(reason == NULL, "no reason");
    is_int(mta_sts_policy_add_mx(&p, "a.example.", 10, &reason), 0, "mx");
    ok(reason && strstr(reason, "ends in a dot"), "with advice");
    is_int(mta_sts_policy_add_mx(&p, "", 0, &reason), -1, "no mx");
    is_str(reason, "mx \"\" has no domain name", "the reason");

    told[0] = '\0';
    is_int(mta_sts_policy_check(&p, tell, NULL), -1, "check");
    is_str(told, "E0 max_age 31557601 is over the maximum, 31557600 seconds "
                 "(a year)\n", "its error has no line");
}


int
main(void)
{
    test_sound();

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        test_remark(&errors[i], -1);
    }

    for (size_t i = 0; i < sizeof(advice) / sizeof(advice[0]); i++) {
        test_remark(&advice[i], 0);
    }

    test_first_wins();
    test_several();
    test_limits();
    test_id();
    test_match();
    test_pieces();

    return done();
}
