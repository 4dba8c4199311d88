/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * policy-string and mx-host: arrays of strings, and what is sent instead.
 */

#include <string.h>

#include "tlsrpt_builder.h"


#define MAX_UNWRAPPED  65536                /* of a report, in bytes */

/* Keeps one line, which is not empty. */
typedef int (*add_pt)(tlsrpt_builder_t *b, const char *s, size_t len);


static int
add_lines(tlsrpt_builder_t *b, const char *s, size_t len, add_pt add)
{
    while (len) {
        int          rc;
        const char  *line = s, *nl = memchr(s, '\n', len);
        size_t       n = nl ? (size_t) (nl - s) : len;

        s += nl ? n + 1 : n;
        len -= nl ? n + 1 : n;
        tlsrpt_builder_trim(&line, &n);

        if (n && (rc = add(b, line, n)) != TLSRPT_OK) {
            return rc;
        }
    }

    return TLSRPT_OK;
}


/* Microsoft: one string that holds a JSON array of TLSA records. */

static int
add_wrapped(tlsrpt_builder_t *b, json_t *array, add_pt add)
{
    int      rc = TLSRPT_OK;
    size_t   i;
    json_t  *item;

    tlsrpt_builder_warn(b, "RFC 8460 4.5", "JSON within a string, unwrapped");

    json_array_foreach(array, i, item) {
        if (json_is_string(item) && rc == TLSRPT_OK) {
            rc = add_lines(b, json_string_value(item),
                           json_string_length(item), add);
        }
    }

    return rc;
}


/* Of an item that is not empty. */

static int
add_item(tlsrpt_builder_t *b, const char *s, size_t len, add_pt add)
{
    int      rc;
    json_t  *array;

    if (s[0] == '[' && len <= MAX_UNWRAPPED - b->unwrapped) {
        b->unwrapped += len;
        array = json_loadb(s, len, 0, NULL);

        if (array != NULL) {
            rc = add_wrapped(b, array, add);
            json_decref(array);
            return rc;
        }
    }

    if (s[len - 1] == '\r') {
        tlsrpt_builder_warn(b, "RFC 8460 4.5", "ends in CR, trimmed");
    }

    return add_lines(b, s, len, add);
}


/* field NULL: an item of the array. */

static int
set_list(tlsrpt_builder_t *b, void *field, tlsrpt_json_event_t event,
    const char *s, size_t len, add_pt add)
{
    if (event != TLSRPT_JSON_STRING) {
        tlsrpt_builder_warn(b, TLSRPT_SCHEMA, "not a string, passed over");
        return TLSRPT_OK;
    }

    if (len == 0) {
        tlsrpt_builder_warn(b, TLSRPT_SCHEMA, "empty, taken as absent");
        return TLSRPT_OK;
    }

    if (field != NULL) {
        tlsrpt_builder_warn(b, TLSRPT_SCHEMA,
                            "a string, taken as an array of one");
    }

    return add_item(b, s, len, add);
}


/*
 * Names of mail servers, which are compared as A-labels.
 */

static int
is_ascii(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char) s[i] > 0x7f) {
            return 0;
        }
    }

    return 1;
}


/* A pattern of a policy, behind lead: with U-labels it is brought to
   A-labels. */

static int
add_pattern(tlsrpt_builder_t *b, const char *lead, const char *s, size_t len)
{
    char    line[16 + TLSRPT_DOMAIN_LEN + 1];
    size_t  n = strlen(lead), name, any = 0;

    if (len > 1 && s[0] == '*' && s[1] == '.') {
        any = 2;

    } else if (len && s[0] == '.') {
        any = 1;
    }

    memcpy(line, lead, n);
    memcpy(line + n, s, any);
    name = len - any > TLSRPT_MAX_STRING
           ? 0 : tlsrpt_builder_host(b, s + any, len - any, line + n + any);

    if (name == 0) {
        return -1;
    }

    tlsrpt_builder_warn(b, "RFC 8461 3.2", "taken as %s", line + n);

    return tlsrpt_builder_add_string(b, line, n + any + name);
}


/* "mx: NAME" */

static int
add_policy_line(tlsrpt_builder_t *b, const char *s, size_t len)
{
    int          rc = -1;
    size_t       n;
    const char  *value;

    if (len > 3 && memcmp(s, "mx:", 3) == 0 && !is_ascii(s, len)) {
        value = s + 3;
        n = len - 3;
        tlsrpt_builder_trim(&value, &n);
        rc = add_pattern(b, "mx: ", value, n);
    }

    return rc >= 0 ? rc : tlsrpt_builder_add_string(b, s, len);
}


static int
add_host(tlsrpt_builder_t *b, const char *s, size_t len)
{
    int  rc = -1;

    if (len > 2 && s[0] == '[' && s[len - 1] == ']') {
        tlsrpt_builder_warn(b, TLSRPT_SCHEMA, "in brackets, taken without");
        s++;
        len -= 2;
    }

    if (!is_ascii(s, len)) {
        rc = add_pattern(b, "", s, len);
    }

    return rc >= 0 ? rc : tlsrpt_builder_add_string(b, s, len);
}


/* "NAME, NAME" */

static int
add_hosts(tlsrpt_builder_t *b, const char *s, size_t len)
{
    if (memchr(s, ',', len) != NULL) {
        tlsrpt_builder_warn(b, TLSRPT_SCHEMA,
                            "several names in a string, taken apart");
    }

    while (len) {
        int          rc;
        const char  *name = s, *comma = memchr(s, ',', len);
        size_t       n = comma ? (size_t) (comma - s) : len;

        s += comma ? n + 1 : n;
        len -= comma ? n + 1 : n;
        tlsrpt_builder_trim(&name, &n);

        if (n && (rc = add_host(b, name, n)) != TLSRPT_OK) {
            return rc;
        }
    }

    return TLSRPT_OK;
}


int
tlsrpt_set_policy_string(tlsrpt_builder_t *b, void *field,
    tlsrpt_json_event_t event, const char *s, size_t len)
{
    return set_list(b, field, event, s, len, add_policy_line);
}


int
tlsrpt_set_mx_host(tlsrpt_builder_t *b, void *field, tlsrpt_json_event_t event,
    const char *s, size_t len)
{
    return set_list(b, field, event, s, len, add_hosts);
}
