/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_builder.h"


/* Appends to a path, of which n bytes are there; the new length.  Without
   snprintf(): many warnings are many paths. */

static size_t
put(char path[TLSRPT_PATH_LEN], size_t n, const char *s, size_t len)
{
    size_t  left = TLSRPT_PATH_LEN - 1 - n;

    len = len < left ? len : left;
    memcpy(path + n, s, len);
    path[n + len] = '\0';

    return n + len;
}


static size_t
put_index(char path[TLSRPT_PATH_LEN], size_t n, size_t index)
{
    char  text[24], *p = text + sizeof(text);

    *--p = ']';

    do {
        *--p = (char) ('0' + index % 10);
        index /= 10;
    } while (index);

    *--p = '[';

    return put(path, n, p, (size_t) (text + sizeof(text) - p));
}


void
tlsrpt_builder_path(const tlsrpt_builder_t *b, char path[TLSRPT_PATH_LEN])
{
    size_t  n = 0;

    path[0] = '\0';

    for (const tlsrpt_frame_t *f = b->stack + 1; f <= b->frame; f++) {
        switch (f->node) {
        case TLSRPT_NODE_POLICIES:
        case TLSRPT_NODE_POLICY_STRING:
        case TLSRPT_NODE_MX_HOST:
        case TLSRPT_NODE_DETAILS:
            if (f->index) {
                n = put_index(path, n, f->index - 1);
            }
            break;

        default:
            if (f->name != NULL) {
                n = put(path, n, ".", n > 0);
                n = put(path, n, f->name->quoted + 1, f->name->len - 3);
            }
        }
    }
}


int
tlsrpt_builder_spend(tlsrpt_builder_t *b, size_t cost)
{
    int  rc = tlsrpt_json_spend(b->json, cost);

    return rc == TLSRPT_OK ? rc : tlsrpt_builder_fail(b, rc, "%s", "");
}


int
tlsrpt_builder_fail(tlsrpt_builder_t *b, int code, const char *format, ...)
{
    va_list  args;

    b->error.code = code;
    tlsrpt_builder_path(b, b->error.path);

    va_start(args, format);
    vsnprintf(b->error.detail, TLSRPT_DETAIL_LEN, format, args);
    va_end(args);

    return code;
}


/* path becomes "path.member"; what is too long is cut. */

static void
join(char path[TLSRPT_PATH_LEN], const char *member)
{
    size_t  n = strlen(path);

    n = put(path, n, ".", n > 0);
    (void) put(path, n, member, strlen(member));
}


int
tlsrpt_builder_fail_member(tlsrpt_builder_t *b, int code, const char *path,
    const char *member, const char *detail)
{
    tlsrpt_builder_fail(b, code, "%s", detail);
    snprintf(b->error.path, TLSRPT_PATH_LEN, "%s", path);
    join(b->error.path, member);

    return code;
}


int
tlsrpt_builder_fail_missing(tlsrpt_builder_t *b, const char *member)
{
    tlsrpt_builder_fail(b, TLSRPT_ERR_MISSING, "%s", "");
    join(b->error.path, member);

    return TLSRPT_ERR_MISSING;
}


static void
add_warning(tlsrpt_builder_t *b, const char *path, const char *section,
    const char *format, va_list args)
{
    void              *p = b->report.warnings;
    tlsrpt_report_t   *r = &b->report;
    tlsrpt_warning_t  *w;

    /* where there is no more, the next that is charged for fails */
    (void) !tlsrpt_json_spend(b->json, TLSRPT_COST_WARNING);

    if (r->nwarnings == TLSRPT_MAX_WARNINGS
        || tlsrpt_builder_grow(&p, sizeof(*w), r->nwarnings,
                               &b->warnings_size)
           != 0)
    {
        r->nwarnings_overflow++;
        return;
    }

    r->warnings = p;
    w = &r->warnings[r->nwarnings++];
    w->section = section;
    vsnprintf(w->message, TLSRPT_DETAIL_LEN, format, args);

    if (path != NULL) {
        (void) put(w->path, 0, path, strlen(path));

    } else {
        tlsrpt_builder_path(b, w->path);
    }
}


void
tlsrpt_builder_warn_at(tlsrpt_builder_t *b, const char *path,
    const char *section, const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    add_warning(b, path, section, format, args);
    va_end(args);
}


void
tlsrpt_builder_warn(tlsrpt_builder_t *b, const char *section,
    const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    add_warning(b, NULL, section, format, args);
    va_end(args);
}


void
tlsrpt_builder_warn_member(tlsrpt_builder_t *b, const char *member,
    const char *message)
{
    char  path[TLSRPT_PATH_LEN] = "";

    if (b->report.nwarnings < TLSRPT_MAX_WARNINGS) {
        tlsrpt_builder_path(b, path);
        join(path, member);
    }

    tlsrpt_builder_warn_at(b, path, TLSRPT_SCHEMA, "%s", message);
}


void
tlsrpt_builder_leave_out(tlsrpt_builder_t *b, int code, const char *member,
    const char *what)
{
    char             path[TLSRPT_PATH_LEN];
    tlsrpt_error_t  *e = &b->unusable;

    tlsrpt_builder_path(b, path);

    if (member != NULL) {
        join(path, member);
    }

    if (e->code == TLSRPT_OK) {
        e->code = code;
        tlsrpt_json_position(b->json, &e->offset, &e->line, &e->column);
        snprintf(e->path, TLSRPT_PATH_LEN, "%s", path);
        snprintf(e->detail, TLSRPT_DETAIL_LEN, "%s",
                 code == TLSRPT_ERR_MISSING ? "" : what);
    }

    b->first[b->report.npolicies - 1].unusable = 1;
    tlsrpt_builder_warn_at(b, path, TLSRPT_SCHEMA,
                           "%s: the policy is left out", what);
}
