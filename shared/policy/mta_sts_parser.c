/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * MTA-STS policies: text -> policy (RFC 8461 3.2), and what is to be said of
 * it.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "mta_sts_policy.h"
#include "mta_sts_reason.h"
#include "tlsrpt_utf8.h"


#define MTA_STS_DAY           86400
#define MTA_STS_WEEK          (7 * MTA_STS_DAY)

#define MTA_STS_MAX_NAME      32            /* of a field (RFC 8461 3.2) */
#define MTA_STS_MAX_FINDINGS  64            /* of one text, each kind */

#define MTA_STS_FORMAT        "RFC 8461 3.2"
#define MTA_STS_FETCH         "RFC 8461 3.3"

/* Where the fields were given first; 0: not given. */
typedef struct {
    size_t               version;
    size_t               mode;
    size_t               max_age;
    size_t               mx;
    size_t               end;               /* the last line */
} mta_sts_lines_t;

typedef struct {
    mta_sts_policy_t   *policy;
    mta_sts_remark_pt   remark;
    void               *ctx;
    mta_sts_lines_t     lines;
    size_t              line;               /* the one being read */
    unsigned            nerrors;
    unsigned            nadvice;
    int                 strict;             /* as senders read it */
} mta_sts_parser_t;

typedef void (*mta_sts_field_pt)(mta_sts_parser_t *parser, const char *value,
    size_t len);

typedef struct {
    const char          *name;
    const char          *letters;           /* as misspelled */
    mta_sts_field_pt     read;
} mta_sts_field_t;

static void read_version(mta_sts_parser_t *parser, const char *value,
    size_t len);
static void read_mode(mta_sts_parser_t *parser, const char *value, size_t len);
static void read_max_age(mta_sts_parser_t *parser, const char *value,
    size_t len);
static void read_mx(mta_sts_parser_t *parser, const char *value, size_t len);

static const mta_sts_field_t  mta_sts_fields[] = {
    { "version", "version", read_version },
    { "mode",    "mode",    read_mode },
    { "max_age", "maxage",  read_max_age },
    { "mx",      "mx",      read_mx },
};

#define NELEMS(a)  (sizeof(a) / sizeof((a)[0]))


static int
equals(const char *s, size_t len, const char *text)
{
    return strlen(text) == len && memcmp(s, text, len) == 0;
}


/* A text cannot call forth more remarks than are kept, but whatever comes
   before it, the first error is told. */

static void
report(mta_sts_parser_t *parser, int is_error, size_t line,
    const char *section, const char *fmt, ...) TLSRPT_PRINTF(5, 6);

static void
report(mta_sts_parser_t *parser, int is_error, size_t line,
    const char *section, const char *fmt, ...)
{
    char       message[MTA_STS_MESSAGE_LEN];
    va_list    args;
    unsigned  *n = is_error ? &parser->nerrors : &parser->nadvice;

    if (*n == MTA_STS_MAX_FINDINGS) {
        return;
    }

    (*n)++;

    va_start(args, fmt);
    (void) vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);

    parser->remark(parser->ctx, is_error, line, section, message);
}


/* Weeks are expected, and a look once a day; mode none is how a domain leaves
   MTA-STS, and a day is right there (RFC 8461 8.3). */

static void
check_max_age(mta_sts_parser_t *parser, const mta_sts_policy_t *policy)
{
    size_t    line = parser->lines.max_age;
    uint32_t  max_age = policy->max_age;

    if (max_age > MTA_STS_MAX_AGE) {
        report(parser, 1, line, MTA_STS_FORMAT,
               "max_age %lu is over the maximum, %d seconds (a year)",
               (unsigned long) max_age, MTA_STS_MAX_AGE);
        return;
    }

    if (max_age < MTA_STS_DAY) {
        report(parser, 0, line, MTA_STS_FETCH,
               "max_age %lu is under a day (86400): senders forget the policy "
               "before they look for it again", (unsigned long) max_age);
        return;
    }

    if (max_age < MTA_STS_WEEK && policy->mode != MTA_STS_NONE) {
        report(parser, 0, line, MTA_STS_FORMAT,
               "max_age %lu is under a week (604800): raise it once the "
               "policy works", (unsigned long) max_age);
    }
}


/* A pattern that was given, but wrong, has been told of. */

static void
check_mx(mta_sts_parser_t *parser, const mta_sts_policy_t *policy)
{
    if (policy->mode == MTA_STS_NONE) {
        if (policy->nmx) {
            report(parser, 0, parser->lines.mx, MTA_STS_FORMAT,
                   "mx is given, but in mode \"none\" senders ignore it");
        }

        return;
    }

    if (policy->nmx == 0 && parser->lines.mx == 0) {
        report(parser, 1, parser->lines.mode, MTA_STS_FORMAT,
               "mode \"%s\" needs at least one mx",
               mta_sts_mode_name(policy->mode));
    }
}


int
mta_sts_policy_check(const mta_sts_policy_t *policy,
    mta_sts_remark_pt remark, void *ctx)
{
    mta_sts_parser_t  parser = { .remark = remark, .ctx = ctx };

    check_mx(&parser, policy);
    check_max_age(&parser, policy);

    return parser.nerrors ? -1 : 0;
}


/* Of the fields but mx, the first counts (RFC 8461 3.2). */

static int
is_repeated(mta_sts_parser_t *parser, const char *name, size_t *first)
{
    if (*first == 0) {
        *first = parser->line;
        return 0;
    }

    report(parser, 0, parser->line, MTA_STS_FORMAT,
           "\"%s\" is given again, after line %zu; senders take the first",
           name, *first);
    return 1;
}


static void
read_version(mta_sts_parser_t *parser, const char *value, size_t len)
{
    char  buf[MTA_STS_QUOTE_LEN];

    if (is_repeated(parser, "version", &parser->lines.version)) {
        return;
    }

    if (!equals(value, len, "STSv1")) {
        report(parser, 1, parser->line, MTA_STS_FORMAT,
               "version \"%s\" must be \"STSv1\"",
               mta_sts_quote(value, len, buf));
    }

    if (parser->line > 1) {
        report(parser, 0, parser->line, MTA_STS_FORMAT,
               "version is not the first field, as some senders expect");
    }
}


static void
read_mode(mta_sts_parser_t *parser, const char *value, size_t len)
{
    const char  *reason;

    if (is_repeated(parser, "mode", &parser->lines.mode)) {
        return;
    }

    if (mta_sts_policy_set_mode(parser->policy, value, len, &reason) != 0) {
        report(parser, 1, parser->line, MTA_STS_FORMAT, "%s", reason);
    }
}


/* 1*10DIGIT: fits in 64 bits. */

static void
read_max_age(mta_sts_parser_t *parser, const char *value, size_t len)
{
    char      buf[MTA_STS_QUOTE_LEN];
    size_t    i;
    uint64_t  seconds = 0;

    if (is_repeated(parser, "max_age", &parser->lines.max_age)) {
        return;
    }

    for (i = 0; i < len && i < 10 && tlsrpt_is_digit(value[i]); i++) {
        seconds = seconds * 10 + (uint64_t) (value[i] - '0');
    }

    if (i < len || len == 0) {
        report(parser, 1, parser->line, MTA_STS_FORMAT,
               "max_age \"%s\" must be seconds, in 1 to 10 digits",
               mta_sts_quote(value, len, buf));
        return;
    }

    if (seconds > MTA_STS_MAX_AGE) {
        report(parser, 1, parser->line, MTA_STS_FORMAT,
               "max_age %.*s is over the maximum, %d seconds (a year)",
               (int) len, value, MTA_STS_MAX_AGE);
        return;
    }

    parser->policy->max_age = (uint32_t) seconds;
}


static void
read_mx(mta_sts_parser_t *parser, const char *value, size_t len)
{
    char         buf[MTA_STS_QUOTE_LEN];
    const char  *reason;

    if (parser->lines.mx == 0) {
        parser->lines.mx = parser->line;
    }

    if (parser->strict && len && value[len - 1] == '.') {
        report(parser, 1, parser->line, MTA_STS_FORMAT,
               "mx \"%s\" ends in a dot, which the format does not allow: "
               "senders refuse the whole policy",
               mta_sts_quote(value, len, buf));
        return;
    }

    if (mta_sts_policy_add_mx(parser->policy, value, len, &reason) != 0) {
        report(parser, 1, parser->line, MTA_STS_FORMAT, "%s", reason);

    } else if (reason != NULL) {
        report(parser, 0, parser->line, MTA_STS_FORMAT, "%s", reason);
    }
}


/* An extension is ignored (RFC 8461 3.2), but it may be a misspelled field:
   "Mode", "max-age". */

static void
read_extension(mta_sts_parser_t *parser, const char *name, size_t len)
{
    char    letters[MTA_STS_MAX_NAME + 1];
    size_t  n = 0;

    for (size_t i = 0; i < len; i++) {
        if (tlsrpt_is_alnum(name[i])) {
            letters[n++] = tlsrpt_lower(name[i]);
        }
    }

    for (size_t i = 0; i < NELEMS(mta_sts_fields); i++) {
        if (equals(letters, n, mta_sts_fields[i].letters)) {
            report(parser, 0, parser->line, MTA_STS_FORMAT,
                   "\"%.*s\" is ignored; the field is \"%s\"", (int) len, name,
                   mta_sts_fields[i].name);
            return;
        }
    }

    report(parser, 0, parser->line, MTA_STS_FORMAT,
           "the field \"%.*s\" is unknown and ignored", (int) len, name);
}


static void
read_field(mta_sts_parser_t *parser, const char *name, size_t len,
    const char *value, size_t value_len)
{
    for (size_t i = 0; i < NELEMS(mta_sts_fields); i++) {
        if (equals(name, len, mta_sts_fields[i].name)) {
            mta_sts_fields[i].read(parser, value, value_len);
            return;
        }
    }

    read_extension(parser, name, len);
}


/* sts-policy-ext-name (RFC 8461 3.2), which every field's name is. */

static int
is_field_name(const char *name, size_t len)
{
    if (len == 0 || len > MTA_STS_MAX_NAME || !tlsrpt_is_alnum(name[0])) {
        return 0;
    }

    for (size_t i = 1; i < len; i++) {
        if (!tlsrpt_is_alnum(name[i]) && name[i] != '_'
            && name[i] != '-' && name[i] != '.')
        {
            return 0;
        }
    }

    return 1;
}


/* What no field may hold: controls, and bytes that are no UTF-8.  White space
   around the value is gone already.  NULL: nothing of it. */

static const char *
check_bytes(const char *s, size_t len)
{
    size_t  n;

    for (size_t i = 0; i < len; i += n) {
        unsigned char  c = (unsigned char) s[i];

        n = tlsrpt_utf8_len(s + i, len - i);

        if (n == 0) {
            return "the line is not UTF-8";
        }

        if (c == '\r') {
            return "a CR without LF; lines end in CRLF or LF";
        }

        if (c == '\t') {
            return "a tab within the line";
        }

        if (n == 2 && memcmp(s + i, "\xc2\xa0", 2) == 0) {
            return "a no-break space, which looks like a blank; type a blank";
        }

        if (c < 0x20 || c == 0x7f) {
            return "a control character in the line";
        }
    }

    return NULL;
}


static void
read_line(mta_sts_parser_t *parser, const char *line, size_t len)
{
    char         buf[MTA_STS_QUOTE_LEN];
    size_t       name_len, value_len;
    const char  *colon, *value, *reason;

    while (len && tlsrpt_is_wsp(line[len - 1])) {
        len--;
    }

    if (len == 0) {
        report(parser, 1, parser->line, MTA_STS_FORMAT,
               "the line is empty, which the format does not allow");
        return;
    }

    /* told once, not of each thing that comes of it */
    if (tlsrpt_is_wsp(*line)) {
        report(parser, 1, parser->line, MTA_STS_FORMAT,
               "blanks before the field; a line begins with the field's name");

        while (tlsrpt_is_wsp(*line)) {
            line++;
            len--;
        }
    }

    colon = memchr(line, ':', len);

    if (colon == NULL) {
        report(parser, 1, parser->line, MTA_STS_FORMAT,
               "\"%s\" has no \":\"; a field is \"name: value\"",
               mta_sts_quote(line, len, buf));
        return;
    }

    name_len = (size_t) (colon - line);

    if (!is_field_name(line, name_len)) {
        report(parser, 1, parser->line, MTA_STS_FORMAT,
               "\"%s\" is not a field's name: 1 to 32 letters, digits, \"_\", "
               "\"-\" or \".\", and no white space before or after",
               mta_sts_quote(line, name_len, buf));
        return;
    }

    value = colon + 1;
    value_len = len - name_len - 1;

    while (value_len && tlsrpt_is_wsp(*value)) {
        value++;
        value_len--;
    }

    reason = value_len ? check_bytes(value, value_len)
                       : "the field has no value";

    if (reason != NULL) {
        report(parser, 1, parser->line, MTA_STS_FORMAT, "%s", reason);
        return;
    }

    read_field(parser, line, name_len, value, value_len);
}


/* The end of the text does not end a line: "a LF" is one line, as "a" is. */

static void
read_lines(mta_sts_parser_t *parser, const char *text, size_t len)
{
    const char  *end = text + len;

    while (text < end && parser->nerrors < MTA_STS_MAX_FINDINGS) {
        const char  *lf = memchr(text, '\n', (size_t) (end - text));
        size_t       n = (size_t) ((lf ? lf : end) - text);

        parser->line++;
        read_line(parser, text,
                  lf != NULL && n && text[n - 1] == '\r' ? n - 1 : n);

        text = lf ? lf + 1 : end;
    }

    parser->lines.end = parser->line;
}


/* A field that was given, but wrong, has been told of. */

static void
check_required(mta_sts_parser_t *parser)
{
    const mta_sts_lines_t  *lines = &parser->lines;

    if (lines->version == 0) {
        report(parser, 1, 1, MTA_STS_FORMAT,
               "version is missing: the policy starts with "
               "\"version: STSv1\"");
    }

    if (lines->mode == 0) {
        report(parser, 1, lines->end, MTA_STS_FORMAT,
               "mode is missing: \"enforce\", \"testing\" or \"none\"");
    }

    if (lines->max_age == 0) {
        report(parser, 1, lines->end, MTA_STS_FORMAT,
               "max_age is missing: how many seconds senders keep the policy");
    }
}


static int
is_readable(mta_sts_parser_t *parser, const char *text, size_t len)
{
    if (len > MTA_STS_MAX_SIZE) {
        report(parser, 1, 1, MTA_STS_FETCH,
               "the policy is larger than 64 kilobytes, which senders need "
               "not read");
        return 0;
    }

    if (len == 0) {
        report(parser, 1, 1, MTA_STS_FORMAT, "the policy is empty");
        return 0;
    }

    if (len >= 2 && (memcmp(text, "\xff\xfe", 2) == 0
                     || memcmp(text, "\xfe\xff", 2) == 0))
    {
        report(parser, 1, 1, MTA_STS_FORMAT,
               "the text is UTF-16; save it as UTF-8");
        return 0;
    }

    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        report(parser, 1, 1, MTA_STS_FORMAT,
               "the policy starts with a byte order mark");
        return 0;
    }

    return 1;
}


static int
parse(const char *text, size_t len, mta_sts_policy_t *policy,
    mta_sts_remark_pt remark, void *ctx, int strict)
{
    mta_sts_parser_t  parser = { .policy = policy, .remark = remark,
                                 .ctx = ctx, .strict = strict };

    policy->mode = -1;
    policy->max_age = 0;
    policy->nmx = 0;

    if (!is_readable(&parser, text, len)) {
        return -1;
    }

    read_lines(&parser, text, len);
    check_required(&parser);

    if (policy->mode != -1) {
        check_mx(&parser, policy);
    }

    /* advice on half a policy would only mislead */

    if (parser.nerrors == 0) {
        check_max_age(&parser, policy);
    }

    return parser.nerrors ? -1 : 0;
}


int
mta_sts_policy_parse(const char *text, size_t len, mta_sts_policy_t *policy,
    mta_sts_remark_pt remark, void *ctx)
{
    return parse(text, len, policy, remark, ctx, 0);
}


int
mta_sts_policy_parse_strictly(const char *text, size_t len,
    mta_sts_policy_t *policy, mta_sts_remark_pt remark, void *ctx)
{
    return parse(text, len, policy, remark, ctx, 1);
}
