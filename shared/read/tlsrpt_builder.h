/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * events -> report.  The builder is a handler of tlsrpt_json; it keeps the
 * members that RFC 8460 4.4 names, in whatever order they come, and passes
 * over all others.
 */

#ifndef TLSRPT_BUILDER_H
#define TLSRPT_BUILDER_H

#include <stdlib.h>

#include "tlsrpt_canonical.h"
#include "tlsrpt_domain.h"
#include "tlsrpt_error.h"
#include "tlsrpt_json.h"
#include "tlsrpt_reader.h"
#include "tlsrpt_report.h"
#include "tlsrpt_strings.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_REPORT_DEPTH  8              /* of what is kept */

typedef struct tlsrpt_member  tlsrpt_member_t;

typedef struct {
    int                     node;
    const tlsrpt_json_name_t  *name;        /* of an object: the last one */
    const tlsrpt_member_t  *item;           /* of an array: what its items are,
                                               else NULL */
    size_t                  index;          /* of an array: the next item */
    void                   *target;         /* what the fields are of */
    unsigned                given;          /* members given, 1 << bit */
    unsigned                nulls;          /* members given as null */
} tlsrpt_frame_t;

/* What a policy owns of the builder's arrays, which move while they grow. */
typedef struct {
    size_t  policy_string;
    size_t  mx_host;
    size_t  details;
    int     unusable;                       /* the policy is to be left out */
    int     named;                          /* it names a policy domain */
} tlsrpt_first_t;

typedef struct {
    tlsrpt_report_t   report;
    tlsrpt_error_t    error;                /* line 0: it is where the reader
                                               is */
    tlsrpt_error_t    unusable;             /* why the first policy that
                                               cannot be used cannot; code 0:
                                               there is none */

    tlsrpt_json_t    *json;                 /* that makes the events */
    tlsrpt_frame_t    stack[TLSRPT_REPORT_DEPTH];
    tlsrpt_frame_t   *frame;                /* the innermost */
    unsigned          skip;                 /* open containers not kept */

    tlsrpt_strings_t  text;
    /* What costs more than it is long is bounded. */
    size_t            unwrapped;            /* bytes of JSON in strings */
    tlsrpt_json_t    *wrapped;              /* reads it; NULL: not yet */
    int               has_unknown;          /* members */
    size_t            nidn;                 /* host names with U-labels */
    char              idn[TLSRPT_MAX_STRING];       /* the last of them */
    size_t            idn_len;
    char              idn_ascii[TLSRPT_DOMAIN_LEN + 1];
    size_t            idn_ascii_len;
    int               leave_unnamed;        /* as in the conf */
    char              given[TLSRPT_DOMAIN_LEN + 1];     /* conf's domain */
    char              hint[TLSRPT_DOMAIN_LEN + 1];
    char              fallback[TLSRPT_DOMAIN_LEN + 1];
    size_t            fallback_len;

    tlsrpt_canonical_t  canonical;
    tlsrpt_str_t      kept;                 /* what the last setter kept, where
                                               it was then */

    size_t            policies_size;        /* allocated, as all _size */
    tlsrpt_first_t   *first;                /* one a policy */
    tlsrpt_detail_t  *details;
    size_t            ndetails;
    size_t            details_size;
    tlsrpt_str_t     *strings;              /* of policy-string, mx-host */
    size_t            nstrings;
    size_t            strings_size;
    size_t            warnings_size;
    tlsrpt_str_t      domains[TLSRPT_MAX_DOMAINS];
    tlsrpt_detail_t   overflow;             /* the detail over the bound */
    int               in_overflow;
    size_t            noverflow;            /* details over the bound */
} tlsrpt_builder_t;

/* All zeroes is a builder to _reset. */
void tlsrpt_builder_reset(tlsrpt_builder_t *b, tlsrpt_json_t *json,
    const tlsrpt_reader_conf_t *conf);
void tlsrpt_builder_free(tlsrpt_builder_t *b);
int tlsrpt_builder_event(void *builder, tlsrpt_json_event_t event,
    const char *s, size_t len);
int tlsrpt_builder_finish(tlsrpt_builder_t *b) TLSRPT_MUST_USE;
/* Was a member given that a report has?  Was any other? */
int tlsrpt_builder_is_report(const tlsrpt_builder_t *b);
int tlsrpt_builder_has_unknown(const tlsrpt_builder_t *b);

/*
 * What is charged (tlsrpt_json_spend) for parts of a report that cost more than
 * parts of an honest report of the same length.
 */
#define TLSRPT_COST_DETAIL   64
#define TLSRPT_COST_POLICY   192
#define TLSRPT_COST_DOMAIN   512            /* a command to Redis */
#define TLSRPT_COST_LINE     32             /* of a policy-string or mx-host */
#define TLSRPT_COST_SKIPPED  32             /* a value that is passed over */
#define TLSRPT_COST_WARNING  16
#define TLSRPT_COST_WRAPPED  16             /* a byte of JSON in a string */
#define TLSRPT_COST_IDN      2048           /* a name with U-labels, and */
#define TLSRPT_COST_IDN_BYTE 192
#define TLSRPT_LONG_STRING   255            /* over it each byte is charged */

/* TLSRPT_OK, or the error with its path. */
int tlsrpt_builder_spend(tlsrpt_builder_t *b, size_t cost);

/*
 * For the members' setters, and among the builder's own files.
 */

#define TLSRPT_SCHEMA  "RFC 8460 4.4"

/* Fails at the place where the reader is. */
int tlsrpt_builder_fail(tlsrpt_builder_t *b, int code, const char *format, ...)
    TLSRPT_PRINTF(3, 4);
/* The warning is lost where there is no memory; never an error. */
void tlsrpt_builder_warn(tlsrpt_builder_t *b, const char *section,
    const char *format, ...) TLSRPT_PRINTF(3, 4);
void tlsrpt_builder_warn_at(tlsrpt_builder_t *b, const char *path,
    const char *section, const char *format, ...) TLSRPT_PRINTF(4, 5);
void tlsrpt_builder_path(const tlsrpt_builder_t *b,
    char path[TLSRPT_PATH_LEN]);
/* About "member" of the object at path, or of the object that the reader is in:
   fail because something is wrong with it, fail because it is missing, warn. */
int tlsrpt_builder_fail_member(tlsrpt_builder_t *b, int code,
    const char *path, const char *member, const char *detail);
int tlsrpt_builder_fail_missing(tlsrpt_builder_t *b, const char *member);
void tlsrpt_builder_warn_member(tlsrpt_builder_t *b, const char *member,
    const char *message);

/* The policy that the reader is in cannot be used, because of this member
   (NULL: the one that the reader is at).  It is left out, if another policy can
   be used. */
void tlsrpt_builder_leave_out(tlsrpt_builder_t *b, int code,
    const char *member, const char *what);

/* A host's name as tlsrpt_domain_normalize has it; those with U-labels cost,
   and are bounded.  len: at most TLSRPT_MAX_STRING. */
size_t tlsrpt_builder_host(tlsrpt_builder_t *b, const char *s, size_t len,
    char *buf);
/* The name normalized, "" where there is none. */
void tlsrpt_builder_name(char buf[TLSRPT_DOMAIN_LEN + 1], tlsrpt_str_t name);


/* Trims white space and controls. */

static inline void
tlsrpt_builder_trim(const char **s, size_t *len)
{
    while (*len && (unsigned char) **s <= ' ') {
        (*s)++;
        (*len)--;
    }

    while (*len && (unsigned char) (*s)[*len - 1] <= ' ') {
        (*len)--;
    }
}


/* Makes room in the array of n items for one more; 0 or -1. */

static inline int
tlsrpt_builder_grow(void **array, size_t item, size_t n, size_t *size)
{
    void    *p;
    size_t   want = *size ? *size * 2 : 8;

    if (n < *size) {
        return 0;
    }

    p = realloc(*array, want * item);

    if (p == NULL) {
        return -1;
    }

    *array = p;
    *size = want;

    return 0;
}


/*
 * The members, by the object they stand in: shared/read/tlsrpt_member.c.
 */

enum {
    TLSRPT_NODE_TOP = 0,
    TLSRPT_NODE_REPORT,
    TLSRPT_NODE_DATE_RANGE,
    TLSRPT_NODE_POLICIES,                   /* an array */
    TLSRPT_NODE_ITEM,                       /* of policies */
    TLSRPT_NODE_POLICY,
    TLSRPT_NODE_POLICY_STRING,              /* an array */
    TLSRPT_NODE_MX_HOST,                    /* an array */
    TLSRPT_NODE_SUMMARY,
    TLSRPT_NODE_DETAILS,                    /* an array */
    TLSRPT_NODE_DETAIL,
    TLSRPT_NNODES
};

/* Takes a value that opens no container that is kept; TLSRPT_OK or an error. */
typedef int (*tlsrpt_setter_pt)(tlsrpt_builder_t *b, void *field,
    tlsrpt_json_event_t event, const char *s, size_t len);

/* Those of the two lists: shared/read/tlsrpt_lines.c. */
int tlsrpt_set_policy_string(tlsrpt_builder_t *b, void *field,
    tlsrpt_json_event_t event, const char *s, size_t len);
int tlsrpt_set_mx_host(tlsrpt_builder_t *b, void *field,
    tlsrpt_json_event_t event, const char *s, size_t len);

struct tlsrpt_member {
    tlsrpt_json_name_t    name;             /* of an array's item: none */
    unsigned char         bit;              /* of given; aliases share one */
    unsigned char         number;           /* TLSRPT_CANON_..., 0: none */
    unsigned char         is_count;
    unsigned char         object;           /* node that { opens, 0: none */
    unsigned char         array;            /* node that [ opens */
    unsigned short        offset;           /* of the field */
    tlsrpt_setter_pt      set;
    const char           *alias_of;         /* NULL: the RFC's own name */
};

/* Of an object: the members begin with their names. */

static inline const tlsrpt_member_t *
tlsrpt_frame_member(const tlsrpt_frame_t *f)
{
    return (const tlsrpt_member_t *) f->name;
}

typedef struct {
    int                     is_array;       /* of items like the one member */
    const tlsrpt_member_t  *members;
    size_t                  nmembers;
} tlsrpt_node_t;

extern const tlsrpt_node_t  tlsrpt_nodes[TLSRPT_NNODES];

enum {
    TLSRPT_GIVEN_ORGANIZATION = 0, TLSRPT_GIVEN_RANGE, TLSRPT_GIVEN_CONTACT,
    TLSRPT_GIVEN_ID, TLSRPT_GIVEN_POLICIES,
    TLSRPT_GIVEN_START = 0, TLSRPT_GIVEN_END,
    TLSRPT_GIVEN_POLICY = 0, TLSRPT_GIVEN_SUMMARY, TLSRPT_GIVEN_DETAILS,
    TLSRPT_GIVEN_TYPE = 0, TLSRPT_GIVEN_STRING, TLSRPT_GIVEN_DOMAIN,
    TLSRPT_GIVEN_MX_HOST,
    TLSRPT_GIVEN_SUCCESSFUL = 0, TLSRPT_GIVEN_FAILURE,
    TLSRPT_GIVEN_RESULT = 0, TLSRPT_GIVEN_SENDING_IP, TLSRPT_GIVEN_MX,
    TLSRPT_GIVEN_HELO, TLSRPT_GIVEN_RECEIVING_IP, TLSRPT_GIVEN_COUNT,
    TLSRPT_GIVEN_INFORMATION, TLSRPT_GIVEN_REASON
};

#pragma GCC visibility pop

#endif /* TLSRPT_BUILDER_H */
