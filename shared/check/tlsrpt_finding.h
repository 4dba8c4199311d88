/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a check shows to be wrong: judged of what was seen (tlsrpt_seen.h) and
 * of what is served, without a look anywhere.  What could not be seen is no
 * finding, and no all-clear either.
 *
 * What a report could tell as well has the report's result type and cause, so
 * that both are one problem.
 */

#ifndef TLSRPT_FINDING_H
#define TLSRPT_FINDING_H

#include "tlsrpt_explain.h"
#include "tlsrpt_seen.h"
#include "tlsrpt_words.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_MAX_FINDINGS  48

/* Types that no report has. */
#define TLSRPT_RECORD_MISSING        "record-missing"
#define TLSRPT_RECORD_DIFFERS        "record-differs"
#define TLSRPT_RECORD_SEVERAL        "record-several"
#define TLSRPT_POLICY_ID_STALE       "policy-id-stale"
#define TLSRPT_POLICY_DIFFERS        "policy-differs"
#define TLSRPT_CERTIFICATE_EXPIRING  "certificate-expiring"

/* What it is about: where to look whether it has ended. */
typedef enum {
    TLSRPT_ABOUT_REPORTING = 0,             /* the record _smtp._tls */
    TLSRPT_ABOUT_STS,                       /* the record _mta-sts */
    TLSRPT_ABOUT_POLICY,                    /* the policy and its host */
    TLSRPT_ABOUT_DOMAIN,                    /* all of the domain in DNS */
    TLSRPT_ABOUT_MX                         /* a mail server */
} tlsrpt_about_t;

/* Is mail lost by it now?  As problems have it. */
typedef enum {
    TLSRPT_FINDING_LOST_NO = 0,
    TLSRPT_FINDING_LOST_PERHAPS,
    TLSRPT_FINDING_LOST_YES
} tlsrpt_finding_lost_t;

/* Strings are borrowed of what was seen and served, or literals. */
typedef struct {
    const char             *type;           /* result type, or one of above */
    const char             *section;        /* of explain.txt, with the words */
    tlsrpt_about_t          about;
    tlsrpt_str_t            mx;             /* of TLSRPT_ABOUT_MX: its name; of
                                               ..._DOMAIN: the domain */
    tlsrpt_severity_t       severity;
    tlsrpt_finding_lost_t   lost;
    int                     mode;           /* MTA_STS_... that senders get; -1:
                                               none that is known */
    int                     dane;           /* do TLSA records count? */
    int                     opens;          /* is to be told although nothing
                                               fails yet */
    int64_t                 at;             /* seconds: the look */
    int64_t                 since;          /* that shows it since then */

    /* What its words name; data NULL, 0: not known */

    tlsrpt_str_t            record;         /* the name of the record */
    tlsrpt_str_t            found;
    tlsrpt_str_t            expected;
    tlsrpt_str_t            detail;         /* as it was seen */
    tlsrpt_str_t            address;
    tlsrpt_str_t            subject;        /* of the certificate */
    int64_t                 not_after;
    int                     status;         /* of HTTP */
    const tlsrpt_seen_chain_t  *tls;        /* whose names it has */
} tlsrpt_finding_t;

/* What is judged; all is borrowed. */
typedef struct {
    tlsrpt_str_t              domain;
    const tlsrpt_seen_t      *seen;         /* NULL: nothing */
    const tlsrpt_versions_t  *served;       /* NULL: nothing is known */
    int64_t                   now;          /* seconds */
    int                       reports_came; /* so a record is expected */
} tlsrpt_findings_ask_t;

typedef struct {
    tlsrpt_finding_t  list[TLSRPT_MAX_FINDINGS];    /* worst first */
    size_t            n;
    char              id[MTA_STS_ID_LEN + 1];   /* of the policy as fetched; "":
                                               none was */
    char              policy_error[160];    /* why that is none; may be "" */
    mta_sts_policy_t  policy;               /* that senders get, where */
    int               has_policy;           /* there is one */
} tlsrpt_findings_t;

/* Those beyond the bound, the least bad, are left out. */
void tlsrpt_findings(const tlsrpt_findings_ask_t *ask,
    tlsrpt_findings_t *findings);

/* Can the last look tell whether something of the type is wrong with it?  0:
   the look failed, or is too old; what was open stays so.  mx: of
   TLSRPT_ABOUT_MX. */
int tlsrpt_finding_is_known(const tlsrpt_findings_ask_t *ask,
    tlsrpt_str_t type, tlsrpt_about_t about, tlsrpt_str_t mx);

/* What a cause is about; 0, or -1: nothing that a check looks at. */
int tlsrpt_finding_about(tlsrpt_str_t cause, tlsrpt_about_t *about,
    tlsrpt_str_t *mx);

/* The cause by which a problem is known again: "mx NAME", "domain NAME",
   "policy", "record _smtp._tls" or "record _mta-sts".  NULL: no memory. */
json_t *tlsrpt_finding_cause(const tlsrpt_finding_t *finding) TLSRPT_MUST_USE;

/* What is said of it: {"result-type","cause","severity","lost","title",
   "meaning","likely-cause","fix"?,"steps":[{"text","command"?}],"lost-mail",
   "checked","since"}.  NULL: no memory. */
json_t *tlsrpt_finding_json(const tlsrpt_findings_ask_t *ask,
    const tlsrpt_finding_t *finding) TLSRPT_MUST_USE;

/* Its words, one by one; names: those that its texts use, which live as long as
   the finding. */
void tlsrpt_finding_names(const tlsrpt_findings_ask_t *ask,
    const tlsrpt_finding_t *finding, tlsrpt_names_t *names);
void tlsrpt_finding_title(const tlsrpt_finding_t *finding,
    const tlsrpt_names_t *names, tlsrpt_words_t *w);
/* What it means, and what was seen, and when; or that alone. */
void tlsrpt_finding_meaning(const tlsrpt_finding_t *finding,
    const tlsrpt_names_t *names, tlsrpt_words_t *w);
void tlsrpt_finding_evidence(const tlsrpt_finding_t *finding,
    const tlsrpt_names_t *names, tlsrpt_words_t *w);
void tlsrpt_finding_likely_cause(const tlsrpt_finding_t *finding,
    const tlsrpt_names_t *names, tlsrpt_words_t *w);
void tlsrpt_finding_lost_mail(const tlsrpt_finding_t *finding,
    const tlsrpt_names_t *names, tlsrpt_words_t *w);
/* [{"text","command"?}].  NULL: no memory. */
json_t *tlsrpt_finding_steps(const tlsrpt_finding_t *finding,
    const tlsrpt_names_t *names) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_FINDING_H */
