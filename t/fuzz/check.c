/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What was seen and what is served, as JSON that may say anything: it is read
 * within its bounds and judged; what is found can be told, and its cause names
 * it again; a policy beside it, and its metrics, are so for any of it.
 */

#include "fuzz.h"

#include "tlsrpt_metrics_checks.h"
#include "tlsrpt_published.h"


static void
tell(const tlsrpt_findings_ask_t *asked, const tlsrpt_finding_t *finding)
{
    tlsrpt_str_t    mx, cause;
    tlsrpt_about_t  about;
    json_t         *json = tlsrpt_finding_json(asked, finding);
    json_t         *text = tlsrpt_finding_cause(finding);

    /* NULL: a name that is not UTF-8, which JSON cannot have held */
    CHECK(json != NULL && text != NULL);
    CHECK(json_string_length(json_object_get(json, "title")) > 0);

    cause.data = json_string_value(text);
    cause.len = json_string_length(text);
    CHECK(tlsrpt_finding_about(cause, &about, &mx) == 0);
    CHECK(about == finding->about);

    json_decref(text);
    json_decref(json);
}


static void
judge(tlsrpt_str_t text, const tlsrpt_seen_t *seen,
    const tlsrpt_versions_t *served)
{
    static tlsrpt_findings_t  found;
    tlsrpt_findings_ask_t     asked = { TLSRPT_STR("example.com"), seen, served,
                                        1768910400, (int) (text.len & 1) };

    tlsrpt_findings(&asked, &found);
    CHECK(found.n <= TLSRPT_MAX_FINDINGS);

    for (size_t i = 0; i < found.n; i++) {
        tell(&asked, &found.list[i]);
        CHECK(i == 0 || found.list[i].severity <= found.list[i - 1].severity);
    }
}


/* A policy that is served beside it. */

static void
compare(const tlsrpt_seen_t *seen)
{
    json_t                           *json;
    tlsrpt_verdict_t                  verdict;
    const tlsrpt_published_policy_t   policy = {
        TLSRPT_STR("example.com"), TLSRPT_STR("abc"), MTA_STS_ENFORCE
    };

    tlsrpt_published_policy(seen, 1768910400, &policy, &verdict);
    json = tlsrpt_published_json(&verdict);
    CHECK(json != NULL);
    json_decref(json);
}


static void
measure(tlsrpt_str_t text)
{
    size_t                    len;
    char                     *page;
    tlsrpt_reply_t            reply = { TLSRPT_REPLY_STRING, 0, text.data,
                                        text.len, 0, NULL };
    tlsrpt_metrics_t         *metrics = tlsrpt_metrics_create(0);
    tlsrpt_metrics_checks_t  *checks = tlsrpt_metrics_checks_create();

    CHECK(metrics != NULL && checks != NULL);
    CHECK(tlsrpt_metrics_checks_add(checks, TLSRPT_STR("example.com"), &reply,
                                    1768910400)
          == 0);
    tlsrpt_metrics_checks_end(checks, metrics, 1768910400);
    page = tlsrpt_metrics_text(metrics, &len);
    CHECK(page != NULL);

    for (size_t i = 0; i < len; i++) {
        CHECK((unsigned char) page[i] < 0x7f && page[i] != '\0');
    }

    free(page);
    tlsrpt_metrics_checks_destroy(checks);
    tlsrpt_metrics_destroy(metrics);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tlsrpt_str_t       text = { (const char *) data, size };
    tlsrpt_seen_t      seen;
    tlsrpt_versions_t  served;
    const int          has_seen = tlsrpt_seen_read(text, &seen) == 0;
    const int          has_served = tlsrpt_versions_read(text, &served) == 0;

    judge(text, has_seen ? &seen : NULL, has_served ? &served : NULL);
    judge(text, has_seen ? &seen : NULL, NULL);
    compare(&seen);
    measure(text);
    tlsrpt_seen_free(&seen);
    tlsrpt_versions_free(&served);

    return 0;
}
