/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <string.h>

#include "tlsrpt_report.h"
#include "tlsrpt_time.h"


static int
fail_range(tlsrpt_error_t *error, const char *detail)
{
    memset(error, 0, sizeof(*error));
    error->code = TLSRPT_ERR_RANGE;
    snprintf(error->path, TLSRPT_PATH_LEN, "date-range");
    snprintf(error->detail, TLSRPT_DETAIL_LEN, "%s", detail);

    return TLSRPT_ERR_RANGE;
}


int
tlsrpt_report_check_range(const tlsrpt_report_t *report, int64_t now,
    unsigned retention_days, tlsrpt_error_t *error)
{
    if (report->end < report->start) {
        return fail_range(error, "it ends before it starts");
    }

    if (report->end - report->start > TLSRPT_MAX_RANGE_DAYS * TLSRPT_DAY) {
        return fail_range(error, "it is longer than eight days");
    }

    if (report->end > now + TLSRPT_DAY) {
        return fail_range(error, "it ends more than a day in the future");
    }

    if (report->day < tlsrpt_day_of(now) - (int64_t) retention_days) {
        return fail_range(error, "it is older than the retention");
    }

    return TLSRPT_OK;
}


json_t *
tlsrpt_report_warnings_json(const tlsrpt_report_t *report)
{
    json_t  *array = json_array();

    for (size_t i = 0; array != NULL && i < report->nwarnings; i++) {
        const tlsrpt_warning_t  *w = &report->warnings[i];

        if (json_array_append_new(array, json_pack("{s:s, s:s, s:s}",
                                                   "path", w->path,
                                                   "section", w->section,
                                                   "message", w->message))
            != 0)
        {
            json_decref(array);
            return NULL;
        }
    }

    return array;
}


int
tlsrpt_report_concerns(const tlsrpt_applied_policy_t *policy,
    tlsrpt_str_t domain)
{
    return tlsrpt_str_equal(policy->policy_domain, domain)
           || (policy->domain == TLSRPT_LEFT_OUT
               && policy->policy_domain.data == NULL);
}


int
tlsrpt_report_warns(const tlsrpt_report_t *report,
    const tlsrpt_warning_t *warning, tlsrpt_str_t domain)
{
    size_t  n;
    char    bracket;

    return sscanf(warning->path, "policies[%4zu%c", &n, &bracket) != 2
           || bracket != ']' || n >= report->npolicies
           || tlsrpt_report_concerns(&report->policies[n], domain);
}


int
tlsrpt_report_has_failures(const tlsrpt_report_t *report, unsigned domain)
{
    for (size_t i = 0; i < report->npolicies; i++) {
        const tlsrpt_applied_policy_t  *p = &report->policies[i];

        if (p->domain == domain && (p->failed || p->ndetails)) {
            return 1;
        }
    }

    return 0;
}
