/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * policy-string and mx-host: arrays of strings, and what is sent instead.
 */

#include <string.h>

#include "tlsrpt_builder.h"
#include "tlsrpt_utf8.h"


#define MAX_STRINGS    65536                /* kept of a report */
#define MAX_LINE       4096                 /* of a policy-string or mx-host */
#define MAX_UNWRAPPED  65536                /* of a report, in bytes */

/* Keeps one line, which is not empty. */
typedef int (*add_pt)(tlsrpt_builder_t *b, const char *s, size_t len);


static int
add_string(tlsrpt_builder_t *b, const char *s, size_t len)
{
    int                       list;
    void                     *strings = b->strings;
    tlsrpt_frame_t           *f = b->frame;
    tlsrpt_first_t           *first = &b->first[b->report.npolicies - 1];
    tlsrpt_applied_policy_t  *p = &b->report.policies[b->report.npolicies - 1];
    size_t                   *n;

    if (tlsrpt_builder_spend(b, TLSRPT_COST_LINE) != TLSRPT_OK) {
        return b->error.code;
    }

    list = f->node == TLSRPT_NODE_POLICY ? tlsrpt_frame_member(f)->array
                                         : f->node;

    if (b->nstrings == MAX_STRINGS || tlsrpt_strings_full(&b->text)) {
        tlsrpt_builder_warn(b, TLSRPT_SCHEMA, "too many strings, passed over");
        return TLSRPT_OK;
    }

    if (tlsrpt_builder_grow(&strings, sizeof(tlsrpt_str_t), b->nstrings,
                            &b->strings_size)
        != 0)
    {
        return tlsrpt_builder_fail(b, TLSRPT_ERR_MEMORY, "%s", "");
    }

    b->strings = strings;

    if (len > MAX_LINE) {
        tlsrpt_builder_warn(b, TLSRPT_SCHEMA, "cut to %d bytes", MAX_LINE);
        len = tlsrpt_utf8_cut(s, len, MAX_LINE);
    }

    if (tlsrpt_strings_copy(&b->text, s, len, &b->strings[b->nstrings])
        != 0)
    {
        return tlsrpt_builder_fail(b, TLSRPT_ERR_MEMORY, "%s", "");
    }

    n = list == TLSRPT_NODE_MX_HOST ? &p->nmx_host : &p->npolicy_string;

    if (*n == 0) {
        *(list == TLSRPT_NODE_MX_HOST ? &first->mx_host
                                      : &first->policy_string) = b->nstrings;
    }

    (*n)++;
    b->nstrings++;

    return TLSRPT_OK;
}


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


/* Microsoft: one string that holds a JSON array of TLSA records.  The strings
   of the array are lines; whatever else it holds is passed over. */

typedef struct {
    tlsrpt_builder_t  *builder;
    add_pt             add;                 /* NULL: it is only checked */
    unsigned           depth;
} wrapped_t;


static int
wrapped_event(void *ctx, tlsrpt_json_event_t event, const char *s, size_t len)
{
    wrapped_t  *w = ctx;

    switch (event) {

    case TLSRPT_JSON_OBJECT:
    case TLSRPT_JSON_ARRAY:
        w->depth++;
        return TLSRPT_OK;

    case TLSRPT_JSON_OBJECT_END:
    case TLSRPT_JSON_ARRAY_END:
        w->depth--;
        return TLSRPT_OK;

    default:
        return event == TLSRPT_JSON_STRING && w->depth == 1 && w->add != NULL
               ? add_lines(w->builder, s, len, w->add) : TLSRPT_OK;
    }
}


static int
read_wrapped(tlsrpt_builder_t *b, add_pt add, const char *s, size_t len)
{
    int        rc;
    wrapped_t  w = { b, add, 0 };

    tlsrpt_json_reset(b->wrapped, wrapped_event, &w);
    rc = tlsrpt_json_feed(b->wrapped, s, len);

    return rc == TLSRPT_OK ? tlsrpt_json_finish(b->wrapped) : rc;
}


/* Is there an array in the string, and may it be unwrapped?  All of it is read
   before any of it counts. */

static int
is_wrapped(tlsrpt_builder_t *b, const char *s, size_t len)
{
    if (s[0] != '[' || len > MAX_UNWRAPPED - b->unwrapped
        || tlsrpt_json_spend(b->json, len * TLSRPT_COST_WRAPPED) != TLSRPT_OK)
    {
        return 0;
    }

    b->unwrapped += len;

    if (b->wrapped == NULL) {
        b->wrapped = tlsrpt_json_create();
    }

    return b->wrapped != NULL && read_wrapped(b, NULL, s, len) == TLSRPT_OK;
}


/* Of an item that is not empty. */

static int
add_item(tlsrpt_builder_t *b, const char *s, size_t len, add_pt add)
{
    if (is_wrapped(b, s, len)) {
        tlsrpt_builder_warn(b, "RFC 8460 4.5",
                            "JSON within a string, unwrapped");
        return read_wrapped(b, add, s, len);
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
        return tlsrpt_builder_spend(b, TLSRPT_COST_SKIPPED);
    }

    if (len == 0) {
        tlsrpt_builder_warn(b, TLSRPT_SCHEMA, "empty, taken as absent");
        return tlsrpt_builder_spend(b, TLSRPT_COST_SKIPPED);
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

    return add_string(b, line, n + any + name);
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

    return rc >= 0 ? rc : add_string(b, s, len);
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

    return rc >= 0 ? rc : add_string(b, s, len);
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
