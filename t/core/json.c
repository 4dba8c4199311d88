/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The reader of JSON: events, errors and their places, limits; each text whole,
 * cut in two at every place, and byte by byte.
 */

#define _POSIX_C_SOURCE 200809L

#include "tap.h"

#include <dirent.h>
#include <stdlib.h>

#include "tlsrpt_json.h"

#define BIG  (TLSRPT_JSON_MAX_STRING * 8)

typedef struct {
    size_t    len;
    char      text[BIG];                    /* the events, NUL ended */
    size_t    nevents;
    size_t    fail_at;                      /* the event refused, from 1 */
    size_t    ninside;                      /* handed on where they lie */
    const char *start;
    const char *end;
    size_t    depth;
    const tlsrpt_json_name_t *told[TLSRPT_JSON_MAX_DEPTH + 1];
} trace_t;

typedef struct {
    int       code;
    size_t    offset;
    size_t    line;
    size_t    column;
    unsigned  deviations;
} verdict_t;

/* Names that are expected, and what a handler may keep beside them. */
static const struct {
    tlsrpt_json_name_t  name;
    int                 more;
} expected[] = {
    { { "\"count\":", 8 }, 0 },
    { { "\"count-of-all\":", 15 }, 1 },
    { { "\"report\":", 9 }, 2 },
    { { "\"a-name-of-24-bytes-in-all\":", 28 }, 3 },
};

#define NEXPECTED  (sizeof(expected) / sizeof(expected[0]))

static int             expecting;
static tlsrpt_json_t  *json;
static trace_t         whole_trace, split_trace;


static void
trace_add(trace_t *trace, const void *bytes, size_t len)
{
    if (len > sizeof(trace->text) - 1 - trace->len) {
        abort();
    }

    memcpy(trace->text + trace->len, bytes, len);
    trace->len += len;
    trace->text[trace->len] = '\0';
}


/* Of the object that the event is in, the name that was told. */
static void
trace_told(trace_t *trace, tlsrpt_json_event_t event)
{
    const tlsrpt_json_name_t  *name = trace->told[trace->depth];

    if (event == TLSRPT_JSON_OBJECT_END || event == TLSRPT_JSON_ARRAY_END) {
        trace->depth--;

    } else if (name != NULL) {
        trace_add(trace, "K<", 2);
        trace_add(trace, name->quoted + 1, name->len - 3);
        trace_add(trace, ">", 1);
    }

    if (event == TLSRPT_JSON_OBJECT || event == TLSRPT_JSON_ARRAY) {
        trace->told[++trace->depth] = NULL;
    }

    if (event == TLSRPT_JSON_OBJECT) {
        tlsrpt_json_expect(json, expected, NEXPECTED, sizeof(expected[0]),
                           &trace->told[trace->depth]);
    }
}


static int
handler(void *ctx, tlsrpt_json_event_t event, const char *s, size_t len)
{
    static const char  marks[] = "{}[]ksntf0";
    trace_t           *trace = ctx;

    if (expecting) {
        trace_told(trace, event);
    }

    trace_add(trace, &marks[event], 1);

    if (event >= TLSRPT_JSON_KEY && event <= TLSRPT_JSON_NUMBER) {
        trace_add(trace, "<", 1);
        trace_add(trace, s, len);
        trace_add(trace, ">", 1);
        trace->ninside += s >= trace->start && s + len <= trace->end;
    }

    return ++trace->nevents == trace->fail_at ? TLSRPT_ERR_MISSING : TLSRPT_OK;
}


static void
begin(trace_t *trace)
{
    size_t  fail_at = trace->fail_at;

    memset(trace, 0, offsetof(trace_t, text) + 1);
    trace->nevents = 0;
    trace->ninside = 0;
    trace->start = NULL;
    trace->end = NULL;
    trace->depth = 0;
    trace->fail_at = fail_at;
    tlsrpt_json_reset(json, handler, trace);
}


/* In a block of its own, so that the sanitizer sees a read beyond it. */
static int
feed(const char *text, size_t len)
{
    char  *copy = malloc(len > 0 ? len : 1);
    int    rc;

    if (copy == NULL) {
        abort();
    }

    memcpy(copy, text, len);
    rc = tlsrpt_json_feed(json, copy, len);
    free(copy);
    return rc;
}


static verdict_t
end(int rc)
{
    verdict_t  v;
    int        finished = tlsrpt_json_finish(json);

    v.code = rc != TLSRPT_OK && rc != finished ? -1 : finished;
    tlsrpt_json_position(json, &v.offset, &v.line, &v.column);
    v.deviations = tlsrpt_json_deviations(json);
    return v;
}


/* In pieces of step bytes, the first of which is of first bytes. */
static verdict_t
read_in(trace_t *trace, const char *text, size_t len, size_t first, size_t step)
{
    size_t  at = 0, n = first;
    int     rc = TLSRPT_OK;

    begin(trace);

    while (at < len && rc == TLSRPT_OK) {
        n = n < len - at ? n : len - at;
        rc = feed(text + at, n);
        at += n;
        n = step;
    }

    return end(rc);
}


static verdict_t
read_whole(const char *text, size_t len)
{
    return read_in(&whole_trace, text, len, len, len);
}


static int
same(const verdict_t *a, const verdict_t *b)
{
    return a->code == b->code && a->offset == b->offset && a->line == b->line
           && a->column == b->column && a->deviations == b->deviations
           && strcmp(whole_trace.text, split_trace.text) == 0;
}


/* The first split that differs from the whole, or -1. */
static long
differing_split(const char *text, size_t len, const verdict_t *want)
{
    verdict_t  v;
    size_t     i;

    split_trace.fail_at = whole_trace.fail_at;
    v = read_in(&split_trace, text, len, 1, 1);

    if (!same(want, &v)) {
        return 0;
    }

    for (i = 1; i < len; i++) {
        v = read_in(&split_trace, text, len, i, len);

        if (!same(want, &v)) {
            return (long) i;
        }
    }

    return -1;
}


static void
test_events(void)
{
    static const struct {
        const char  *text;
        const char  *trace;
    } cases[] = {
        { "{}", "{}" },
        { " [ ] \r\n\t", "[]" },
        { "{\"a\":1}", "{k<a>n<1>}" },
        { "{ \"a\" : \"b\" , \"c\" : [ ] }", "{k<a>s<b>k<c>[]}" },
        { "[true,false,null,\"\"]", "[tf0s<>]" },
        { "{\"\":{\"\":{}}}", "{k<>{k<>{}}}" },
        { "[0,-0,1.5,-1e5,2E+10,0.25e-3,1234567890123456789012]",
          "[n<0>n<-0>n<1.5>n<-1e5>n<2E+10>n<0.25e-3>"
          "n<1234567890123456789012>]" },
        { "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "[s<\"\\/\b\f\n\r\t>]" },
        { "[\"a\\u0041\\u00e9\\u20ac\\ud83d\\uDE00z\"]",
          "[s<aA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z>]" },
        { "[\"0123456789abcdef0123456789abcdef\\n0123456789abcdef\"]",
          "[s<0123456789abcdef0123456789abcdef\n0123456789abcdef>]" },
        { "[\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"
          "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\x7f\"]",
          "[s<\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"
          "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\x7f>]" },
        { "{\"k\\u0065y\":\"gr\xc3\xbc\xc3\x9f\"}",
          "{k<key>s<gr\xc3\xbc\xc3\x9f>}" },
        { "{\"a\":{\"b\":1},\"b\":{\"a\":2}}",
          "{k<a>{k<b>n<1>}k<b>{k<a>n<2>}}" },
        { "[{\"a\":1},{\"a\":1}]", "[{k<a>n<1>}{k<a>n<1>}]" },
        { "{\"12345678x12345678\":1,\"12345678y12345678\":2}",
          "{k<12345678x12345678>n<1>k<12345678y12345678>n<2>}" },
    };
    size_t     i, len;
    verdict_t  v;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        len = strlen(cases[i].text);
        v = read_whole(cases[i].text, len);
        is_int(v.code, TLSRPT_OK, "events %zu: read", i);
        is_int((long long) v.offset, (long long) len, "events %zu: to the end",
               i);
        is_str(whole_trace.text, cases[i].trace, "events %zu: as expected", i);
        is_int(differing_split(cases[i].text, len, &v), -1,
               "events %zu: the same in any split", i);
    }
}


#define T(s)  s, sizeof(s) - 1

static void
test_errors(void)
{
    static const struct {
        const char  *text;
        size_t       len;
        int          code;
        size_t       offset;
        size_t       line;
        size_t       column;
    } cases[] = {
        { T(""), TLSRPT_ERR_JSON_TRUNCATED, 0, 1, 1 },
        { T(" \n "), TLSRPT_ERR_JSON_TRUNCATED, 3, 2, 2 },
        { T("1"), TLSRPT_ERR_JSON, 0, 1, 1 },
        { T("\n \"a\""), TLSRPT_ERR_JSON, 2, 2, 2 },
        { T("null"), TLSRPT_ERR_JSON, 0, 1, 1 },
        { T("\0{}"), TLSRPT_ERR_JSON, 0, 1, 1 },
        { T("\xef\xbb"), TLSRPT_ERR_JSON_TRUNCATED, 2, 1, 3 },
        { T("\xef\xbb{}"), TLSRPT_ERR_JSON, 2, 1, 3 },
        { T("\xef\xbb\xbf\xef\xbb\xbf{}"), TLSRPT_ERR_JSON, 3, 1, 4 },
        { T(" \xef\xbb\xbf{}"), TLSRPT_ERR_JSON, 1, 1, 2 },
        { T("{"), TLSRPT_ERR_JSON_TRUNCATED, 1, 1, 2 },
        { T("{\"a\""), TLSRPT_ERR_JSON_TRUNCATED, 4, 1, 5 },
        { T("{\"a"), TLSRPT_ERR_JSON_TRUNCATED, 3, 1, 4 },
        { T("{\"a\":"), TLSRPT_ERR_JSON_TRUNCATED, 5, 1, 6 },
        { T("[1"), TLSRPT_ERR_JSON_TRUNCATED, 2, 1, 3 },
        { T("[tru"), TLSRPT_ERR_JSON_TRUNCATED, 4, 1, 5 },
        { T("{\n  \"a\": 1,\n  b: 2\n}"), TLSRPT_ERR_JSON, 14, 3, 3 },
        { T("{,}"), TLSRPT_ERR_JSON, 1, 1, 2 },
        { T("{\"a\":1,}"), TLSRPT_ERR_JSON, 7, 1, 8 },
        { T("{\"a\" 1}"), TLSRPT_ERR_JSON, 5, 1, 6 },
        { T("{\"a\"::1}"), TLSRPT_ERR_JSON, 5, 1, 6 },
        { T("{\"a\":}"), TLSRPT_ERR_JSON, 5, 1, 6 },
        { T("{\"a\":1 \"b\":2}"), TLSRPT_ERR_JSON, 7, 1, 8 },
        { T("[1,]"), TLSRPT_ERR_JSON, 3, 1, 4 },
        { T("[,1]"), TLSRPT_ERR_JSON, 1, 1, 2 },
        { T("[1}"), TLSRPT_ERR_JSON, 2, 1, 3 },
        { T("{]"), TLSRPT_ERR_JSON, 1, 1, 2 },
        { T("[1:2]"), TLSRPT_ERR_JSON, 2, 1, 3 },
        { T("[] []"), TLSRPT_ERR_JSON, 3, 1, 4 },
        { T("{}\0x"), TLSRPT_ERR_JSON, 3, 1, 4 },
        { T("[\0]"), TLSRPT_ERR_JSON, 1, 1, 2 },
        { T("[\f]"), TLSRPT_ERR_JSON, 1, 1, 2 },
        { T("[\xc2\xa0]"), TLSRPT_ERR_JSON, 1, 1, 2 },
        { T("[/**/]"), TLSRPT_ERR_JSON, 1, 1, 2 },
        { T("['a']"), TLSRPT_ERR_JSON, 1, 1, 2 },
        { T("[trux]"), TLSRPT_ERR_JSON, 4, 1, 5 },
        { T("[True]"), TLSRPT_ERR_JSON, 1, 1, 2 },
        { T("[nulll]"), TLSRPT_ERR_JSON, 5, 1, 6 },
        { T("[NaN]"), TLSRPT_ERR_JSON, 1, 1, 2 },
        /* numbers */
        { T("[01]"), TLSRPT_ERR_JSON, 2, 1, 3 },
        { T("[-01]"), TLSRPT_ERR_JSON, 3, 1, 4 },
        { T("[+1]"), TLSRPT_ERR_JSON, 1, 1, 2 },
        { T("[-]"), TLSRPT_ERR_JSON, 2, 1, 3 },
        { T("[--1]"), TLSRPT_ERR_JSON, 2, 1, 3 },
        { T("[1.]"), TLSRPT_ERR_JSON, 3, 1, 4 },
        { T("[.5]"), TLSRPT_ERR_JSON, 1, 1, 2 },
        { T("[1.e5]"), TLSRPT_ERR_JSON, 3, 1, 4 },
        { T("[1e]"), TLSRPT_ERR_JSON, 3, 1, 4 },
        { T("[1e+]"), TLSRPT_ERR_JSON, 4, 1, 5 },
        { T("[1.5.5]"), TLSRPT_ERR_JSON, 4, 1, 5 },
        { T("[1e5e]"), TLSRPT_ERR_JSON, 4, 1, 5 },
        { T("[0x1]"), TLSRPT_ERR_JSON, 2, 1, 3 },
        /* strings */
        { T("[\"a\nb\"]"), TLSRPT_ERR_JSON, 3, 1, 4 },
        { T("[\"a\0b\"]"), TLSRPT_ERR_JSON, 3, 1, 4 },
        { T("[\"\x1f\"]"), TLSRPT_ERR_JSON, 2, 1, 3 },
        { T("[\"0123456789\tabcdef\"]"), TLSRPT_ERR_JSON, 12, 1, 13 },
        { T("[\"\\x\"]"), TLSRPT_ERR_JSON, 3, 1, 4 },
        { T("[\"\\u00g0\"]"), TLSRPT_ERR_JSON, 6, 1, 7 },
        { T("[\"\\\0\"]"), TLSRPT_ERR_JSON, 3, 1, 4 },
        { T("[\"\\u12\"]"), TLSRPT_ERR_JSON, 6, 1, 7 },
        { T("[\"a\\u0000\"]"), TLSRPT_ERR_JSON_STRING, 3, 1, 4 },
        { T("[\"\\ud800\"]"), TLSRPT_ERR_JSON_STRING, 2, 1, 3 },
        { T("[\"\\ud800x\"]"), TLSRPT_ERR_JSON_STRING, 2, 1, 3 },
        { T("[\"\\ud800\\n\"]"), TLSRPT_ERR_JSON_STRING, 2, 1, 3 },
        { T("[\"\\ud800\\u0041\"]"), TLSRPT_ERR_JSON_STRING, 2, 1, 3 },
        { T("[\"\\ud800\\ud800\"]"), TLSRPT_ERR_JSON_STRING, 2, 1, 3 },
        { T("[\"ab\\udc00\"]"), TLSRPT_ERR_JSON_STRING, 4, 1, 5 },
        { T("{\"\\u0000\":1}"), TLSRPT_ERR_JSON_STRING, 2, 1, 3 },
        /* UTF-8 */
        { T("[\"a\x80\"]"), TLSRPT_ERR_JSON_UTF8, 3, 1, 4 },
        { T("[\"\xc0\x80\"]"), TLSRPT_ERR_JSON_UTF8, 2, 1, 3 },
        { T("[\"\xc1\xbf\"]"), TLSRPT_ERR_JSON_UTF8, 2, 1, 3 },
        { T("[\"\xc3\"]"), TLSRPT_ERR_JSON_UTF8, 3, 1, 4 },
        { T("[\"\xe0\x9f\xbf\"]"), TLSRPT_ERR_JSON_UTF8, 3, 1, 4 },
        { T("[\"\xe2\x82\"]"), TLSRPT_ERR_JSON_UTF8, 4, 1, 5 },
        { T("[\"\xed\xa0\x80\"]"), TLSRPT_ERR_JSON_UTF8, 3, 1, 4 },
        { T("[\"\xf0\x8f\xbf\xbf\"]"), TLSRPT_ERR_JSON_UTF8, 3, 1, 4 },
        { T("[\"\xf4\x90\x80\x80\"]"), TLSRPT_ERR_JSON_UTF8, 3, 1, 4 },
        { T("[\"\xf0\x9f\x98\x22]"), TLSRPT_ERR_JSON_UTF8, 5, 1, 6 },
        { T("[\"\xf5\x80\x80\x80\"]"), TLSRPT_ERR_JSON_UTF8, 2, 1, 3 },
        { T("[\"\xff\"]"), TLSRPT_ERR_JSON_UTF8, 2, 1, 3 },
        { T("[\"\xe2\x82"), TLSRPT_ERR_JSON_TRUNCATED, 4, 1, 5 },
        /* names given twice */
        { T("{\"a\":1,\n \"a\":2}"), TLSRPT_ERR_JSON_DUPLICATE, 9, 2, 2 },
        { T("{\"a\":1,\"\\u0061\":2}"), TLSRPT_ERR_JSON_DUPLICATE, 7, 1, 8 },
        { T("{\"\":1,\"\":2}"), TLSRPT_ERR_JSON_DUPLICATE, 6, 1, 7 },
        { T("{\"a\":{\"b\":[{\"a\":1}]},\"b\":1,\"a\":2}"),
          TLSRPT_ERR_JSON_DUPLICATE, 27, 1, 28 },
        { T("{\"\xc3\xa4\":1,\"\\u00E4\":2}"), TLSRPT_ERR_JSON_DUPLICATE,
          8, 1, 9 },
        { T("{\"12345678x12345678\":1,\"12345678y12345678\":2,"
            "\"12345678x12345678\":3}"), TLSRPT_ERR_JSON_DUPLICATE,
          45, 1, 46 },
    };
    size_t     i;
    verdict_t  v;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        v = read_whole(cases[i].text, cases[i].len);
        is_int(v.code, cases[i].code, "error %zu (%s): its code", i,
               tlsrpt_error_text(cases[i].code));
        is_int((long long) v.offset, (long long) cases[i].offset,
               "error %zu: its offset", i);
        is_int((long long) v.line, (long long) cases[i].line,
               "error %zu: its line", i);
        is_int((long long) v.column, (long long) cases[i].column,
               "error %zu: its column", i);
        is_int(differing_split(cases[i].text, cases[i].len, &v), -1,
               "error %zu: the same in any split", i);
    }
}


static void
test_deviations(void)
{
    static const struct {
        const char  *text;
        size_t       len;
        unsigned     deviations;
        size_t       line;
    } cases[] = {
        { T("{}"), 0, 1 },
        { T("{}\r\n\r\n"), 0, 3 },
        { T("\xef\xbb\xbf{}"), TLSRPT_JSON_BOM, 1 },
        { T("\xef\xbb\xbf\n[]\0"), TLSRPT_JSON_BOM | TLSRPT_JSON_NULS, 2 },
        { T("{}\0\0\n\0 "), TLSRPT_JSON_NULS, 2 },
    };
    size_t     i;
    verdict_t  v;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        v = read_whole(cases[i].text, cases[i].len);
        is_int(v.code, TLSRPT_OK, "deviation %zu: passed over", i);
        is_int(v.deviations, cases[i].deviations, "deviation %zu: told", i);
        is_int((long long) v.line, (long long) cases[i].line,
               "deviation %zu: lines counted", i);
        is_int(differing_split(cases[i].text, cases[i].len, &v), -1,
               "deviation %zu: the same in any split", i);
    }
}


/* A text made of parts. */
typedef struct {
    size_t  len;
    char    data[BIG];
} text_t;

static text_t  text;


static void
add(const char *bytes)
{
    size_t  len = strlen(bytes);

    if (len > sizeof(text.data) - text.len) {
        abort();
    }

    memcpy(text.data + text.len, bytes, len);
    text.len += len;
}


static void
add_times(const char *bytes, size_t times)
{
    while (times-- > 0) {
        add(bytes);
    }
}


/* The text whole, byte by byte and in pieces of a prime size. */
static void
check_text(int code, size_t offset, const char *what)
{
    verdict_t  v, w;

    v = read_whole(text.data, text.len);
    is_int(v.code, code, "%s: %s", what, tlsrpt_error_text(code));
    is_int((long long) v.offset, (long long) offset, "%s: its offset", what);

    w = read_in(&split_trace, text.data, text.len, 1, 1);
    ok(same(&v, &w), "%s: the same byte by byte", what);
    w = read_in(&split_trace, text.data, text.len, 3, 4099);
    ok(same(&v, &w), "%s: the same in pieces", what);

    text.len = 0;
}


static void
test_depth(void)
{
    add_times("[", TLSRPT_JSON_MAX_DEPTH);
    add_times("]", TLSRPT_JSON_MAX_DEPTH);
    check_text(TLSRPT_OK, text.len, "as deep as may be");

    add_times("[", TLSRPT_JSON_MAX_DEPTH + 1);
    check_text(TLSRPT_ERR_TOO_DEEP, TLSRPT_JSON_MAX_DEPTH, "one deeper");

    add_times("{\"a\":", TLSRPT_JSON_MAX_DEPTH);
    add("[");
    check_text(TLSRPT_ERR_TOO_DEEP, 5 * TLSRPT_JSON_MAX_DEPTH,
               "one deeper, by objects");
}


static void
test_members(void)
{
    char    member[32];
    size_t  i, offset = 0;

    for (i = 0; i < TLSRPT_JSON_MAX_MEMBERS; i++) {
        snprintf(member, sizeof(member), "%s\"m%zu\":{\"m\":1}", i ? "," : "{",
                 i);
        add(member);
    }

    offset = text.len;
    add("}");
    check_text(TLSRPT_OK, text.len, "as many members as may be");

    text.len = offset;
    add(",\"m7\":1");
    check_text(TLSRPT_ERR_JSON_DUPLICATE, offset + 1, "one of many again");

    text.len = offset;
    add(",\"more\":1}");
    check_text(TLSRPT_ERR_TOO_MANY, offset + 1, "one member more");
}


static void
test_string_length(void)
{
    size_t  max = TLSRPT_JSON_MAX_STRING;

    add("[\"");
    add_times("a", max);
    add("\"]");
    check_text(TLSRPT_OK, text.len, "a string as long as may be");

    add("[\"");
    add_times("a", max + 1);
    add("\"]");
    check_text(TLSRPT_ERR_TOO_LONG, max + 2, "a string one longer");

    add("[\"");
    add_times("\\n", max);
    add("\"]");
    check_text(TLSRPT_OK, text.len, "escapes, as long as may be");

    add("[\"");
    add_times("\\n", max);
    add("\\n\"]");
    check_text(TLSRPT_ERR_TOO_LONG, 2 * max + 3, "escapes, one longer");

    add("[\"");
    add_times("\xc3\xa9", max / 2);
    add("\"]");
    check_text(TLSRPT_OK, text.len, "UTF-8, as long as may be");

    add("[\"a");
    add_times("\xc3\xa9", max / 2);
    add("\"]");
    check_text(TLSRPT_ERR_TOO_LONG, max + 2, "UTF-8, one longer");

    add("[\"");
    add_times("a", max);
    add("\xff");
    check_text(TLSRPT_ERR_JSON_UTF8, max + 2, "bad UTF-8 at the limit");
}


static void
test_number_length(void)
{
    add("[-");
    add_times("1", TLSRPT_JSON_MAX_NUMBER - 1);
    add("]");
    check_text(TLSRPT_OK, text.len, "a number as long as may be");

    add("[-");
    add_times("1", TLSRPT_JSON_MAX_NUMBER);
    add("]");
    check_text(TLSRPT_ERR_TOO_LONG, TLSRPT_JSON_MAX_NUMBER + 1,
               "a number one longer");
}


/* All names of the open objects together are bounded too: by 64 KB. */
static void
test_names_length(void)
{
    char    last[] = "a";
    size_t  i, offset = 0;

    for (i = 0; i < 4; i++) {
        last[0] = (char) ('a' + i);
        add("{\"");
        add_times("n", TLSRPT_JSON_MAX_STRING - 1);
        add(last);
        add("\":");
    }

    offset = text.len;
    add("1}}}}");
    check_text(TLSRPT_OK, text.len, "long names, as many as may be");

    text.len = offset;
    add("{\"x\":1}}}}}");
    check_text(TLSRPT_ERR_TOO_LONG, offset + 1, "long names, one more");
}


static void
test_handler_stops(void)
{
    static const char  doc[] = "{\"a\": [12 ,\n \"bc\", true]}";
    static const struct {
        size_t  offset, line, column;
    } after[] = {
        { 1, 1, 2 }, { 4, 1, 5 }, { 7, 1, 8 }, { 9, 1, 10 }, { 17, 2, 6 },
        { 23, 2, 12 }, { 24, 2, 13 }, { 25, 2, 14 }
    };
    size_t     i;
    verdict_t  v;

    for (i = 0; i < sizeof(after) / sizeof(after[0]); i++) {
        whole_trace.fail_at = i + 1;
        v = read_whole(doc, sizeof(doc) - 1);

        is_int(v.code, TLSRPT_ERR_MISSING, "event %zu refused", i + 1);
        ok(v.offset == after[i].offset && v.line == after[i].line
           && v.column == after[i].column, "event %zu: the byte after it",
           i + 1);
        is_int((long long) whole_trace.nevents, (long long) i + 1,
               "event %zu: none after it", i + 1);
        is_int(differing_split(doc, sizeof(doc) - 1, &v), -1,
               "event %zu: the same in any split", i + 1);
    }

    is_int(tlsrpt_json_feed(json, "x", 1), TLSRPT_ERR_MISSING,
           "the error stays");
    whole_trace.fail_at = 0;
    split_trace.fail_at = 0;
}


/* K: a name that was known. */
static void
test_expected(void)
{
    static const struct {
        const char  *text;
        const char  *trace;
        int          code;
        size_t       offset;
    } cases[] = {
        { "{\"count\":1,\"count-of-all\":[],\"report\":\"x\","
          "\"a-name-of-24-bytes-in-all\":{}}",
          "{K<count>n<1>K<count-of-all>[]K<report>s<x>"
          "K<a-name-of-24-bytes-in-all>{}}", TLSRPT_OK, 0 },
        { "{\"report\":1,\"count\":2}", "{K<report>n<1>K<count>n<2>}",
          TLSRPT_OK, 0 },
        { "{\"counts\":1,\"count-of-alm\":2,\"coun\":3,\"count\":4,"
          "\"a-name-of-24-bytex-in-all\":5}",
          "{k<counts>n<1>k<count-of-alm>n<2>k<coun>n<3>K<count>n<4>"
          "k<a-name-of-24-bytex-in-all>n<5>}", TLSRPT_OK, 0 },
        { "{ \"count\" : 1 ,\n \"report\":\n2 }",
          "{K<count>n<1>K<report>n<2>}", TLSRPT_OK, 0 },
        { "{\"c\\u006funt\":1}", "{K<count>n<1>}", TLSRPT_OK, 0 },
        { "{\"count\":{\"count\":[{\"count\":1}]},\"report\":2}",
          "{K<count>{K<count>[{K<count>n<1>}]}K<report>n<2>}", TLSRPT_OK, 0 },
        { "{\"count\":1,\"count\":2}", "{K<count>n<1>",
          TLSRPT_ERR_JSON_DUPLICATE, 11 },
        { "{\"count\":1, \"\\u0063ount\":2}", "{K<count>n<1>",
          TLSRPT_ERR_JSON_DUPLICATE, 12 },
        { "{\"coun\\u0074\":1,\"x\":2,\"count\":3}",
          "{K<count>n<1>k<x>n<2>", TLSRPT_ERR_JSON_DUPLICATE, 22 },
        { "{\"x\":1,\"count\":2,\"x\":3}", "{k<x>n<1>K<count>n<2>",
          TLSRPT_ERR_JSON_DUPLICATE, 17 },
        { "{\"count\"}", "{", TLSRPT_ERR_JSON, 8 },
        { "{\"count\":}", "{", TLSRPT_ERR_JSON, 9 },
        { "{\"count\":", "{", TLSRPT_ERR_JSON_TRUNCATED, 9 },
        { "{\"count", "{", TLSRPT_ERR_JSON_TRUNCATED, 7 },
        { "[\"count\":1]", "[s<count>", TLSRPT_ERR_JSON, 8 },
    };
    size_t     i, len;
    verdict_t  v;

    expecting = 1;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        len = strlen(cases[i].text);
        v = read_whole(cases[i].text, len);
        is_int(v.code, cases[i].code, "expected %zu: its code", i);
        is_int((long long) v.offset,
               (long long) (v.code ? cases[i].offset : len),
               "expected %zu: its offset", i);
        is_str(whole_trace.text, cases[i].trace, "expected %zu: as expected",
               i);
        is_int(differing_split(cases[i].text, len, &v), -1,
               "expected %zu: the same in any split", i);
    }

    expecting = 0;
}


static void
test_expected_members(void)
{
    char    member[32];
    size_t  i, offset;

    expecting = 1;
    add("{\"count\":1");

    for (i = 1; i < TLSRPT_JSON_MAX_MEMBERS; i++) {
        snprintf(member, sizeof(member), ",\"m%zu\":1", i);
        add(member);
    }

    offset = text.len;
    add("}");
    check_text(TLSRPT_OK, text.len, "as many members, one of them expected");

    text.len = offset;
    add(",\"count\":1");
    check_text(TLSRPT_ERR_JSON_DUPLICATE, offset + 1, "the expected one again");

    text.len = offset;
    add(",\"report\":1}");
    check_text(TLSRPT_ERR_TOO_MANY, offset + 1, "one expected member more");

    text.len = offset;
    add(",\"more\":1}");
    check_text(TLSRPT_ERR_TOO_MANY, offset + 1, "one other member more");

    expecting = 0;
}


static void
test_no_copy(void)
{
    static const char  doc[] = "{\"name\":\"gr\xc3\xbc\xc3\x9f\",\"n\":-12}";

    begin(&whole_trace);
    whole_trace.start = doc;
    whole_trace.end = doc + sizeof(doc) - 1;

    is_int(tlsrpt_json_feed(json, doc, sizeof(doc) - 1), TLSRPT_OK, "fed");
    is_int(tlsrpt_json_finish(json), TLSRPT_OK, "finished");
    is_int((long long) whole_trace.ninside, 4,
           "what lies whole in the text is handed on where it lies");
}


static int
compare(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}


static size_t
list(const char *dir, char **names, size_t max)
{
    DIR            *d = opendir(dir);
    struct dirent  *entry;
    size_t          n = 0;

    while (d != NULL && n < max && (entry = readdir(d)) != NULL) {
        if (entry->d_name[0] != '.') {
            names[n++] = strdup(entry->d_name);
        }
    }

    if (d != NULL) {
        closedir(d);
    }

    qsort(names, n, sizeof(names[0]), compare);
    return n;
}


static void
load(const char *dir, const char *name)
{
    char   path[512];
    FILE  *file;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    file = fopen(path, "rb");

    if (file == NULL) {
        abort();
    }

    text.len = fread(text.data, 1, sizeof(text.data), file);
    fclose(file);
}


static void
test_corpus(const char *dir, int valid)
{
    char      *names[256];
    size_t     i, n = list(dir, names, 256);
    verdict_t  v;

    ok(n > 0, "%s has files", dir);

    for (i = 0; i < n; i++) {
        load(dir, names[i]);
        v = read_whole(text.data, text.len);
        ok((v.code == TLSRPT_OK) == valid, "%s is %s", names[i],
           valid ? "read" : "refused");
        is_int(differing_split(text.data, text.len, &v), -1,
               "%s: the same in any split", names[i]);
        free(names[i]);
    }

    text.len = 0;
}


/* Names that are alike but for a few bytes, in objects within objects, some of
   which have the same. */
static void
test_alike(void)
{
    size_t  i, round, offset;
    char    name[64];

    for (round = 0; round < 3; round++) {
        add(round ? "\"again\":{" : "{");

        for (i = 0; i < 200; i++) {
            snprintf(name, sizeof(name), "\"aaaaaaaa%03zxaaaaaaaa\":%s,", i,
                     i % 7 ? "1" : "{\"aaaaaaaa001aaaaaaaa\":1}");
            add(name);
        }
    }

    offset = text.len;
    add("\"x\":1}}}");
    check_text(TLSRPT_OK, text.len, "names that are alike");

    text.len = offset;
    add("\"aaaaaaaa063aaaaaaaa\":1}}}");
    check_text(TLSRPT_ERR_JSON_DUPLICATE, offset, "one of them again");

    text.len = offset;
    add("\"x\":1},\"aaaaaaaa063aaaaaaaa\":1}}");
    check_text(TLSRPT_ERR_JSON_DUPLICATE, offset + 7,
               "one of them again, once the inner object is closed");
}


static int
feed_within(size_t budget)
{
    begin(&whole_trace);
    tlsrpt_json_allow(json, budget);

    return feed(text.data, text.len);
}


/* What costs more than it is long is paid for. */
static void
test_budget(void)
{
    size_t  left, line, column;

    add("{\"a\":\"\\n\\u00e9\"}");
    is_int(feed_within(TLSRPT_JSON_COST_NAME + 2 * TLSRPT_JSON_COST_ESCAPE),
           TLSRPT_OK, "a name and two escapes, and a budget for them");
    is_int(tlsrpt_json_spend(json, 1), TLSRPT_ERR_TOO_COSTLY, "nothing left");
    is_int(tlsrpt_json_spend(json, 0), TLSRPT_OK, "which is not a debt");

    is_int(feed_within(TLSRPT_JSON_COST_NAME + 2 * TLSRPT_JSON_COST_ESCAPE - 1),
           TLSRPT_ERR_TOO_COSTLY, "one less");
    tlsrpt_json_position(json, &left, &line, &column);
    is_int((long long) left, 8, "which says where");

    is_int(feed_within(TLSRPT_JSON_COST_NAME - 1), TLSRPT_ERR_TOO_COSTLY,
           "not enough for a name");
    tlsrpt_json_position(json, &left, &line, &column);
    is_int((long long) left, 1, "which says where");

    is_int(feed_within(SIZE_MAX), TLSRPT_OK, "any");
    text.len = 0;
}


int
main(void)
{
    json = tlsrpt_json_create();

    if (!ok(json != NULL, "created")) {
        return done();
    }

    test_events();
    test_errors();
    test_deviations();
    test_depth();
    test_members();
    test_string_length();
    test_number_length();
    test_names_length();
    test_alike();
    test_budget();
    test_handler_stops();
    test_expected();
    test_expected_members();
    test_no_copy();
    test_corpus("t/corpus/json/valid", 1);
    test_corpus("t/corpus/json/invalid", 0);

    tlsrpt_json_destroy(json);
    tlsrpt_json_destroy(NULL);

    return done();
}
