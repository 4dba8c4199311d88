/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <string.h>

#include "tlsrpt_document.h"
#include "tlsrpt_time.h"


static json_t *
list_json(const tlsrpt_str_t *list, size_t n)
{
    json_t  *array = json_array();

    for (size_t i = 0; array && i < n; i++) {
        if (json_array_append_new(array, tlsrpt_str_json(list[i])) != 0) {
            json_decref(array);
            array = NULL;
        }
    }

    return array;
}


static json_t *
detail_json(const tlsrpt_detail_t *d)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o}",
                     "result-type", tlsrpt_str_json(d->result_type),
                     "sending-mta-ip", tlsrpt_str_json(d->sending_mta_ip),
                     "receiving-mx-hostname",
                     tlsrpt_str_json(d->receiving_mx_hostname),
                     "receiving-mx-helo",
                     tlsrpt_str_json(d->receiving_mx_helo),
                     "receiving-ip", tlsrpt_str_json(d->receiving_ip),
                     "failed-session-count",
                     (json_int_t) d->failed_session_count,
                     "additional-information",
                     tlsrpt_str_json(d->additional_information),
                     "failure-reason-code",
                     tlsrpt_str_json(d->failure_reason_code));
}


static json_t *
policy_json(const tlsrpt_applied_policy_t *p)
{
    json_t  *details = json_array();

    for (size_t i = 0; details && i < p->ndetails; i++) {
        if (json_array_append_new(details, detail_json(&p->details[i])) != 0) {
            json_decref(details);
            details = NULL;
        }
    }

    return json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:o}",
                     "policy-type", tlsrpt_str_json(p->policy_type),
                     "policy-domain", tlsrpt_str_json(p->policy_domain),
                     "policy-string",
                     list_json(p->policy_string, p->npolicy_string),
                     "mx-host", list_json(p->mx_host, p->nmx_host),
                     "total-successful-session-count",
                     (json_int_t) p->successful,
                     "total-failure-session-count", (json_int_t) p->failed,
                     "failure-details", details);
}


int
tlsrpt_document_shows(const tlsrpt_document_t *document,
    const tlsrpt_applied_policy_t *policy)
{
    return policy->domain != TLSRPT_LEFT_OUT
           && (document->domain.data == NULL
               || tlsrpt_str_equal(policy->policy_domain, document->domain));
}


int
tlsrpt_document_warns(const tlsrpt_document_t *document,
    const tlsrpt_warning_t *warning)
{
    return document->domain.data == NULL
           || tlsrpt_report_warns(document->report, warning, document->domain);
}


static json_t *
warnings_json(const tlsrpt_document_t *document)
{
    json_t                 *array = json_array();
    const tlsrpt_report_t  *r = document->report;

    for (size_t i = 0; array && i < r->nwarnings; i++) {
        const tlsrpt_warning_t  *w = &r->warnings[i];

        if (tlsrpt_document_warns(document, w)
            && json_array_append_new(array,
                   json_pack("{s:s, s:s, s:s}", "path", w->path, "section",
                             w->section, "message", w->message))
               != 0)
        {
            json_decref(array);
            array = NULL;
        }
    }

    return array;
}


static json_t *
policies_json(const tlsrpt_document_t *document)
{
    json_t                 *array = json_array();
    const tlsrpt_report_t  *r = document->report;

    for (size_t i = 0; array && i < r->npolicies; i++) {
        if (tlsrpt_document_shows(document, &r->policies[i])
            && json_array_append_new(array, policy_json(&r->policies[i])) != 0)
        {
            json_decref(array);
            array = NULL;
        }
    }

    return array;
}


json_t *
tlsrpt_document_json(const tlsrpt_document_t *document)
{
    char                    start[TLSRPT_TIME_TEXT_LEN + 1];
    char                    end[TLSRPT_TIME_TEXT_LEN + 1];
    json_t                 *json, *list = NULL;
    const tlsrpt_report_t  *r = document->report;

    tlsrpt_time_text(r->start, start);
    tlsrpt_time_text(r->end, end);

    json = json_pack("{s:o, s:o, s:o, s:s, s:s, s:I, s:o, s:o}",
                     "organization-name",
                     tlsrpt_str_json(r->organization_name),
                     "report-id", tlsrpt_str_json(r->report_id),
                     "contact-info", tlsrpt_str_json(r->contact_info),
                     "start-datetime", start, "end-datetime", end,
                     "size", (json_int_t) document->size,
                     "policies", policies_json(document),
                     "warnings", warnings_json(document));

    if (json == NULL || document->listing == NULL) {
        return json;
    }

    /* The list's members first; where both have one, the report's. */
    list = tlsrpt_listing_json(document->listing);

    if (list == NULL || json_object_update(list, json) != 0
        || (document->others != NULL
            && tlsrpt_conflicts_set(list, document->others->named,
                                    document->others->n)
               != 0))
    {
        json_decref(list);
        list = NULL;
    }

    json_decref(json);
    return list;
}
