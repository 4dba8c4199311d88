/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_document.h"
#include "tlsrpt_time.h"


#define DETAILS  64                         /* printed at a time */


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


/* Without its failure details, which follow. */

static json_t *
policy_json(const tlsrpt_applied_policy_t *p)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:I, s:I}",
                     "policy-type", tlsrpt_str_json(p->policy_type),
                     "policy-domain", tlsrpt_str_json(p->policy_domain),
                     "policy-string",
                     list_json(p->policy_string, p->npolicy_string),
                     "mx-host", list_json(p->mx_host, p->nmx_host),
                     "total-successful-session-count",
                     (json_int_t) p->successful,
                     "total-failure-session-count", (json_int_t) p->failed);
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


/* Without its policies, which follow. */

static json_t *
head_json(const tlsrpt_document_t *document)
{
    char                    start[TLSRPT_TIME_TEXT_LEN + 1];
    char                    end[TLSRPT_TIME_TEXT_LEN + 1];
    json_t                 *json, *list = NULL;
    const tlsrpt_report_t  *r = document->report;

    tlsrpt_time_text(r->start, start);
    tlsrpt_time_text(r->end, end);

    json = json_pack("{s:o, s:o, s:o, s:s, s:s, s:I, s:o}",
                     "organization-name",
                     tlsrpt_str_json(r->organization_name),
                     "report-id", tlsrpt_str_json(r->report_id),
                     "contact-info", tlsrpt_str_json(r->contact_info),
                     "start-datetime", start, "end-datetime", end,
                     "size", (json_int_t) document->size,
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


/*
 * Printing, piece by piece: a report may have more failure details than an
 * event loop has time for.
 */

static void
add(tlsrpt_buf_t *out, const char *text)
{
    tlsrpt_buf_add(out, text, strlen(text));
}


/* Takes the json; without the brace at its end where more follows. */

static void
add_json(tlsrpt_buf_t *out, json_t *json, int more_follows)
{
    char  *text = json_dumps(json, JSON_COMPACT);

    json_decref(json);

    if (text == NULL) {
        out->failed = 1;
        return;
    }

    tlsrpt_buf_add(out, text, strlen(text) - (more_follows != 0));
    free(text);
}


static int
print_policy(tlsrpt_document_print_t *print, const tlsrpt_document_t *document,
    tlsrpt_buf_t *out)
{
    const tlsrpt_report_t  *r = document->report;

    while (print->policy < r->npolicies
           && !tlsrpt_document_shows(document, &r->policies[print->policy]))
    {
        print->policy++;
    }

    if (print->policy == r->npolicies) {
        add(out, "]}");
        return 0;
    }

    add(out, print->nprinted++ ? "," : "");
    add_json(out, policy_json(&r->policies[print->policy]), 1);
    add(out, ",\"failure-details\":[");
    print->is_within = 1;
    print->detail = 0;

    return 1;
}


static int
print_details(tlsrpt_document_print_t *print, const tlsrpt_document_t *document,
    tlsrpt_buf_t *out)
{
    const tlsrpt_applied_policy_t  *p =
        &document->report->policies[print->policy];

    for (size_t n = 0; n < DETAILS && print->detail < p->ndetails; n++) {
        add(out, print->detail ? "," : "");
        add_json(out, detail_json(&p->details[print->detail++]), 0);
    }

    if (print->detail == p->ndetails) {
        add(out, "]}");
        print->is_within = 0;
        print->policy++;
    }

    return 1;
}


int
tlsrpt_document_print(tlsrpt_document_print_t *print,
    const tlsrpt_document_t *document, tlsrpt_buf_t *out)
{
    int  more = 1;

    if (!print->is_begun) {
        add_json(out, head_json(document), 1);
        add(out, ",\"policies\":[");
        print->is_begun = 1;

    } else if (print->is_within) {
        more = print_details(print, document, out);

    } else {
        more = print_policy(print, document, out);
    }

    return out->failed ? -1 : more;
}


char *
tlsrpt_document_json(const tlsrpt_document_t *document, size_t *len)
{
    int                       rc;
    tlsrpt_buf_t              out = { NULL, 0, 0, 0 };
    tlsrpt_document_print_t   print;

    memset(&print, 0, sizeof(print));

    do {
        rc = tlsrpt_document_print(&print, document, &out);
    } while (rc == 1);

    tlsrpt_buf_add(&out, "", 1);

    if (rc < 0 || out.failed) {
        tlsrpt_buf_free(&out);
        return NULL;
    }

    *len = out.len - 1;

    return out.data;
}
