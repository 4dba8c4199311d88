/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <string.h>

#include "tlsrpt_dns.h"
#include "tlsrpt_dns_lines.h"


#define SECTION  "RFC 8460 3"
#define STS      "RFC 8461 3.1"

/* One look at a record.  text is what is read: quotes are gone, and origin
   tells where each byte stood. */

typedef struct {
    char        text[TLSRPT_MAX_RECORD + 1];
    size_t      origin[TLSRPT_MAX_RECORD + 1];
    size_t      len;
    size_t      pos;
    json_t     *errors;
    json_t     *warnings;
    json_t     *rua;
    int         failed;                     /* no memory */
    unsigned    mailto;                     /* of each scheme, how many */
    unsigned    https;
    int         https_first;                /* it stands before any mailto: */
    size_t      first;                      /* there */
} check_t;


static void
note(check_t *c, json_t *list, size_t at, const char *section,
    const char *message)
{
    at = at <= c->len ? c->origin[at] : at;

    if (json_array_append_new(list, json_pack("{s:I, s:s, s:s}",
                                              "at", (json_int_t) at,
                                              "message", message,
                                              "section", section))
        != 0)
    {
        c->failed = 1;
    }
}


static void
error(check_t *c, size_t at, const char *section, const char *message)
{
    note(c, c->errors, at, section, message);
}


static void
warning(check_t *c, size_t at, const char *section, const char *message)
{
    note(c, c->warnings, at, section, message);
}


static void
skip_wsp(check_t *c)
{
    while (c->pos < c->len && tlsrpt_is_wsp(c->text[c->pos])) {
        c->pos++;
    }
}


static int
at_text(const check_t *c, const char *text)
{
    size_t  n = strlen(text);

    return c->len - c->pos >= n && memcmp(c->text + c->pos, text, n) == 0;
}


/*
 * What was given -> the record's text
 */

/* RFC 8460 3: strings of one record are put together without spaces.  s: a line
   of the text. */

static void
unquote(check_t *c, const char *text, const char *s, size_t len)
{
    int           quoted = 0, any = len && s[0] == '"';
    size_t        n = 0;
    const size_t  first = (size_t) (s - text);

    for (size_t i = 0; i < len && n < TLSRPT_MAX_RECORD; i++) {
        if (any && s[i] == '"') {
            quoted = !quoted;
            continue;
        }

        if (any && !quoted && tlsrpt_is_wsp(s[i])) {
            continue;
        }

        if (any && quoted && s[i] == '\\' && i + 1 < len) {
            i++;
        }

        c->origin[n] = first + i;
        c->text[n++] = s[i];
    }

    c->len = n;
    c->origin[n] = first + len;
    c->text[n] = '\0';

    if (quoted) {
        error(c, n, "RFC 1035 5.1", "the closing quotation mark is missing");
    }
}


/*
 * Fields
 */

/* *WSP ";" *WSP; 1: another field follows, 0: the end, -1: neither. */

static int
next_field(check_t *c, const char *section)
{
    skip_wsp(c);

    if (c->pos == c->len) {
        return 0;
    }

    if (c->text[c->pos] != ';') {
        error(c, c->pos, section, "a semicolon is expected here");
        return -1;
    }

    c->pos++;
    skip_wsp(c);

    return c->pos < c->len;
}


/* Up to the next semicolon, without the blanks before it. */

static tlsrpt_str_t
field_value(check_t *c)
{
    tlsrpt_str_t  v = { c->text + c->pos, 0 };

    while (c->pos < c->len && c->text[c->pos] != ';') {
        c->pos++;
    }

    v.len = (size_t) (c->text + c->pos - v.data);

    while (v.len && tlsrpt_is_wsp(v.data[v.len - 1])) {
        v.len--;
    }

    return v;
}


/* tlsrpt-extension, sts-extension: unknown fields are ignored if they are well
   formed. */

static void
extension(check_t *c, const char *section)
{
    size_t        at = c->pos, n = 0;
    tlsrpt_str_t  v = field_value(c);

    while (n < v.len && (tlsrpt_is_alnum(v.data[n])
                         || (n && strchr("_-.", v.data[n]) != NULL)))
    {
        n++;
    }

    if (n == 0 || n > 32 || n == v.len || v.data[n] != '=') {
        error(c, at + n, section, "not a field of the form name=value");
        return;
    }

    if (n + 1 == v.len) {
        error(c, at + n + 1, section, "the field's value is missing");
        return;
    }

    for (n++; n < v.len; n++) {
        if (v.data[n] <= ' ' || v.data[n] == '=' || v.data[n] == 0x7f
            || (unsigned char) v.data[n] >= 0x80)
        {
            error(c, at + n, section, "a character that is not allowed in a "
                  "field's value");
            return;
        }
    }

    warning(c, at, section, "a field that this version does not know; senders "
            "ignore it");
}


/*
 * rua
 */

/* RFC 3986 2: the characters of a URI, and whole percent-encodings. */

static void
check_uri_chars(check_t *c, size_t at, tlsrpt_str_t uri)
{
    static const char  other[] = "-._~:/?#[]@$&'()*+=%!";

    for (size_t i = 0; i < uri.len; i++) {
        char  ch = uri.data[i];

        if (ch == '!') {
            /* "," and ";", which must be encoded as well, end the URI */
            error(c, at + i, SECTION, "an exclamation mark in a URI must be "
                  "written as %21");

        } else if (!tlsrpt_is_alnum(ch)
                   && (ch == '\0' || strchr(other, ch) == NULL))
        {
            error(c, at + i, "RFC 3986 2", "a character that is not allowed "
                  "in a URI");
            return;

        } else if (ch == '%'
                   && (uri.len - i < 3
                       || strspn(uri.data + i + 1, "0123456789abcdefABCDEF")
                          < 2))
        {
            error(c, at + i, "RFC 3986 2.1", "a percent sign without two "
                  "hexadecimal digits");
            return;
        }
    }
}


static void
check_mailto(check_t *c, size_t at, tlsrpt_str_t uri)
{
    char         domain[TLSRPT_DOMAIN_LEN + 1];
    size_t       n = sizeof("mailto:") - 1, end;
    const char  *sign;

    c->mailto++;

    if (tlsrpt_str_begins_in_any_case(uri, "mailto://")) {
        warning(c, at + n, "RFC 6068 2", "no slashes behind mailto: the "
                "address follows at once");
        n += 2;
    }

    end = uri.len;
    sign = memchr(uri.data, '?', uri.len);

    if (sign != NULL) {
        end = (size_t) (sign - uri.data);
    }

    sign = end > n ? memchr(uri.data + n, '@', end - n) : NULL;

    if (sign == NULL || sign == uri.data + n
        || tlsrpt_domain_normalize(sign + 1,
                                   (size_t) (uri.data + end - sign - 1),
                                   domain)
           == 0)
    {
        error(c, at + n, "RFC 6068 2", "not a mail address");
    }
}


static void
check_https(check_t *c, size_t at, tlsrpt_str_t uri)
{
    char    host[TLSRPT_DOMAIN_LEN + 1];
    size_t  n = sizeof("https://") - 1, len;

    if (c->https++ == 0 && c->mailto == 0) {
        c->https_first = 1;
        c->first = at;
    }

    len = uri.len > n ? strcspn(uri.data + n, "/?#:;, \t") : 0;

    if (!tlsrpt_str_begins_in_any_case(uri, "https://") || len > uri.len - n
        || (uri.data[n] != '[' && tlsrpt_domain_normalize(uri.data + n, len,
                                                          host) == 0))
    {
        error(c, at, "RFC 9110 4.2.2", "the host is missing");
    }
}


static void
check_uri(check_t *c, size_t at, tlsrpt_str_t uri)
{
    if (uri.len == 0) {
        error(c, at, SECTION, "a URI is missing here");
        return;
    }

    check_uri_chars(c, at, uri);

    if (tlsrpt_str_begins_in_any_case(uri, "mailto:")) {
        check_mailto(c, at, uri);

    } else if (tlsrpt_str_begins_in_any_case(uri, "https:")) {
        check_https(c, at, uri);

    } else if (tlsrpt_str_begins_in_any_case(uri, "http:")) {
        warning(c, at, SECTION, "senders do not post reports to http: URIs; "
                "use https:");

    } else if (memchr(uri.data, ':', uri.len) == NULL) {
        error(c, at, SECTION, "not a URI: it begins with mailto: or https:; a "
              "comma within a URI is to be written as %2C");
        return;

    } else {
        warning(c, at, SECTION, "senders know mailto: and https: URIs only");
    }

    if (json_array_append_new(c->rua, json_stringn(uri.data, uri.len)) != 0) {
        c->failed |= json_array_size(c->errors) == 0;
    }
}


static void
check_rua(check_t *c)
{
    size_t        at;
    const char   *comma;
    tlsrpt_str_t  value, uri;

    value = field_value(c);

    if (json_array_size(c->rua) >= TLSRPT_MAX_RUA) {
        return;                             /* those of a second rua */
    }

    do {
        while (value.len && tlsrpt_is_wsp(*value.data)) {
            value.data++;
            value.len--;
        }

        comma = value.len ? memchr(value.data, ',', value.len) : NULL;
        uri.data = value.data;
        uri.len = comma ? (size_t) (comma - value.data) : value.len;
        at = (size_t) (uri.data - c->text);

        value.data += uri.len + (comma != NULL);
        value.len -= uri.len + (comma != NULL);

        while (uri.len && tlsrpt_is_wsp(uri.data[uri.len - 1])) {
            uri.len--;
        }

        check_uri(c, at, uri);
    } while (comma != NULL && json_array_size(c->rua) < TLSRPT_MAX_RUA);

    if (comma != NULL) {
        error(c, (size_t) (value.data - c->text), SECTION, "more than 32 URIs; "
              "what follows was not read here");
    }
}


/*
 * Records
 */

/* At "name=", which is passed over?  It is told if it is written "NAME=" or
   "name =", and read all the same. */

static int
at_field(check_t *c, const char *name, const char *section,
    const char *message)
{
    tlsrpt_str_t  rest = { c->text + c->pos, c->len - c->pos };
    size_t        n = strlen(name), blanks = 0;

    if (!tlsrpt_str_begins_in_any_case(rest, name)) {
        return 0;
    }

    while (n + blanks < rest.len && tlsrpt_is_wsp(rest.data[n + blanks])) {
        blanks++;
    }

    if (n + blanks == rest.len || rest.data[n + blanks] != '=') {
        return 0;
    }

    if (blanks || memcmp(rest.data, name, n) != 0) {
        error(c, c->pos, section, message);
    }

    c->pos += n + blanks + 1;

    return 1;
}


static void
check_tlsrpt(check_t *c)
{
    int       more;
    unsigned  nrua = 0;

    c->pos = sizeof("v=TLSRPTv1") - 1;

    if (c->pos < c->len && tlsrpt_is_wsp(c->text[c->pos])) {
        warning(c, c->pos, SECTION, "a blank before the first semicolon: the "
                "grammar allows it, but senders that look for \"v=TLSRPTv1;\" "
                "discard the record");
    }

    while ((more = next_field(c, SECTION)) > 0) {
        size_t  at = c->pos;

        if (at_field(c, "rua", SECTION, "rua= is written in lower case, "
                     "without a blank before \"=\""))
        {
            if (nrua++) {
                warning(c, at, SECTION, "a second rua: senders may read "
                        "the first only; put the URIs into one, with commas");
            }

            check_rua(c);

        } else {
            extension(c, SECTION);
        }
    }

    if (nrua == 0) {
        error(c, c->len, SECTION, "rua is missing: the record does not say "
              "where reports go");
    }

    if (c->https && c->mailto == 0) {
        warning(c, c->len, SECTION, "no mailto: URI; some senders never post "
                "reports, so they would send you none");

    } else if (c->https_first) {
        warning(c, c->first, SECTION, "https: stands before mailto:; some "
                "senders, Microsoft among them, use the first URI only, and "
                "send mail: put mailto: first");
    }
}


static void
check_sts_id(check_t *c)
{
    size_t        at, n = 0;
    tlsrpt_str_t  v;

    at = c->pos;
    v = field_value(c);

    while (n < v.len && tlsrpt_is_alnum(v.data[n])) {
        n++;
    }

    if (n < v.len) {
        error(c, at + n, STS, "an id consists of letters and digits only");

    } else if (n == 0 || n > 32) {
        error(c, at, STS, "an id has 1 to 32 letters and digits");
    }
}


static void
check_sts(check_t *c)
{
    unsigned  nid = 0;

    c->pos = sizeof("v=STSv1") - 1;

    while (next_field(c, STS) > 0) {
        size_t  at = c->pos;

        if (at_field(c, "id", STS, "id= is written in lower case, without a "
                     "blank before \"=\""))
        {
            if (nid++) {
                warning(c, at, STS, "a second id: senders read the first "
                        "only");
            }

            check_sts_id(c);

        } else {
            extension(c, STS);
        }
    }

    if (nid == 0) {
        error(c, c->len, STS, "id is missing");
    }
}


static int
has_text(const check_t *c, const char *text, size_t *at)
{
    const size_t  n = strlen(text);

    for (*at = 0; *at + n <= c->len; ++*at) {
        if (memcmp(c->text + *at, text, n) == 0) {
            return 1;
        }
    }

    return 0;
}


static void
check_record(check_t *c)
{
    size_t  at;

    if (has_text(c, "\xc2\xa0", &at)) {
        error(c, at, SECTION, "a no-break space, which looks like a blank; "
              "type a blank");

    } else if (at_text(c, "v=TLSRPTv1")) {
        check_tlsrpt(c);

    } else if (at_text(c, "v=STSv1")) {
        check_sts(c);

    } else if (has_text(c, "TXT", &at)
               && (has_text(c, "v=TLSRPTv1", &at) || has_text(c, "v=STSv1",
                                                              &at)))
    {
        error(c, 0, SECTION, "the record begins with its version; of a line "
              "of a zone file, give what stands behind TXT");

    } else {
        error(c, 0, SECTION, "neither a TLS reporting record, which begins "
              "with v=TLSRPTv1, nor an MTA-STS record, which begins with "
              "v=STSv1 (upper and lower case matter)");
    }
}


static int
check_init(check_t *c)
{
    memset(c, 0, sizeof(*c));
    c->errors = json_array();
    c->warnings = json_array();
    c->rua = json_array();

    return c->errors && c->warnings && c->rua ? 0 : -1;
}


static json_t *
check_json(check_t *c)
{
    json_t  *json = NULL;

    if (!c->failed) {
        json = json_pack("{s:b, s:O, s:O, s:O}",
                         "valid", json_array_size(c->errors) == 0,
                         "errors", c->errors, "warnings", c->warnings,
                         "rua", c->rua);
    }

    json_decref(c->errors);
    json_decref(c->warnings);
    json_decref(c->rua);

    return json;
}


json_t *
tlsrpt_dns_check(const char *text, size_t len)
{
    check_t             c;
    tlsrpt_dns_lines_t  l;

    if (check_init(&c) != 0) {
        c.failed = 1;
        return check_json(&c);
    }

    while (len && tlsrpt_is_space(text[len - 1])) {
        len--;
    }

    if (len > TLSRPT_MAX_RECORD) {
        error(&c, TLSRPT_MAX_RECORD, SECTION, "longer than 4096 bytes");
        return check_json(&c);
    }

    l = tlsrpt_dns_lines(text, len);

    if (l.nrecords > 1) {
        error(&c, 0, SECTION, "several records: senders take it as none");
    }

    unquote(&c, text, l.line != NULL ? l.line : text, l.len);

    if (l.nrecords == 1 && l.nlines > 1) {
        warning(&c, 0, SECTION, "records of other kinds at the same name: "
                "senders discard them");
    }

    check_record(&c);

    return check_json(&c);
}
