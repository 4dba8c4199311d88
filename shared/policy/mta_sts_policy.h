/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * MTA-STS policies (RFC 8461 3.2).
 */

#ifndef MTA_STS_POLICY_H
#define MTA_STS_POLICY_H

#include "tlsrpt_domain.h"
#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

enum {
    MTA_STS_NONE = 0,
    MTA_STS_TESTING,
    MTA_STS_ENFORCE
};

#define MTA_STS_MAX_AGE     31557600
#define MTA_STS_MAX_MX      64
#define MTA_STS_MAX_SIZE    65536           /* of a policy text */

typedef struct {
    int       mode;
    uint32_t  max_age;                      /* seconds */
    size_t    nmx;
    char      mx[MTA_STS_MAX_MX][TLSRPT_DOMAIN_LEN + 3];    /* normalized,
                                               "*." kept, NUL ended */
} mta_sts_policy_t;

/* The mode of a name of RFC 8461 3.2; -1: there is none. */
int mta_sts_mode(tlsrpt_str_t word);
const char *mta_sts_mode_name(int mode);

/* One remark on a policy or a record; is_error 0: advice.  at: line number
   of a policy, byte offset of a record. */
typedef void (*mta_sts_remark_pt)(void *ctx, int is_error, size_t at,
    const char *section, const char *message);

/* Reads a policy text; 0, or -1 after at least one is_error remark. */
int mta_sts_policy_parse(const char *text, size_t len, mta_sts_policy_t *policy,
    mta_sts_remark_pt remark, void *ctx) TLSRPT_MUST_USE;

/* The same as senders read it: what is mended where it is served from here, a
   final dot, is an error. */
int mta_sts_policy_parse_strictly(const char *text, size_t len,
    mta_sts_policy_t *policy, mta_sts_remark_pt remark, void *ctx)
    TLSRPT_MUST_USE;

/* The pieces, for directives.  -1, and *reason says why; or 0, and *reason is
   advice or NULL.  It lives until the thread's next one. */
int mta_sts_policy_set_mode(mta_sts_policy_t *policy, const char *value,
    size_t len, const char **reason) TLSRPT_MUST_USE;
int mta_sts_policy_add_mx(mta_sts_policy_t *policy, const char *value,
    size_t len, const char **reason) TLSRPT_MUST_USE;
/* Whole-policy rules: mx required, max_age advice, ... 0 or -1. */
int mta_sts_policy_check(const mta_sts_policy_t *policy,
    mta_sts_remark_pt remark, void *ctx) TLSRPT_MUST_USE;

/* The text as served, CRLF lines, and its length; at most
   MTA_STS_MAX_SIZE bytes.  size 0: the length only. */
size_t mta_sts_policy_text(const mta_sts_policy_t *policy, char *buf,
    size_t size);

/* The id of the TXT record (RFC 8461 3.1): 1 to 32 letters and digits, from
   the policy's content alone; NUL ended. */
#define MTA_STS_ID_LEN  32
void mta_sts_policy_id(const mta_sts_policy_t *policy,
    char id[MTA_STS_ID_LEN + 1]);

/* Does the pattern cover the host (RFC 8461 4.1: "*." covers one label)? */
int mta_sts_mx_match(tlsrpt_str_t pattern, tlsrpt_str_t host);

#pragma GCC visibility pop

#endif /* MTA_STS_POLICY_H */
