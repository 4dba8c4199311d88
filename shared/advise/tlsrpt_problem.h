/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is wrong with a domain, as data: failures of one result type and one
 * cause, or reports that stopped, or what a check shows (tlsrpt_finding.h).
 * tlsrpt_problems.c gathers them; tlsrpt_judge.c says how bad they are;
 * tlsrpt_diagnosis.c puts them into words; tlsrpt_problem_json.c prints them.
 */

#ifndef TLSRPT_PROBLEM_H
#define TLSRPT_PROBLEM_H

#include "tlsrpt_evidence.h"
#include "tlsrpt_explain.h"
#include "tlsrpt_finding.h"
#include "tlsrpt_group.h"

#pragma GCC visibility push(hidden)

/* What a problem counts by; the order of its groups. */
enum {
    TLSRPT_PROBLEM_ORGANIZATIONS = 0,
    TLSRPT_PROBLEM_MX,
    TLSRPT_PROBLEM_SENDING_IPS,
    TLSRPT_PROBLEM_RECEIVING_IPS,
    TLSRPT_PROBLEM_REASONS,
    TLSRPT_PROBLEM_TYPES,
    TLSRPT_PROBLEM_NGROUPS
};

#define TLSRPT_PROBLEM_VALUES   4096        /* of each, told apart */
#define TLSRPT_PROBLEM_REASONS_MAX  128     /* they are compared with many */

/* Under which policies it happened. */
#define TLSRPT_UNDER_NONE     0x01          /* no policy, or mode none */
#define TLSRPT_UNDER_TESTING  0x02
#define TLSRPT_UNDER_ENFORCE  0x04
#define TLSRPT_UNDER_DANE     0x08
#define TLSRPT_UNDER_UNKNOWN  0x10          /* the report does not tell */

/* What one sender met on one day. */
typedef struct {
    size_t         day;                     /* of the range */
    size_t         sender;                  /* of the evidence */
    uint64_t       failed;                  /* sessions */
    uint64_t       verified;                /* of these, by verified reports */
    unsigned char  under;                   /* TLSRPT_UNDER_... */
    unsigned char  kinds;                   /* 1 << TLSRPT_DAY_... */
} tlsrpt_hit_t;

typedef enum {
    TLSRPT_LOST_NO = 0,
    TLSRPT_LOST_PERHAPS,
    TLSRPT_LOST_YES
} tlsrpt_lost_t;

typedef enum {
    TLSRPT_STATE_ONGOING = 0,
    TLSRPT_STATE_UNKNOWN,                   /* nobody reported since */
    TLSRPT_STATE_OVER,
    TLSRPT_STATE_LAPSED                     /* unknown for too long */
} tlsrpt_course_t;

/* Why somebody on the way is to be thought of. */
typedef enum {
    TLSRPT_SUSPECT_NOTHING = 0,
    TLSRPT_SUSPECT_FEW,                     /* fail where others pass */
    TLSRPT_SUSPECT_WEAK                     /* one of two senders */
} tlsrpt_suspect_t;

/* The mail server and the policies. */
typedef enum {
    TLSRPT_MX_FINE = 0,                     /* or not known */
    TLSRPT_MX_STALE,                        /* covered by now */
    TLSRPT_MX_OLDER,                        /* covered before */
    TLSRPT_MX_UNKNOWN,                      /* in no policy */
    TLSRPT_MX_FOREIGN                       /* nor of a domain that is */
} tlsrpt_mx_state_t;

/* Who shows it. */
typedef enum {
    TLSRPT_OF_REPORTS = 0,                  /* and perhaps a check, too */
    TLSRPT_OF_SILENCE,                      /* reports that do not come */
    TLSRPT_OF_CHECK                         /* no report does */
} tlsrpt_kind_t;

/* Of tlsrpt_episode.h. */
typedef struct tlsrpt_episode  tlsrpt_episode_t;

typedef struct {
    tlsrpt_kind_t                kind;
    const tlsrpt_finding_t      *finding;   /* borrowed: what the last check
                                               shows of it; NULL: nothing */
    unsigned                     checks;    /* 1: that is so, or was when the
                                               state was written */
    tlsrpt_str_t                 result_type;   /* borrowed; "": not given */
    const tlsrpt_explanation_t  *explanation;
    tlsrpt_str_t                 mx;        /* its cause; len 0: none, many */
    int                          many;      /* all servers beyond the bound */
    const tlsrpt_episode_t      *past;      /* the episode that it was; NULL: it
                                               is the one of now, if any */
    int                          is_signed; /* is any report of it verified? */
    tlsrpt_str_t                 id;        /* data NULL: it was never open */

    /* Gathered */

    tlsrpt_hit_t                *hits;      /* by day, then sender */
    size_t                       nhits;
    size_t                       size;
    unsigned char                saw[TLSRPT_MAX_SENDERS + 1];   /* by sender */
    tlsrpt_groups_t              groups[TLSRPT_PROBLEM_NGROUPS];
    uint64_t                     raw;       /* failed sessions of all details;
                                               of these, those that ... */
    uint64_t                     uncovered; /* the sender's policy leaves out */
    uint64_t                     addressed; /* tell the sending address */
    tlsrpt_str_t                 patterns;  /* of a policy that leaves it out:
                                               "a, *.b" */
    int                          too_deep;  /* below "*.", by many labels */
    uint64_t                     posted;    /* sessions by POST, ... */
    uint64_t                     mailed;    /* ... by mail */
    uint64_t                     staged[TLSRPT_DAY_KINDS];  /* of the report
                                               that is being read */
    unsigned char                staged_under;
    unsigned char                staged_kinds;

    /* Judged */

    tlsrpt_severity_t            severity;
    tlsrpt_severity_t            by_signed; /* where there is any, by verified
                                               evidence alone, ... */
    tlsrpt_severity_t            by_sure;   /* ... and no count that is doubted
                                               */
    tlsrpt_course_t              state;
    tlsrpt_lost_t                lost;
    unsigned                     under;     /* on the last day */
    int32_t                      first;     /* day, as in tlsrpt_time.h; of
                                               silence the last with a report */
    int32_t                      last;
    size_t                       ndays;     /* with failures */
    uint64_t                     failed;    /* sessions */
    double                       share;     /* of all since the first */
    double                       share_of_senders;
    size_t                       others;    /* senders that passed the check on
                                               most of its days, */
    int                          enough;    /* enough of them; */
    size_t                       passed_since;  /* and later, where that is what
                                               ends it */
    tlsrpt_mx_state_t            mx_state;
    tlsrpt_suspect_t             suspect;
    const tlsrpt_reason_t       *reason;    /* of all its sessions */
    uint64_t                     ignored;   /* delivered all the same */
    int                          disputed;  /* no more than contradictions */
    uint64_t                     doubtful;  /* a count that cannot be */
    size_t                       number;    /* before it was sorted */
} tlsrpt_problem_t;

/* NULL: no memory.  It has no days yet. */
tlsrpt_problem_t *tlsrpt_problem_create(tlsrpt_str_t result_type)
    TLSRPT_MUST_USE;
void tlsrpt_problem_free(tlsrpt_problem_t *problem);

/* Counts by the values, TLSRPT_NDIMENSIONS of them, where there is one.  0, or
   -1: no memory. */
int tlsrpt_problem_count(tlsrpt_problem_t *problem,
    const tlsrpt_value_t *values, uint64_t failed) TLSRPT_MUST_USE;
/* 0, or -1: no memory. */
int tlsrpt_problem_hit(tlsrpt_problem_t *problem, const tlsrpt_hit_t *hit)
    TLSRPT_MUST_USE;
/* Once all are there: one a sender and day, in their order. */
void tlsrpt_problem_settle(tlsrpt_problem_t *problem);

/* The first hit of the next day, from i on. */
size_t tlsrpt_problem_next_day(const tlsrpt_problem_t *problem, size_t i);

/* Those that have an id first, of these and of the others those that are open,
   then worst first; what is as bad stays in its order. */
void tlsrpt_problem_sort(tlsrpt_problem_t **problems, size_t n);


static inline int
tlsrpt_problem_is_silence(const tlsrpt_problem_t *problem)
{
    return problem->kind == TLSRPT_OF_SILENCE;
}


/* Does it keep senders from the policy, and not from a mail server? */

static inline int
tlsrpt_problem_is_of_policy(const tlsrpt_problem_t *problem)
{
    return problem->explanation->of_policy;
}


static inline int
tlsrpt_problem_is_over(const tlsrpt_problem_t *problem)
{
    return problem->state == TLSRPT_STATE_OVER
           || problem->state == TLSRPT_STATE_LAPSED;
}

#pragma GCC visibility pop

#endif /* TLSRPT_PROBLEM_H */
