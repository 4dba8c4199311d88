/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A problem over time: it opens, ends, and may open again.  The state of a
 * domain tells of its episodes (tlsrpt_state.h); here is which of them a
 * failure belongs to, and by what a problem is known again: result type and
 * cause.
 */

#ifndef TLSRPT_EPISODE_H
#define TLSRPT_EPISODE_H

#include "tlsrpt_problem.h"
#include "tlsrpt_state.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_MAX_EPISODES  (TLSRPT_STATE_OPEN + TLSRPT_STATE_PAST)

/* Causes: the kinds, of which some stand before a name. */
#define TLSRPT_CAUSE_MX       "mx "
#define TLSRPT_CAUSE_SENDER   "sender "
#define TLSRPT_CAUSE_DOMAIN   "domain "
#define TLSRPT_CAUSE_POLICY   "policy"
#define TLSRPT_CAUSE_MANY     "many"        /* servers beyond the bound */
#define TLSRPT_CAUSE_FURTHER  "further"     /* problems beyond the bound */

struct tlsrpt_episode {
    const json_t  *entry;                   /* of the state */
    tlsrpt_str_t   type;
    tlsrpt_str_t   cause;
    int32_t        opened;                  /* day */
    int32_t        ended;                   /* its last day, if it is past */
};

typedef struct {
    tlsrpt_episode_t  open[TLSRPT_STATE_OPEN];
    size_t            nopen;
    tlsrpt_episode_t  past[TLSRPT_STATE_PAST];
    size_t            npast;
} tlsrpt_episodes_t;

/* Borrows from the state, which may be NULL; what is malformed is left out. */
void tlsrpt_episodes_read(tlsrpt_episodes_t *episodes, const json_t *state);

/* The past episode that a failure of the day is part of, by its type, and its
   mail server (len 0: none) or all those beyond the bound (many); NULL: none.
   */
const tlsrpt_episode_t *tlsrpt_episodes_past(const tlsrpt_episodes_t *episodes,
    tlsrpt_str_t type, tlsrpt_str_t mx, int many, int32_t day);
/* Is such a problem open? */
int tlsrpt_episodes_is_open(const tlsrpt_episodes_t *episodes,
    tlsrpt_str_t type, tlsrpt_str_t mx, int many);

/* Is it of that problem? */
int tlsrpt_episode_is_of(const tlsrpt_episode_t *episode,
    const tlsrpt_evidence_t *evidence, const tlsrpt_problem_t *problem);

/* NULL: no memory. */
json_t *tlsrpt_episode_cause(const tlsrpt_evidence_t *evidence,
    const tlsrpt_problem_t *problem) TLSRPT_MUST_USE;

/* 16 hex digits of the parts of a name.  NULL: no memory. */
json_t *tlsrpt_episode_digest(const tlsrpt_str_t *parts, size_t n)
    TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_EPISODE_H */
