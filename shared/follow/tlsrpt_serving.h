/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A node tells Redis which domains are its own and what it serves for them.
 * Senders hold a policy long after it was changed (RFC 8461 3.2), so each
 * version is kept, with the time it was served:
 *
 *     PREFIX:{DOMAIN}:served
 *     {"v":1,"rua":[URI...],"same-as"?,
 *      "versions":[{"id","mode","max-age","mx":[...],"first","last","from",
 *                   "ended"?:true}],
 *      "nodes":[{"node","id","last"}]}
 *
 * versions: the newest first, 32 at most; an id that came back is there twice.
 * first, last: seconds, when it was known to be served; what is still served is
 * told once a day.  from: "configuration", "registry".  ended: nothing is
 * served any more.  rua: what the reporting record shall name, with the
 * domain's token.  nodes: who told what last.
 *
 *     PREFIX:{checks}:names    zset  DOMAIN -> second it was last told
 *     PREFIX:{checks}:due      zset  DOMAIN -> second of its next check
 */

#ifndef TLSRPT_SERVING_H
#define TLSRPT_SERVING_H

#include "mta_sts_policy.h"
#include "tlsrpt_command.h"
#include "tlsrpt_reply.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_SERVING_MOST  100            /* domains at a time */

typedef struct tlsrpt_serving  tlsrpt_serving_t;

typedef struct {
    tlsrpt_str_t             domain;        /* normalized */
    const mta_sts_policy_t  *policy;        /* NULL: none is served */
    tlsrpt_str_t             id;            /* of the policy */
    int                      enrolled;      /* the policy is the registry's,
                                               which tells of changes itself */
    tlsrpt_str_t             same_as;       /* len 0: of nobody else */
    const tlsrpt_str_t      *rua;           /* addresses for reports */
    size_t                   nrua;
} tlsrpt_serving_domain_t;

/* node: a name that this node has after a restart, too; keep: seconds.
   NULL: no memory. */
tlsrpt_serving_t *tlsrpt_serving_create(tlsrpt_str_t prefix, tlsrpt_str_t node,
    int64_t keep) TLSRPT_MUST_USE;
void tlsrpt_serving_destroy(tlsrpt_serving_t *serving);

/* One domain more, copied, before the first command.  0, or -1: no memory, or
   there are TLSRPT_SERVING_MOST. */
int tlsrpt_serving_domain(tlsrpt_serving_t *serving,
    const tlsrpt_serving_domain_t *domain) TLSRPT_MUST_USE;

/* The next command, borrowed until the one after it; NULL: that was all.  Then
   its reply.  Telling the same twice changes nothing. */
const tlsrpt_command_t *tlsrpt_serving_next(tlsrpt_serving_t *serving);
void tlsrpt_serving_add(tlsrpt_serving_t *serving,
    const tlsrpt_reply_t *reply);

#pragma GCC visibility pop

#endif /* TLSRPT_SERVING_H */
