/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The entries of a state that is being made, and the events of what becomes of
 * them: one opens, may get worse, and ends.
 */

#ifndef TLSRPT_ENTRY_H
#define TLSRPT_ENTRY_H

#include "tlsrpt_transition.h"

#pragma GCC visibility push(hidden)

typedef struct {
    tlsrpt_str_t            domain;
    int                     verified;       /* has it signed reports? */
    const tlsrpt_follow_t  *how;
    char                    day[TLSRPT_DAY_TEXT_LEN + 1];   /* of how->now */
    json_t                 *open;           /* arrays, owned */
    json_t                 *past;
    json_t                 *waiting;
    json_t                 *senders;
    json_t                 *events;
    int                     ended;          /* did any? */
    int                     failed;         /* no memory; all goes on */
} tlsrpt_entries_t;

/* What is judged of a problem, or of one that stands for several. */
typedef struct {
    tlsrpt_severity_t  severity;
    tlsrpt_severity_t  by_signed;
    tlsrpt_lost_t      lost;
    json_t            *problem;             /* is taken over; NULL: no memory */
} tlsrpt_verdict_t;

/* An entry's values; NULL: no memory. */
typedef struct {
    json_t   *type;                         /* are taken over */
    json_t   *cause;
    int32_t   opened;                       /* day */
    int       late;                         /* it is no news */
} tlsrpt_opening_t;

/* 0, or -1: no memory; tlsrpt_entries_free() in any case. */
int tlsrpt_entries_init(tlsrpt_entries_t *entries,
    const tlsrpt_evidence_t *evidence, const tlsrpt_follow_t *how)
    TLSRPT_MUST_USE;
void tlsrpt_entries_free(tlsrpt_entries_t *entries);

/* The value is taken over; NULL: no memory. */
void tlsrpt_entries_append(tlsrpt_entries_t *entries, json_t *array,
    json_t *value);

/* Does it rest on what nobody signed, where others sign? */
int tlsrpt_entries_is_unverified(const tlsrpt_entries_t *entries,
    tlsrpt_severity_t by_signed);

void tlsrpt_entries_open(tlsrpt_entries_t *entries, tlsrpt_opening_t opening,
    tlsrpt_verdict_t verdict);
/* old: its entry until now, borrowed, as are all below. */
void tlsrpt_entries_update(tlsrpt_entries_t *entries, const json_t *old,
    tlsrpt_verdict_t verdict);
/* It stays as it is. */
void tlsrpt_entries_keep(tlsrpt_entries_t *entries, const json_t *old);
/* problem: as it was last; ended: the last day that belongs to it; lapsed: it
   is not known to be mended. */
void tlsrpt_entries_end(tlsrpt_entries_t *entries, const json_t *old,
    const json_t *problem, const char *ended, int lapsed);

/* An event that is of no problem.  what, day: by which, with domain and type,
   it is known again.  title: is taken over; NULL: no memory. */
void tlsrpt_entries_tell(tlsrpt_entries_t *entries, const char *type,
    tlsrpt_str_t what, const char *day, json_t *title);

/* The reports that it was open by are struck out: it never was. */
void tlsrpt_entries_withdraw(tlsrpt_entries_t *entries, const json_t *old);

/* Where it is worked out quietly: that there is something, in one event. */
void tlsrpt_entries_built(tlsrpt_entries_t *entries);

/* The worst that is open: 1 low .. 3 high; 0: none is. */
unsigned tlsrpt_entries_worst(const tlsrpt_entries_t *entries);

#pragma GCC visibility pop

#endif /* TLSRPT_ENTRY_H */
