/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tlsrpt_dns.h"
#include "tlsrpt_dns_lines.h"
#include "tlsrpt_finding_record.h"


/*
 * Records
 */

/* The TXT records of a name, one a line; to be freed. */

static char *
lines_of(const tlsrpt_look_t *look, size_t *len)
{
    char    *text, *p;
    size_t   size = 1;

    for (size_t i = 0; i < look->ntxt; i++) {
        size += look->txt[i].len + 1;
    }

    p = text = malloc(size);

    for (size_t i = 0; text != NULL && i < look->ntxt; i++) {
        for (size_t k = 0; k < look->txt[i].len; k++) {
            const char  c = look->txt[i].data[k];

            *p++ = (char) (c == '\n' || c == '\r' ? ' ' : c);
        }

        *p++ = '\n';
    }

    *len = text != NULL ? (size_t) (p - text) : 0;

    return text;
}


/* The one of the record's version, as DNS has it; data NULL: none. */

tlsrpt_str_t
tlsrpt_findings_record(const tlsrpt_look_t *look, const char *version,
    size_t *n)
{
    tlsrpt_str_t  record = { NULL, 0 };

    *n = 0;

    for (size_t i = 0; i < look->ntxt; i++) {
        const size_t        len = strlen(version);
        const tlsrpt_str_t  txt = look->txt[i];

        /* RFC 8460 3, RFC 8461 3.1: others are discarded */
        if (tlsrpt_str_begins(txt, version)
            && (txt.len == len || tlsrpt_is_wsp(txt.data[len])
                || txt.data[len] == ';'))
        {
            record = *n == 0 ? txt : record;
            ++*n;
        }
    }

    return record;
}


static tlsrpt_finding_t *
find_record(tlsrpt_findings_t *f, const char *type, const char *section,
    tlsrpt_about_t about, const tlsrpt_look_t *look)
{
    tlsrpt_finding_t  *finding = tlsrpt_findings_add(f, type, section, about);

    if (finding != NULL) {
        finding->record = about == TLSRPT_ABOUT_STS ? TLSRPT_STR("_mta-sts")
                                                    : TLSRPT_STR("_smtp._tls");
        finding->at = look->at;
        finding->since = look->since;
    }

    return finding;
}


/* Does the record of DNS name one of those expected? */

static int
names_one(const json_t *checked, const tlsrpt_versions_t *served)
{
    const json_t  *rua = json_object_get(checked, "rua");

    for (size_t i = 0; i < json_array_size(rua); i++) {
        const json_t  *uri = json_array_get(rua, i);

        for (size_t k = 0; k < served->nrua; k++) {
            if (json_string_length(uri) == served->rua[k].len
                && strncasecmp(json_string_value(uri), served->rua[k].data,
                               served->rua[k].len) == 0)
            {
                return 1;
            }
        }
    }

    return 0;
}


static void
judge_reporting_text(const tlsrpt_findings_ask_t *ask, tlsrpt_findings_t *f,
    tlsrpt_str_t record)
{
    size_t             len;
    char              *text = lines_of(&ask->seen->reporting, &len);
    json_t            *checked = text ? tlsrpt_dns_check(text, len) : NULL;
    const char        *section = NULL;
    tlsrpt_finding_t  *finding;

    if (checked != NULL && !json_is_true(json_object_get(checked, "valid"))) {
        section = "check-record-invalid";

    } else if (checked != NULL && ask->served != NULL && ask->served->nrua
               && !names_one(checked, ask->served))
    {
        section = "check-record-elsewhere";
    }

    if (section != NULL) {
        finding = find_record(f, TLSRPT_RECORD_DIFFERS, section,
                              TLSRPT_ABOUT_REPORTING, &ask->seen->reporting);

        if (finding != NULL) {
            finding->found = record;
        }
    }

    json_decref(checked);
    free(text);
}


/* The first that is expected: Microsoft delivers to it alone. */

static void
judge_reporting(const tlsrpt_findings_ask_t *ask, tlsrpt_findings_t *f)
{
    size_t                n;
    const tlsrpt_look_t  *look = &ask->seen->reporting;
    const tlsrpt_str_t    record = tlsrpt_findings_record(look,
                                                          "v=TLSRPTv1", &n);

    if (n > 1) {
        (void) find_record(f, TLSRPT_RECORD_SEVERAL, TLSRPT_RECORD_SEVERAL,
                           TLSRPT_ABOUT_REPORTING, look);

    } else if (n == 1) {
        judge_reporting_text(ask, f, record);

    } else if (ask->reports_came
               || (ask->served != NULL && ask->served->nrua))
    {
        (void) find_record(f, TLSRPT_RECORD_MISSING, "check-reporting-missing",
                           TLSRPT_ABOUT_REPORTING, look);
    }
}


tlsrpt_str_t
tlsrpt_findings_id(tlsrpt_str_t record)
{
    tlsrpt_str_t  id = { NULL, 0 };
    const char   *end = record.data + record.len;

    for (const char *p = record.data; p + 3 < end; p++) {
        if (memcmp(p, "id=", 3) == 0
            && (p == record.data || p[-1] == ';' || tlsrpt_is_wsp(p[-1])))
        {
            id.data = p + 3;

            while (id.data + id.len < end
                   && tlsrpt_is_alnum(id.data[id.len]))
            {
                id.len++;
            }

            break;
        }
    }

    return id;
}


static void
judge_sts_text(const tlsrpt_findings_ask_t *ask, tlsrpt_findings_t *f,
    tlsrpt_str_t record)
{
    json_t                  *checked = tlsrpt_dns_check(record.data,
                                                        record.len);
    const tlsrpt_str_t       id = tlsrpt_findings_id(record);
    tlsrpt_finding_t        *finding = NULL;
    const tlsrpt_version_t  *version = tlsrpt_findings_served(ask);

    if (checked != NULL && !json_is_true(json_object_get(checked, "valid"))) {
        finding = find_record(f, TLSRPT_RECORD_DIFFERS, "check-record-invalid",
                              TLSRPT_ABOUT_STS, &ask->seen->sts);

    /* RFC 8461 3.1: by another id senders know that there is another policy */
    } else if (checked != NULL && version != NULL && version->id.len
               && !tlsrpt_str_equal(id, version->id))
    {
        finding = find_record(f, TLSRPT_POLICY_ID_STALE,
                              TLSRPT_POLICY_ID_STALE, TLSRPT_ABOUT_STS,
                              &ask->seen->sts);
    }

    if (finding != NULL) {
        finding->found = id.len ? id : record;
        finding->expected = version != NULL ? version->id : finding->expected;
    }

    json_decref(checked);
}


static void
judge_sts(const tlsrpt_findings_ask_t *ask, tlsrpt_findings_t *f)
{
    size_t                   n;
    const tlsrpt_look_t     *look = &ask->seen->sts;
    const tlsrpt_str_t       record = tlsrpt_findings_record(look, "v=STSv1",
                                                             &n);
    const tlsrpt_version_t  *version = tlsrpt_findings_served(ask);
    tlsrpt_finding_t        *finding;

    if (n > 1) {
        (void) find_record(f, TLSRPT_RECORD_SEVERAL, TLSRPT_RECORD_SEVERAL,
                           TLSRPT_ABOUT_STS, look);

    } else if (n == 1) {
        judge_sts_text(ask, f, record);

    } else if (version != NULL && version->mode != MTA_STS_NONE) {
        finding = find_record(f, TLSRPT_RECORD_MISSING, "check-sts-missing",
                              TLSRPT_ABOUT_STS, look);

        if (finding != NULL) {
            finding->expected = version->id;
        }
    }
}


/*
 * DNSSEC
 */

/* The first question of the domain whose answer does not verify; NULL: none. */

static const tlsrpt_look_t *
bogus_look(const tlsrpt_findings_ask_t *ask)
{
    const tlsrpt_look_t  *looks[] = { &ask->seen->mx, &ask->seen->sts,
                                      &ask->seen->reporting };

    for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
        if (looks[i]->bogus.len
            && tlsrpt_findings_is_fresh(ask, looks[i]->at))
        {
            return looks[i];
        }
    }

    return NULL;
}


/* Who verifies does not find the mail servers then (RFC 7672 2.2.1). */

void
tlsrpt_findings_of_dnssec(const tlsrpt_findings_ask_t *ask,
    tlsrpt_findings_t *f)
{
    tlsrpt_finding_t     *finding;
    const tlsrpt_look_t  *look = bogus_look(ask);

    if (look == NULL) {
        return;
    }

    finding = tlsrpt_findings_add(f, "dnssec-invalid", "check-dnssec",
                                  TLSRPT_ABOUT_DOMAIN);

    if (finding != NULL) {
        finding->mx = ask->domain;
        finding->found = look->bogus;
        finding->at = look->at;

        if (look == &ask->seen->mx) {
            finding->severity = TLSRPT_SEVERITY_HIGH;
            finding->lost = TLSRPT_FINDING_LOST_YES;
        }
    }
}


void
tlsrpt_findings_of_records(const tlsrpt_findings_ask_t *ask,
    tlsrpt_findings_t *f)
{
    if (!tlsrpt_findings_is_past_grace(ask)) {
        return;
    }

    if (tlsrpt_findings_is_told(ask, &ask->seen->reporting)) {
        judge_reporting(ask, f);
    }

    if (tlsrpt_findings_is_told(ask, &ask->seen->sts)) {
        judge_sts(ask, f);
    }
}
